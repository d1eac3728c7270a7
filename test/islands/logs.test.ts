// Nodes and islands log themselves as versions, as their settings ask, and the history of many runs is scraped from the store.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { cleanUp, jsonLines, LIMIT, scratch, unum } from "../cli/unum.ts";

after(cleanUp);

const RUN = [
  "islands",
  "run",
  "bbob:f3:d4",
  "--seed",
  "5",
  "--islands",
  "2",
  "--in-process",
  "--json",
  "--evaluations",
];
const NODE = /^[0-9a-f]{8}_[^_]+$/;
const ISLAND = /^[0-9a-f]{8}_[^_]+_[0-9a-f]{8}$/;

/** Versions by the name of whose log it is. */
async function logsOf(home: string, run: string): Promise<ReadonlyMap<string, number>> {
  const folder = join(home, "islands", run, "logs");
  const names = await readdir(folder).catch(() => []);
  const counts = names.map(
    async (name) => [name.replace("log%", ""), (await readdir(join(folder, name))).length] as const,
  );
  return new Map(await Promise.all(counts));
}

describe("logs of islands", LIMIT, () => {
  it("are versions of log/NODE and log/ISLAND, and one table, CSV, plot or reduction of all runs", LIMIT, async () => {
    const home = await scratch();
    for (const [name, settings] of [
      ["whole", ["--set", "log.every=0.05", "--set", "migration.every=100"]],
      ["summary", ["--set", "log.type=summary", "--set", "migration.every=100"]],
      ["none", ["--set", "log.type=none", "--set", "migration.every=100"]],
    ] as const) {
      const ran = await unum([...RUN, "60000", "--target", "-1e9", "--name", name, ...settings], { home });
      assert.equal(ran.code, 1, ran.stderr);
    }
    const whole = await logsOf(home, "whole");
    const islands = [...whole.keys()].filter((name) => ISLAND.test(name));
    assert.equal(islands.length, 2);
    const [node = assert.fail("the node has no log")] = [...whole.keys()].filter((name) => NODE.test(name));
    assert.ok(islands.every((name) => name.startsWith(`${node}_`)));
    assert.ok(
      [...whole.values()].every((count) => count > 1),
      JSON.stringify([...whole]),
    );
    assert.deepEqual([...(await logsOf(home, "summary")).keys()], [node]);
    assert.equal((await logsOf(home, "none")).size, 0);

    const another = await unum([...RUN, "4000", "--name", "another", "--set", "log.every=0.05"], { home });
    assert.ok(another.code === 0 || another.code === 1, another.stderr);
    const all = jsonLines(await unum(["islands", "log", "--json"], { home }));
    assert.deepEqual(new Set(all.map(({ run }) => run)), new Set(["whole", "another"]));
    const last = jsonLines(await unum(["islands", "log", "whole", "--last", "1", "--json"], { home }));
    assert.deepEqual(last.map(({ name }) => name).sort(), [...islands].sort());
    assert.ok(last.every(({ evaluations }) => evaluations >= 60_000));
    const csv = (await unum(["islands", "log", "whole", "--csv"], { home })).stdout.trim().split("\n");
    assert.equal(csv.length, 1 + all.filter(({ run }) => run === "whole").length);
    assert.ok(csv.every((line) => line.split(",").length === 10));
    const plot = (await unum(["islands", "log", "whole", "--plot"], { home })).stdout;
    assert.match(plot, /•[\s\S]*└─+\n.*evaluations/);
  });
});
