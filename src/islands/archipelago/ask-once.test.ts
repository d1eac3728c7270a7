// A proposer is asked once for the same parents, within its budget and its time, and what it answers is checked.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "../../testing/index.ts";
import { problem } from "../problem.ts";
import { type Propose, rowProposer } from "../proposer.ts";
import { search } from "../search.ts";
import { askOnce, inMemory, type Recorded } from "./ask-once.ts";
import type { Question } from "./questions.ts";

const never = new AbortController().signal;

function question(gene: number, island = 0): Question {
  const parents = [{ genes: Float64Array.of(gene), values: Float64Array.of(gene) }];
  return { island, epoch: 1, parents, timeoutMs: 1_000 };
}

/** Lets everything go on, time included, until it has settled. */
async function settled<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let over = false;
  void promise.finally(() => {
    over = true;
  });
  while (!over) await clock.advance(100);
  return promise;
}

describe("a proposer", () => {
  it("is asked once for the same parents, also at the same time, and never where the answer was written down", async () => {
    const [clock, recording] = [new VirtualClock(), inMemory()];
    const seeds: number[] = [];
    const propose: Propose = async ({ parents, seed }) => {
      seeds.push(seed);
      return { rows: parents.map(({ genes }) => genes.map((gene) => gene + 1)), cost: 2, refused: [] };
    };
    const ask = askOnce({ propose, recording, clock });
    const answers = [ask(question(1), never), ask(question(1, 3), never), ask(question(2), never)];
    assert.deepEqual(
      (await settled(clock, Promise.all(answers))).map(({ rows, cost }) => [rows[0]?.[0], cost]),
      [
        [2, 2],
        [2, 2],
        [3, 2],
      ],
    );
    assert.equal(seeds.length, 2);
    assert.notEqual(seeds[0], seeds[1]);
    const again = askOnce({ propose: () => assert.fail("it was asked again"), recording, clock });
    assert.deepEqual([...((await again(question(2), never)).rows[0] ?? [])], [3]);
  });

  it("that fails or does not answer in time is asked three times, and then has answered nothing, for good", async () => {
    for (const [propose, why] of [
      [() => Promise.reject(new Error("no credit")), /no credit/],
      [() => new Promise<never>(() => {}), /no answer within 1000 ms/],
    ] as const) {
      const [clock, recording] = [new VirtualClock(), inMemory()];
      let asked = 0;
      const told: Recorded[] = [];
      const ask = askOnce({
        ...{ recording, clock },
        propose: () => {
          asked++;
          return propose();
        },
        told: (_, answer) => told.push(answer),
      });
      for (let times = 0; times < 2; times++) {
        assert.deepEqual((await settled(clock, ask(question(1), never))).rows, []);
      }
      assert.equal(asked, 3);
      assert.match(told[0]?.failure ?? "", why);
    }
  });

  it("is asked no more when its island has spent its budget, and finds the same with the same answers", async () => {
    const asked: number[] = [];
    const made = problem({
      ...{ dimensions: 3, lower: -5, upper: 5, evaluate: (x) => x.reduce((sum, each) => sum + (each - 1) ** 2, 0) },
      propose: ({ parents, seed }) => {
        asked.push(seed);
        const [best = assert.fail()] = parents;
        assert.deepEqual(
          parents.map(({ values }) => values[0] ?? 0),
          parents.map(({ values }) => values[0] ?? 0).sort((a, b) => a - b),
        );
        return { candidates: [best.candidate.map(() => 1)], cost: 3 };
      },
    });
    const settings = ["migration.every=100", "proposer.budget=10"];
    const options = { seed: 1, islands: 2, evaluations: 2_000, engines: ["ga"], settings };
    const found = await search(made, options);
    // Each island asks while it has spent less than 10: at 0, 3, 6 and 9.
    assert.ok(asked.length > 4 && asked.length <= 8, `asked ${asked.length} times`);
    assert.deepEqual(await search(made, options), found);
    const without = await search(made, { ...options, settings: ["migration.every=100", "proposer.every=0"] });
    assert.ok((found.best?.values[0] ?? 1) < (without.best?.values[0] ?? 0), "its answers were of no use");
  });

  it("gives no candidate that the problem cannot have: each is refused with its reason", async () => {
    const spaceOf = (genome: "real" | "bits" | "permutation") =>
      problem({ genome, dimensions: 3, lower: 0, upper: 1, evaluate: () => 0 }).space;
    for (const [genome, candidate, why] of [
      ["real", [1, 2], /it has 2 genes, not 3/],
      ["real", [1, Number.NaN, 0], /gene 1 is NaN/],
      ["bits", [0, 1, 2], /gene 2 is 2, and a bit is 0 or 1/],
      ["permutation", [0, 2, 2], /a place is in it twice/],
      ["permutation", [0, 1, 3], /gene 2 is 3, and places are 0 to 2/],
    ] as const) {
      const propose = rowProposer(() => [candidate, genome === "permutation" ? [2, 1, 0] : [1, 0, 1]], spaceOf(genome));
      const { rows, refused } = await propose({ parents: [], seed: 0, signal: never });
      assert.equal(rows.length, 1);
      assert.equal(refused.length, 1);
      assert.match(refused[0] ?? "", why);
    }
    const outside = rowProposer(() => ({ candidates: [[-4, 0.5, 9]], cost: Number.NaN }), spaceOf("real"));
    const { rows, cost, refused } = await outside({ parents: [], seed: 0, signal: never });
    assert.deepEqual([...(rows[0] ?? [])], [0, 0.5, 1]);
    assert.equal(cost, 1);
    assert.match(refused[0] ?? "", /its cost is null/);
    const odd = rowProposer(() => ({ candidates: "none" }) as never, spaceOf("real"));
    assert.match((await odd({ parents: [], seed: 0, signal: never })).refused[0] ?? "", /no list of candidates/);
  });
});
