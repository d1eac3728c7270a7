// The bench of governors as it is run: one short row of real processes, and what it says where it cannot.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { callsAtRate } from "./calls-at-rate.ts";
import { type Figure, verdictIn } from "./figure.ts";

const BENCH = fileURLToPath(new URL("../governor.ts", import.meta.url));

function bench(words: readonly string[]): Promise<{ code: unknown; out: string; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BENCH, ...words], { timeout: 240_000 }, (error, out, said) =>
      resolve({ code: error?.code ?? 0, out, said }),
    );
  });
}

describe("the bench of governors", { timeout: 300_000 }, () => {
  it("measures a row with a real node, and says under which load", async () => {
    const { code, out, said } = await bench(["--rows", "limits", "--rounds", "1", "--json"]);
    assert.equal(code, 0, said);
    const { rounds, rows } = JSON.parse(out);
    assert.equal(rounds, 1);
    const [row] = rows;
    assert.deepEqual([row.row, row.load.length, row.figures.length], ["limits", 2, 3]);
    for (const figure of row.figures) {
      assert.equal(figure.rounds.length, 1);
      assert.ok(figure.median > 0, JSON.stringify(figure));
    }
  });

  it("refuses a row that it does not know, naming those that there are", async () => {
    const { code, said } = await bench(["--rows", "speed"]);
    assert.equal(code, 2);
    assert.match(said, /no row 'speed'; there are replaced, .*stop/);
  });
});

describe("a figure", () => {
  it("meets its goal by its median, and has no verdict without one", () => {
    const figure = (goal?: Figure["goal"]): Figure => ({
      ...{ says: "it", unit: "ms", rounds: [10, 900, 20] },
      ...(goal === undefined ? {} : { goal }),
    });
    assert.equal(verdictIn(figure({ bound: "at most", value: 20 })), "met");
    assert.equal(verdictIn(figure({ bound: "at most", value: 19 })), "missed");
    assert.equal(verdictIn(figure({ bound: "at least", value: 20 })), "met");
    assert.equal(verdictIn(figure()), undefined);
  });
});

describe("calls at a rate", () => {
  it("are begun as long as it is not over, and each that fails is counted", async () => {
    let begun = 0;
    const enough = new Promise<void>((resolve) => {
      const look = () => (begun >= 20 ? resolve() : setTimeout(look, 1));
      look();
    });
    const call = async () => {
      if (++begun % 5 === 0) throw new Error(`number ${begun}`);
    };
    const outcomes = await callsAtRate(call, 1, enough);
    assert.equal(outcomes.begun, begun);
    assert.equal(outcomes.failed, Math.floor(begun / 5));
    assert.match(outcomes.firstFailure ?? "", /number 5/);
  });
});
