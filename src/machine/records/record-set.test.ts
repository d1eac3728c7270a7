// Records: whoever has seen the same has the same; what is forged or changed is none.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clone } from "@bufbuild/protobuf";
import fc from "fast-check";
import { SignedRecordSchema } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { newSigningKey } from "../keys/signing-key.ts";
import { RecordSet } from "./record-set.ts";
import { type KnownRecord, readRecord, recordBytes, recordOf, signRecord } from "./signed-record.ts";

const keys = [newSigningKey(), newSigningKey()];
const variable = (
  name: string,
  counter: number,
  value: string,
  { by = 0, history = [] }: { by?: number; history?: readonly string[] } = {},
): KnownRecord => {
  const body = { case: "variable", value: { value } } as const;
  return readRecord(
    signRecord(
      { machine: "m1", name: `variable/${name}`, counter: BigInt(counter), history: [...history], body },
      keys[by] ?? newSigningKey(),
    ),
  );
};

describe("a set of records", () => {
  it("is the same for all who have seen the same, in whatever order and however often", () => {
    const all = ["a", "b"].flatMap((name) =>
      [1, 2, 2, 3].flatMap((counter, index) => [0, 1].map((by) => variable(name, counter, `${index}`, { by }))),
    );
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: 4 }), fc.infiniteStream(fc.nat()), (seen, chance) => {
        const [one, other] = [new RecordSet(), new RecordSet()];
        for (const record of seen) one.merge(record);
        const again = [...seen, ...seen]
          .map((record) => ({ record, at: chance.next().value }))
          .sort((a, b) => a.at - b.at);
        for (const { record } of again) other.merge(record);
        assert.deepEqual(one.digests, other.digests);
        assert.equal(one.counter, other.counter);
      }),
      { numRuns: 50 },
    );
  });

  it("shows what lost to another written at the same time, on both sides", () => {
    const [mine, theirs] = [variable("x", 5, "mine"), variable("x", 5, "theirs", { by: 1 })];
    for (const order of [
      [mine, theirs],
      [theirs, mine],
    ]) {
      const set = new RecordSet();
      for (const record of order) set.merge(record);
      assert.equal(set.conflicts.length, 1);
      assert.match(set.conflicts[0]?.text ?? "", /variable\/x: what key [0-9a-f]{16} wrote lost to what key/);
    }
    const set = new RecordSet();
    set.merge(mine);
    const history = set.historyFor("variable/x");
    assert.deepEqual(set.merge(variable("x", 6, "later", { by: 1, history })).kind, "taken");
    assert.equal(set.merge(mine).kind, "older");
    assert.deepEqual(set.conflicts, []);
  });

  it("shows it also where the winner was written after another that the loser's signer did not see either", () => {
    const first = variable("x", 1, "first");
    const [mine, second] = [first, first].map((before, by) =>
      variable("x", 2, `${by}`, { by, history: [before.digest] }),
    ) as [KnownRecord, KnownRecord];
    const third = variable("x", 3, "third", { by: 1, history: [second.digest, first.digest] });
    const [here, there] = [new RecordSet(), new RecordSet()];
    for (const record of [first, mine, third]) here.merge(record);
    for (const record of [first, second, third, mine]) there.merge(record);
    assert.equal(here.get("variable/x")?.digest, third.digest);
    assert.deepEqual(
      here.conflicts.map(({ digest }) => digest),
      [mine.digest],
    );
    assert.equal(there.conflicts.at(-1)?.digest, mine.digest);
  });
});

describe("a signed record", () => {
  it("is read back from its bytes", () => {
    const known = variable("x", 1, "y");
    assert.deepEqual(recordOf(recordBytes(known.signed)).digest, known.digest);
  });

  it("is refused when any byte of it was changed, or another signed it", () => {
    const { signed } = variable("x", 1, "y");
    for (const field of ["record", "key", "signature"] as const) {
      for (let at = 0; at < signed[field].length; at++) {
        const changed = clone(SignedRecordSchema, signed);
        changed[field] = Uint8Array.from(signed[field], (byte, index) => (index === at ? byte ^ 1 : byte));
        assert.throws(() => readRecord(changed), { name: "Fault" }, `${field} ${at}`);
      }
    }
  });

  it("is refused where its name is none, or says another thing than it is of", () => {
    const body = { case: "variable", value: { value: "v" } } as const;
    for (const name of [
      "",
      "x",
      "variable/",
      "variable/../x",
      "program/x",
      "nonsense/x",
      `variable/${"x".repeat(101)}`,
    ]) {
      const signed = signRecord({ machine: "m1", name, counter: 1n, body }, newSigningKey());
      assert.throws(() => readRecord(signed), { code: "invalid" }, name);
    }
  });
});
