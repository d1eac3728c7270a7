// A run that goes on while it is looked at, steered, interrupted, gone on with and cancelled, each by a command of its own.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { cleanUp, type Ended, endOf, jsonLines, LIMIT, scratch, start, unum } from "./unum.ts";

const FLOW = "test/flows/kills-flow";
/** Of each item: the run lasts for as long as the test looks at it. */
const WORK_MS = 600_000;

const running: ChildProcess[] = [];

describe("a run under way", LIMIT, () => {
  after(async () => {
    for (const child of running) child.kill("SIGKILL");
    await cleanUp();
  });

  it("is watched, paused, limited, interrupted by Ctrl-C, gone on with, stopped and cancelled", async () => {
    const home = await scratch();
    const input = join(home, "items.ndjson");
    writeFileSync(
      input,
      [1, 2, 3].map((number) => JSON.stringify({ name: `i${number}`, number: 1, workMs: WORK_MS })).join("\n"),
    );
    const flow = (...args: string[]) => unum(["flow", ...args], { home });
    const begin = (...args: string[]) => {
      const child = start(["flow", "run", FLOW, "--in-process", "--json", ...args], { home });
      running.push(child);
      return { child, ended: endOf(child) };
    };
    const status = async () => jsonLines(await flow("status", "r", "--json"))[0];
    /** Polled until it is so; a run that ends meanwhile fails at once. */
    const until = async (
      { child, ended }: { child: ChildProcess; ended: Promise<Ended> },
      wanted: (now: Status) => boolean,
    ) => {
      for (;;) {
        if (child.exitCode !== null) assert.fail(`the run ended: ${JSON.stringify(await ended)}`);
        const now = await flow("status", "r", "--json");
        if (now.code === 0 && wanted(jsonLines(now)[0])) return;
      }
    };

    const first = begin("--input", input, "--id", "r");
    await until(first, ({ workers, items, nodes }) => workers > 0 && items === 3 && runningAt(nodes) > 0);
    const other = await flow("run", FLOW, "--resume", "r", "--in-process");
    assert.equal(other.code, 4, "another process runs it");
    assert.match(other.stderr, /another process runs this run/);
    assert.equal((await flow("pause", "r")).code, 0);
    assert.equal((await status()).paused, true);
    assert.equal((await flow("resume", "r")).code, 0);
    assert.equal((await status()).paused, false);
    const limited = await flow("limits", "r", "source->alone", "--capacity", "7", "--json");
    assert.equal(limited.code, 0, limited.stderr);
    const edge = (await status()).edges.find(({ name }: { name: string }) => name === "source→alone");
    assert.equal(JSON.parse(edge.policy).capacity, 7);

    first.child.kill("SIGINT");
    const interrupted = await first.ended;
    assert.equal(interrupted.code, 130, interrupted.stderr);
    assert.match(interrupted.stderr, /stands where it is; go on with: unum flow run .* --resume r/);
    assert.deepEqual([(await status()).workers, (await status()).finished], [0, ""]);

    const second = begin("--resume", "r");
    await until(second, ({ workers }) => workers > 0);
    const stopped = await flow("stop", "r");
    assert.equal(stopped.code, 0, stopped.stderr);
    await second.ended;
    assert.equal((await status()).finished, "");

    const third = begin("--resume", "r");
    await until(third, ({ workers }) => workers > 0);
    const watching = start(["flow", "status", "r", "--watch", "--json"], { home });
    running.push(watching);
    const watched = endOf(watching);
    // It has drawn once.
    await Promise.race([new Promise((resolve) => watching.stdout?.once("data", resolve)), watched]);
    const cancelled = await flow("cancel", "r");
    assert.equal(cancelled.code, 0, cancelled.stderr);
    const end = await third.ended;
    assert.equal(end.code, 1, end.stderr);
    assert.equal(jsonLines(end)[0].finished, "cancelled");
    const seen = await watched;
    assert.equal(seen.code, 0, seen.stderr);
    assert.equal(jsonLines(seen).at(-1).finished, "cancelled");
    // The limit was written down, for every router of the run.
    const last = await status();
    assert.equal(
      JSON.parse(last.edges.find(({ name }: { name: string }) => name === "source→alone").policy).capacity,
      7,
    );
  });
});

interface Status {
  readonly workers: number;
  readonly items: number;
  readonly nodes: readonly { readonly running: number }[];
}

function runningAt(nodes: Status["nodes"]): number {
  return nodes.reduce((sum, node) => sum + node.running, 0);
}
