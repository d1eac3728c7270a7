import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { cancelOf, envelope, Kind } from "../../messages/envelope.ts";
import { type Call, Calls } from "./calls.ts";

const request = (from: string, id: number) => envelope({ kind: Kind.CALL, from: [from], id });

describe("the table of calls", () => {
  it("holds what a plain list would hold, whatever comes, goes and is looked for", () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ add: fc.constantFrom("a", "b"), id: fc.nat(40) }) },
      { weight: 4, arbitrary: fc.record({ remove: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ find: fc.constantFrom("a", "b"), id: fc.nat(40) }) },
      { weight: 1, arbitrary: fc.constant({ tidy: true }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
        const calls = new Calls();
        let held: Call[] = [];
        const gone: Call[] = [];
        for (const each of steps) {
          if ("add" in each) held.push(calls.add(request(each.add, each.id)));
          else if ("tidy" in each) calls.tidy();
          else if ("find" in each) {
            const wanted = request(each.find, each.id);
            const found = calls.find(cancelOf(wanted));
            const same = held.filter(({ request: { from, id } }) => from[0] === each.find && id === each.id);
            // Of calls with one id the index may have lost all but one, and that one when it was removed.
            if (same.length === 1 && gone.every(({ request: { id } }) => id !== each.id)) assert.equal(found, same[0]);
            else assert.ok(found === undefined || same.includes(found));
          } else {
            const call = held[each.remove % Math.max(1, held.length)];
            if (call === undefined) continue;
            calls.remove(call);
            calls.remove(call);
            gone.push(call);
            held = held.filter((other) => other !== call);
          }
          assert.equal(calls.size, held.length);
        }
        assert.deepEqual(calls.all(), held);
        for (const call of held) assert.equal(calls.get(call.sequence), call);
        for (const call of gone) assert.equal(calls.get(call.sequence), undefined);
      }),
    );
  });

  it("finds the call that is withdrawn among many, and one that waits for long among those that come and go", () => {
    const calls = new Calls();
    const long = calls.add(request("patient", 1));
    for (let id = 2; id < 5_000; id++) {
      const call = calls.add(request("quick", id));
      assert.equal(calls.find(cancelOf(request("quick", id))), call);
      calls.remove(call);
    }
    assert.equal(calls.get(long.sequence), long);
    assert.equal(calls.find(cancelOf(long.request)), long);
    assert.equal(calls.find(cancelOf(request("quick", 1))), undefined);
    assert.deepEqual(calls.all(), [long]);
  });
});
