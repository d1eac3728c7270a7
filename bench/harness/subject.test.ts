import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startPair } from "./subject.ts";

const LOAD = { sizeBytes: 10_000, inFlight: 8, calls: 500, sampleEvery: 1 };

describe("a pair of processes", () => {
  it("does exactly the calls it is asked for, and says what they cost", async () => {
    const pair = await startPair("bare");
    try {
      const round = await pair.measure(LOAD, 30_000);
      assert.deepEqual([round.completed, round.served, round.wrong, round.failed], [500, 500, 0, 0]);
      assert.ok(round.callingCpuUs > 0 && round.calledCpuUs > 0);
      assert.ok(round.p50Us > 0 && round.p50Us <= round.p99Us);
    } finally {
      await pair.end();
    }
  });

  it("rejects when an answer does not come in time", async () => {
    const pair = await startPair("bare");
    try {
      await assert.rejects(pair.measure({ ...LOAD, calls: 1_000_000 }, 1), /no answer to 'load' in 1 ms/);
    } finally {
      await pair.end();
    }
  });

  it("says why it could not start", async () => {
    await assert.rejects(startPair("nothing"), /no system 'nothing'; there are unum, /);
  });
});
