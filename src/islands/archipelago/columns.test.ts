// Migrants come out of columns as they went in, and columns that do not fit are refused.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Fault } from "../fault.ts";
import { columnBytes, columnOf, fromColumns, NOBODY, toColumns } from "./columns.ts";

const numbers = (count: number) =>
  fc.array(fc.double({ noNaN: true }), { minLength: count, maxLength: count }).map((list) => Float64Array.from(list));
const individuals = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 }))
  .chain(([dimensions, objectives]) => {
    const bare = fc.record({ genes: numbers(dimensions), values: numbers(objectives) }, { noNullPrototype: true });
    const held = fc.record(
      { genes: numbers(dimensions), values: numbers(objectives), energy: fc.nat() },
      { noNullPrototype: true },
    );
    return fc.array(fc.array(fc.oneof(bare, held), { maxLength: 4 }), { maxLength: 6 });
  });

describe("migrants as columns", () => {
  it("are the same again, with energy or without, in epochs that have any and in those that have none", () => {
    fc.assert(
      fc.property(individuals, (epochs) => {
        assert.deepEqual(fromColumns(toColumns(epochs)), epochs);
      }),
    );
    assert.deepEqual(fromColumns(NOBODY), []);
  });

  it("travel as bytes, bit by bit, wherever in a message they lie; a byte too many is refused", () => {
    fc.assert(
      fc.property(fc.array(fc.double()), fc.nat(7), (list, before) => {
        const column = Float64Array.from(list);
        const message = Buffer.alloc(before + column.byteLength);
        message.set(columnBytes(column), before);
        assert.deepEqual(columnOf(message.subarray(before)), column);
      }),
    );
    assert.throws(
      () => columnOf(new Uint8Array(9)),
      new Fault("invalid", "a column of numbers has 9 bytes, no multiple of 8"),
    );
  });

  const two = toColumns([
    [{ genes: Float64Array.of(1, 2), values: Float64Array.of(3) }],
    [],
    [{ genes: Float64Array.of(4, 5), values: Float64Array.of(6) }],
  ]);
  const wrong = {
    "a gene too few": { ...two, genes: two.genes.subarray(1) },
    "no values": { ...two, values: new Float64Array(0) },
    "energy of one more": { ...two, energy: new Float64Array(3) },
    "more in an epoch than there are": { ...two, counts: Uint32Array.of(1, 0, 4_000_000_000) },
    "nobody in any epoch": { ...two, counts: Uint32Array.of(0, 0, 0) },
  };
  for (const [what, columns] of Object.entries(wrong)) {
    it(`are refused with ${what}`, () => {
      assert.throws(
        () => fromColumns(columns),
        (error) => error instanceof Fault && error.code === "invalid",
      );
    });
  }
});
