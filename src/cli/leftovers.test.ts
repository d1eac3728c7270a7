// Containers that outlive their governor: what is told to end, what is killed, and what is left when even that does not help.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { ProcessExit, ProcessSignal, WatchedProcess } from "../base/processes.ts";
import { systemEnv } from "../system/env.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { endLeftovers, type Leftover } from "./leftovers.ts";

const folders: string[] = [];
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A container that nobody reaches. `mortal`: whether a kill ends it, as it does all but what the system holds on to. */
function unreachable(id: string, run: string, mortal: boolean) {
  const exit = Promise.withResolvers<ProcessExit>();
  const signals: ProcessSignal[] = [];
  let isRunning = true;
  const process: WatchedProcess = {
    id: { pid: 4_242, startTime: "never" },
    exited: exit.promise,
    isRunning: () => isRunning,
    signal: (signal) => {
      signals.push(signal);
      if (mortal) {
        isRunning = false;
        exit.resolve({ code: undefined, signal });
      }
      return true;
    },
    release: () => {},
  };
  const leftover: Leftover = { id, address: `ipc://${join(run, `${id}.sock`)}`, process };
  return { leftover, signals };
}

describe("what outlives its governor", () => {
  it("is killed where it cannot be told to end, and named where it stays all the same", {
    timeout: 120_000,
  }, async () => {
    const run = await mkdtemp(join(tmpdir(), "unum-left-"));
    folders.push(run);
    const clock = new VirtualClock();
    const [ends, stays] = [unreachable("kends", run, true), unreachable("kstays", run, false)];
    let outcome: Awaited<ReturnType<typeof endLeftovers>> | undefined;
    const ending = endLeftovers(run, [ends.leftover, stays.leftover], {
      env: { ...systemEnv(), clock },
      graceMs: 60_000,
    });
    void ending.then((settled) => {
      outcome = settled;
    });
    // Sockets do not know virtual time: a minute and its slack pass while they are asked.
    while (outcome === undefined && clock.now() < 600_000) {
      await clock.advance(1_000);
      await new Promise((turn) => setImmediate(turn));
    }
    assert.ok(outcome !== undefined, "it has an end");
    assert.deepEqual(outcome.killed, [ends.leftover]);
    assert.deepEqual(outcome.remaining, [stays.leftover]);
    assert.deepEqual([ends.signals, stays.signals], [["SIGKILL"], ["SIGKILL"]], "each once");
  });
});
