// A user's flow in the simulator, as the guide says it: its example is here, and must be the same there.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { component } from "unum";
import { flow } from "unum/flows";
import { simulateFlow } from "unum/flows/testing";
import { type Clock, sleep } from "../../src/base/clock.ts";
import { type Item, ItemSchema, Steps } from "../gen/unum/test/v1/flows_pb.ts";

const DAY_MS = 24 * 3_600_000;

const reminders = flow(
  "reminders",
  ({ source, step, sink }) => {
    source(ItemSchema)
      .to(step("look up", Steps.method.work))
      .to(step("remind", Steps.method.other, { attempts: 10 }))
      .to(sink("reminded"));
  },
  { input: ItemSchema },
);

const stepsOf = (clock: Clock) => {
  const waited = async (item: Item): Promise<MessageInitShape<typeof ItemSchema>> => {
    await sleep(clock, 50);
    return item;
  };
  return {
    ...{ work: waited, other: waited, undo: waited, report: (sum: object) => sum },
    spread: async function* (item: Item) {
      yield item;
    },
  };
};

describe("a flow in the simulator", () => {
  it("lives through thirty days, twenty troubles and two dead routers in seconds", async () => {
    // The example of docs/guide/flows.md:
    const simulation = await simulateFlow(reminders, {
      components: ({ clock }) => [component(Steps, stepsOf(clock))],
      seed: 7,
      faults: { count: 20, withinMs: 3_600_000 },
      routerKills: [1_000, 10 * DAY_MS],
    });
    simulation.schedule({ name: "six", pattern: "0 6 * * *", item: (dueAt) => ({ name: dueAt.toISOString() }) });
    await simulation.advance(30 * DAY_MS);
    assert.equal(await simulation.finish(), "done");
    assert.equal(new Set(simulation.outputs.map(({ task }) => task)).size, 30);
    // Up to here.
    const names = new Set(simulation.outputs.map(({ value }) => (value as Item).name));
    assert.equal(names.size, 30);
    assert.ok(simulation.now >= 30 * DAY_MS);
  });

  it("is the one that the guide shows", () => {
    const own = readFileSync(import.meta.filename, "utf8");
    const [, code = ""] = own.split(/ +\/\/ The example of docs\/guide\/flows\.md:\n| +\/\/ Up to here\.\n/);
    const shown = code
      .split("\n")
      .map((line) => line.replace(/^ {4}/, ""))
      .join("\n");
    const guide = readFileSync(new URL("../../docs/guide/flows.md", import.meta.url), "utf8");
    assert.ok(guide.includes(`\`\`\`ts\n${shown}\`\`\``), shown);
  });

  it("is the same for the same seed, and loses nothing whatever the seed", async () => {
    const once = async (seed: number) => {
      const simulation = await simulateFlow(reminders, {
        components: ({ clock }) => [component(Steps, stepsOf(clock))],
        ...{ seed, containers: 3, faults: { count: 8, withinMs: 2_000 }, routerKills: [300, 900] },
      });
      for (let number = 0; number < 10; number++) await simulation.submit({ name: `i${number}` }, `key ${number}`);
      assert.equal(await simulation.finish(), "done", `seed ${seed}`);
      assert.equal(new Set(simulation.outputs.map(({ task }) => task)).size, 10, `seed ${seed}`);
      const [first] = simulation.outputs;
      const history = await simulation.history(first?.task ?? 0);
      return { outputs: simulation.outputs.map(({ task, at }) => `${task} at ${at}`), history };
    };
    for (const seed of [1, 2, 3]) assert.deepEqual(await once(seed), await once(seed));
    assert.notDeepEqual((await once(1)).outputs, (await once(2)).outputs);
  });
});
