// A box as examples, and against a plain one that keeps a list, over any sequence of what may be done with it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Box, type Item } from "./box.ts";

const MOST = { items: 100, bytes: 1_000 };
const item = (sequence: number, set: Partial<Item<string>> = {}): Item<string> => ({
  ...{ sequence, lane: "a", bytes: 10, expiresAt: Number.POSITIVE_INFINITY, key: "", place: `p${sequence}` },
  ...set,
});
const sequences = (items: readonly Item<string>[]) => items.map(({ sequence }) => sequence);

describe("a box", () => {
  it("gives a lane's messages in order, none while others of the lane are under way", () => {
    const box = new Box<string>(MOST);
    for (const each of [item(1), item(2, { lane: "b" }), item(3), item(4)]) box.put(each);
    assert.deepEqual(sequences(box.take("a", { items: 2, bytes: 1_000 }, 0)), [1, 3]);
    assert.deepEqual(box.take("a", MOST, 0), []);
    assert.deepEqual(sequences(box.take("b", MOST, 0)), [2]);
    assert.deepEqual(sequences(box.ended("a", new Set([1])).gone), [1]);
    assert.deepEqual(sequences(box.take("a", MOST, 0)), [3, 4]);
  });

  it("gives one message, however large, and else no more bytes than are asked for", () => {
    const box = new Box<string>(MOST);
    for (const each of [item(1, { bytes: 500 }), item(2), item(3)]) box.put(each);
    assert.deepEqual(sequences(box.take("a", { items: 9, bytes: 15 }, 0)), [1]);
    box.ended("a", new Set([1]));
    assert.deepEqual(sequences(box.take("a", { items: 9, bytes: 15 }, 0)), [2]);
  });

  it("supersedes what waits, not what is under way, until that waits again", () => {
    const box = new Box<string>(MOST);
    box.put(item(1, { key: "k" }));
    assert.equal(box.put(item(2, { key: "k" }))?.sequence, 1);
    assert.deepEqual(sequences(box.take("a", MOST, 0)), [2]);
    assert.equal(box.put(item(3, { key: "k" })), undefined);
    assert.deepEqual(sequences(box.ended("a", new Set()).superseded), [2]);
    assert.deepEqual(sequences(box.take("a", MOST, 0)), [3]);
  });

  it("supersedes nothing of another lane", () => {
    const box = new Box<string>(MOST);
    box.put(item(1, { key: "k" }));
    assert.equal(box.put(item(2, { key: "k", lane: "b" })), undefined);
  });

  it("takes out what has expired, but not what is under way", () => {
    const box = new Box<string>(MOST);
    for (const each of [item(1, { expiresAt: 5 }), item(2, { expiresAt: 9 }), item(3)]) box.put(each);
    assert.deepEqual(sequences(box.take("a", { items: 1, bytes: 1 }, 4)), [1]);
    assert.deepEqual(sequences(box.expire(9)), [2]);
    box.ended("a", new Set());
    assert.deepEqual(
      box.take("a", { items: 1, bytes: 1 }, 9).map(({ sequence }) => sequence),
      [3],
    );
    assert.deepEqual(sequences(box.expire(9)), [1]);
  });

  it("refuses a sequence that does not rise", () => {
    const box = new Box<string>(MOST);
    box.put(item(2));
    assert.throws(() => box.put(item(2)), RangeError);
  });

  type Done = {
    readonly do: "put" | "take" | "end" | "expire" | "clear";
    readonly lane: string;
    readonly key: string;
    readonly ttl: number;
    readonly pick: number;
  };
  const step: fc.Arbitrary<Done> = fc.record({
    do: fc.constantFrom("put", "put", "put", "take", "end", "expire", "clear"),
    lane: fc.constantFrom("a", "b"),
    key: fc.constantFrom("", "", "k", "l"),
    ttl: fc.constantFrom(1, 5, 20, Number.POSITIVE_INFINITY),
    pick: fc.nat(7),
  });

  /** The same, by looking through a list each time. */
  class PlainBox {
    items: (Item<string> & { underWay: boolean })[] = [];
    put(fresh: Item<string>) {
      const older = this.items.find(
        (each) => !each.underWay && each.lane === fresh.lane && each.key !== "" && each.key === fresh.key,
      );
      if (older !== undefined) this.remove([older.sequence]);
      this.items.push({ ...fresh, underWay: false });
      return older?.sequence;
    }
    take(lane: string, items: number, now: number) {
      if (this.items.some((each) => each.lane === lane && each.underWay)) return [];
      const taken = this.items.filter((each) => each.lane === lane && each.expiresAt > now).slice(0, items);
      for (const each of taken) each.underWay = true;
      return taken.map(({ sequence }) => sequence);
    }
    ended(lane: string, done: ReadonlySet<number>) {
      const were = this.items.filter((each) => each.lane === lane && each.underWay);
      for (const each of were) each.underWay = false;
      const gone = were.filter(({ sequence }) => done.has(sequence)).map(({ sequence }) => sequence);
      this.remove(gone);
      // Of what waits under one key the newest stays.
      const superseded = this.items
        .filter((each) => each.key !== "" && each.lane === lane)
        .filter((each) =>
          this.items.some((other) => other.lane === lane && other.key === each.key && other.sequence > each.sequence),
        )
        .map(({ sequence }) => sequence);
      this.remove(superseded);
      return { gone, superseded };
    }
    out(which: (each: { lane: string; expiresAt: number }) => boolean) {
      const out = this.items.filter((each) => !each.underWay && which(each)).map(({ sequence }) => sequence);
      this.remove(out);
      return out;
    }
    remove(gone: readonly number[]) {
      this.items = this.items.filter(({ sequence }) => !gone.includes(sequence));
    }
  }

  it("does what the plain one does, loses nothing, and keeps its limits", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const limits = { items: 12, bytes: 100 };
        const box = new Box<string>(limits);
        const plain = new PlainBox();
        let [sequence, left] = [0, 0];
        steps.forEach(({ do: what, lane, key, ttl, pick }, now) => {
          if (what === "put") {
            if (box.isFull(10)) return;
            const fresh = item(++sequence, { lane, key, expiresAt: now + ttl });
            const superseded = box.put(fresh);
            assert.equal(superseded?.sequence, plain.put(fresh));
            if (superseded !== undefined) left++;
          } else if (what === "take") {
            const most = { items: 1 + (pick % 4), bytes: 1_000 };
            assert.deepEqual(sequences(box.take(lane, most, now)), plain.take(lane, most.items, now));
          } else if (what === "end") {
            const done = new Set([...box].filter((_, index) => index % 2 === pick % 2).map((each) => each.sequence));
            const { gone, superseded } = box.ended(lane, done);
            const expected = plain.ended(lane, done);
            assert.deepEqual(sequences(gone).sort(byNumber), expected.gone.sort(byNumber));
            assert.deepEqual(sequences(superseded).sort(byNumber), expected.superseded.sort(byNumber));
            left += gone.length + superseded.length;
          } else {
            const out = what === "expire" ? box.expire(now) : box.clear(lane);
            const expected = plain.out((each) => (what === "expire" ? each.expiresAt <= now : each.lane === lane));
            assert.deepEqual(sequences(out).sort(byNumber), expected.sort(byNumber));
            left += out.length;
          }
          const kept = [...box].map((each) => each.sequence).sort(byNumber);
          assert.deepEqual(kept, plain.items.map((each) => each.sequence).sort(byNumber));
          assert.equal(box.items, kept.length);
          assert.equal(box.bytes, kept.length * 10);
          assert.ok(box.items <= limits.items && box.bytes <= limits.bytes);
          assert.equal(sequence, left + box.items, "each leaves once");
        });
      }),
    );
  });
});

function byNumber(a: number, b: number): number {
  return a - b;
}
