// Candidates of a genome of their own are bred by its operators alone, travel as numbers, and come back as what they were.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { candidateIn, type OwnGenome, problemOf, textGenome, writeCandidate } from "./own-genome.ts";
import { problem } from "./problem.ts";
import type { RandomStream } from "./random-stream.ts";
import { search } from "./search.ts";

const WANTED = "islands";
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const letter = (random: RandomStream) => LETTERS[random.below(26)] ?? "a";

const words = textGenome({
  name: "word",
  limit: 12,
  create: (random) => Array.from({ length: 1 + random.below(12) }, () => letter(random)).join(""),
  mutate: (text, random) => {
    const at = random.below(text.length + 1);
    const kind = random.below(3);
    if (kind === 0 && text.length < 12) return text.slice(0, at) + letter(random) + text.slice(at);
    if (kind === 1 && text.length > 1) return text.slice(0, at) + text.slice(at + 1);
    return (text.slice(0, at) + letter(random) + text.slice(at + 1)).slice(0, 12);
  },
  cross: (a, b, random) =>
    (a.slice(0, random.below(a.length + 1)) + b.slice(random.below(b.length + 1))).slice(0, 12) || a,
});

function distance(text: string): number {
  let sum = Math.abs(text.length - WANTED.length);
  for (let i = 0; i < WANTED.length; i++) sum += text[i] === WANTED[i] ? 0 : 1;
  return sum;
}

/** An expression tree; what a row holds is its prefix form. */
type Tree = { readonly op: "max" | "min"; readonly left: Tree; readonly right: Tree } | number;
const trees: OwnGenome<Tree> = {
  name: "tree",
  size: 9,
  create: (random) => ({ op: "max", left: random.below(100), right: random.below(100) }),
  mutate: (tree, random) =>
    typeof tree === "number" ? random.below(100) : { ...tree, left: trees.mutate(tree.left, random) },
  encode: (tree) =>
    typeof tree === "number"
      ? [tree]
      : [tree.op === "max" ? -1 : -2, ...Array.from(trees.encode(tree.left)), ...Array.from(trees.encode(tree.right))],
  decode: (numbers) => {
    let at = 0;
    const read = (): Tree => {
      const code = numbers[at++] ?? 0;
      return code >= 0 ? code : { op: code === -1 ? "max" : "min", left: read(), right: read() };
    };
    return read();
  },
};

describe("a genome of its own", () => {
  it("is searched by every engine that can, and evaluated as what it is", async () => {
    for (const engine of ["ga", "ea", "emas"]) {
      const made = problemOf(words, { target: 0, evaluate: distance });
      const found = await search(made, { seed: 5, islands: 2, engines: [engine], evaluations: 400_000 });
      assert.equal(candidateIn(words, found.best?.genes ?? []), WANTED, engine);
      assert.equal(made.show?.(found.best?.genes ?? assert.fail()), WANTED);
    }
    const two = problemOf(words, { objectives: 2, evaluate: (text) => [distance(text), text.length] });
    const { front } = await search(two, { seed: 5, evaluations: 20_000 });
    assert.ok(front.length > 1, "no front");
  });

  it("comes back as what it was, whatever its form", () => {
    const tree: Tree = { op: "min", left: 3, right: { op: "max", left: 4, right: 5 } };
    const row = new Float64Array(10);
    writeCandidate(trees, tree, row);
    assert.deepEqual(candidateIn(trees, row), tree);
    writeCandidate(trees, 7, row);
    assert.deepEqual([...row], [1, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("may lack a cross", async () => {
    const made = problemOf(trees, {
      target: 0,
      evaluate: (tree) => (typeof tree === "number" ? 99 : Number(tree.left)),
    });
    assert.equal((await search(made, { seed: 2, engines: ["ga"] })).reachedTarget, true);
  });

  it("ends the search with its name where an operator throws or a candidate has no room", async () => {
    const broken = { ...words, mutate: () => assert.fail("of no use") };
    const long = { ...words, mutate: (text: string) => text.repeat(40) };
    const odd = { ...words, encode: () => [Number.NaN] };
    for (const [genome, message] of [
      [broken, /mutate of genome 'word' threw AssertionError.*of no use/],
      [long, /genome 'word' takes \d+ numbers, and size is 12/],
      [odd, /genome 'word' is written with something that is no finite number/],
    ] as const) {
      const made = problemOf(genome, { evaluate: distance });
      await assert.rejects(search(made, { engines: ["ga"] }), { code: "invalid", message });
    }
  });

  it("is refused by engines of real genes, and without operators", async () => {
    const made = problemOf(words, { evaluate: distance });
    await assert.rejects(search(made, { engines: ["cma"] }), { code: "invalid", message: /cma needs real genes/ });
    assert.throws(() => problem({ genome: "own", dimensions: 3, evaluate: () => 0 }), {
      code: "invalid",
      message: /problemOf\(genome/,
    });
  });
});
