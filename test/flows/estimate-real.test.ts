// The estimate held against real processes: two containers, a journal on disk, steps that wait. Waiting takes as long on any machine, so what is
// compared is how many wait at one time, and what is said to be full first.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type Build, estimateFlow, flow, runFlow, sqliteJournals } from "unum/flows";
import { ContainerPool } from "../../src/cli/flow/container-pool.ts";
import { systemEnv } from "../../src/system/env.ts";
import { cleanUp, LIMIT, scratch } from "../cli/unum.ts";
import { ItemSchema, Steps } from "../gen/unum/test/v1/flows_pb.ts";

const { work } = Steps.method;
const CONTAINERS = 2;
/** Of the component in kills-flow. */
const AT_ONCE = 16;
/** An estimate may be off by so much either way. */
const FACTOR = 2;

describe("an estimate beside real processes", LIMIT, () => {
  after(cleanUp);

  it("is within a factor of two where steps wait, and where an edge has a rate, and names what is full", async () => {
    const home = await scratch();
    process.env["UNUM_HOME"] = home;
    const env = systemEnv();
    const folder = join(import.meta.dirname, "kills-flow/components");
    const cases: { readonly ms: number; readonly items: number; readonly perSecond?: number; readonly full: RegExp }[] =
      [
        { ms: 400, items: 400, full: /^step 'two': 32 at one time, in 2 containers/ },
        { ms: 50, items: 150, perSecond: 50, full: /^edge source→one: 50 a second/ },
      ];
    for (const [index, { ms, items, perSecond = Number.POSITIVE_INFINITY, full }] of cases.entries()) {
      const declared = flow(
        "chain",
        ({ source, step, sink }: Build) => {
          source(ItemSchema).to(step("one", Steps.method.other), { perSecond }).to(step("two", work)).to(sink("end"));
        },
        { input: ItemSchema },
      );
      const guess = { ms, concurrency: AT_ONCE };
      const { itemsPerSecond, bounds } = estimateFlow(declared.graph, {
        steps: { two: guess },
        containers: CONTAINERS,
      });
      assert.match(bounds[0]?.by ?? "", full);
      const pool = await ContainerPool.start({ env, folder, most: CONTAINERS, say: console.error });
      await pool.full();
      const journals = sqliteJournals(join(home, "flows"));
      const run = await runFlow(declared, { env, journals, workers: pool.workers, id: `run-${index}` });
      const startedAt = performance.now();
      for (let number = 0; number < items; number++) void run.submit({ name: `i${number}`, workMs: ms });
      await run.close();
      assert.equal(await run.finished, "done");
      const seen = (items * 1_000) / (performance.now() - startedAt);
      await run.stop();
      const factor = Math.max(seen / itemsPerSecond, itemsPerSecond / seen);
      assert.ok(factor < FACTOR, `${itemsPerSecond} items a second estimated, ${seen} seen`);
    }
  });
});
