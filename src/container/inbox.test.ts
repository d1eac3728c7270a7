import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Inbox } from "./inbox.ts";

interface Item {
  readonly name: number;
  readonly deadline: number;
  readonly reentrant: boolean;
}

const always = () => true;

function inbox(limit: number): { inbox: Inbox<Item>; expired: Item[] } {
  const expired: Item[] = [];
  return { inbox: new Inbox<Item>(limit, (item) => expired.push(item)), expired };
}

function item(name: number, deadline = 100, reentrant = false): Item {
  return { name, deadline, reentrant };
}

describe("inbox", () => {
  it("hands out what came first first", () => {
    const { inbox: box } = inbox(3);
    for (const name of [1, 2, 3]) box.add(item(name), 0, false);
    assert.deepEqual(
      [1, 2, 3].map(() => box.take(0, always)?.name),
      [1, 2, 3],
    );
  });

  it("refuses one more than its limit", () => {
    const { inbox: box } = inbox(2);
    assert.equal(box.add(item(1), 0, false), true);
    assert.equal(box.add(item(2), 0, true), true);
    assert.equal(box.add(item(3), 0, false), false);
  });

  it("makes room for a live item by dropping the late ones", () => {
    const { inbox: box, expired } = inbox(2);
    box.add(item(1, 10), 0, false);
    box.add(item(2, 100), 0, false);
    assert.equal(box.add(item(3, 100), 10, false), true);
    assert.deepEqual(
      expired.map(({ name }) => name),
      [1],
    );
  });

  it("lets nobody overtake the one in front", () => {
    const { inbox: box } = inbox(3);
    box.add(item(1), 0, false);
    box.add(item(2), 0, false);
    const isSecond = ({ name }: Item) => name === 2;
    assert.equal(box.mightTake(isSecond), false);
    assert.equal(box.take(0, isSecond), undefined);
    box.add(item(3), 0, true);
    assert.equal(
      box.mightTake(({ name }) => name === 3),
      true,
    );
  });

  it("takes a lower limit at once and keeps what waits", () => {
    const { inbox: box } = inbox(2);
    box.add(item(1), 0, false);
    box.add(item(2), 0, false);
    box.limit = 1;
    assert.equal(box.waiting, 2);
    assert.equal(box.add(item(3), 0, false), false);
  });

  it("behaves as a plain list under any sequence of adding, taking and removing", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("add" as const), life: fc.integer({ min: 1, max: 30 }), reentrant: fc.boolean() }),
      fc.record({ do: fc.constant("take" as const) }),
      fc.record({ do: fc.constant("remove" as const), name: fc.nat(60) }),
      fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 10 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 0, max: 40 }), (steps, limit) => {
        const { inbox: box, expired } = inbox(limit);
        let plain: Item[] = [];
        let now = 0;
        let name = 0;
        for (const each of steps) {
          if (each.do === "wait") now += each.ms;
          else if (each.do === "add") {
            const added = item(name++, now + each.life, each.reentrant);
            // The oracle drops late items whenever it is looked at; the inbox must let in at least what then has room.
            const live = plain.filter(({ deadline }) => deadline > now);
            if (live.length < limit) {
              assert.equal(box.add(added, now, added.reentrant), true);
              plain = [...plain, added];
            } else assert.equal(box.add(added, now, added.reentrant), false);
          } else if (each.do === "take") {
            const live = plain.filter(({ deadline }) => deadline > now);
            const expected = live.find(({ reentrant }) => reentrant) ?? live.find(({ reentrant }) => !reentrant);
            assert.equal(box.take(now, always)?.name, expected?.name);
            plain = plain.filter((other) => other !== expected);
          } else {
            const gone = box.remove((other) => other.name === each.name);
            for (const other of gone) assert.equal(other.name, each.name);
            plain = plain.filter((other) => other.name !== each.name);
          }
          assert.ok(box.waiting <= limit);
          assert.equal(box.mightTake(always), box.waiting > 0);
        }
        for (const late of expired) assert.ok(late.deadline <= now);
      }),
    );
  });
});
