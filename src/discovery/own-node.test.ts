import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { seededRandom } from "../base/random.ts";
import { EntrySchema } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import { Allowance } from "./budget.ts";
import { readEntry } from "./entry.ts";
import { numbersOf, OwnNode, withNumbers } from "./own-node.ts";

function ownNode(): OwnNode {
  return new OwnNode({
    id: "own",
    incarnation: 5,
    contact: { address: { host: "127.0.0.1", port: 1 }, doors: [] },
    allowance: new Allowance(8_000, 0),
    random: seededRandom(1),
    leftLifetimeMs: 1,
  });
}

const entry = (waiting: number, free: number, id = "c1") => ({ containers: [{ id, waiting, free }], spares: 0 });

/** Publishes all that is to be said until `untilMs`, and answers when and what. */
function published(own: OwnNode, nodes: number, fromMs: number, untilMs: number): string[] {
  const said: string[] = [];
  for (let now = fromMs; now <= untilMs; now += 10) {
    if (own.dueAt(nodes, now) <= now) said.push(`${own.publish(now)} ${now}`);
  }
  return said;
}

describe("what a node says of itself", () => {
  it("is its entry at first, and nothing while nothing changes", () => {
    const own = ownNode();
    own.update(entry(0, 8));
    assert.deepEqual(published(own, 10, 0, 60_000), ["content 0"]);
    assert.deepEqual([own.content?.incarnation, own.content?.version], [5, 1]);
  });

  it("is only the load where only that changes", () => {
    const own = ownNode();
    own.update(entry(0, 8));
    own.publish(0);
    own.update(entry(3, 5));
    assert.equal(published(own, 10, 0, 5_000).length, 1);
    assert.equal(own.content?.version, 1);
    assert.deepEqual(own.load, { incarnation: 5, of: 1, version: 1, numbers: [0, 0, 3, 0, 5] });
  });

  it("is the entry again where containers come or go, within two seconds in however large a network", () => {
    const own = ownNode();
    own.update(entry(0, 8));
    own.publish(0);
    own.update(entry(0, 8, "c2"));
    const [said = ""] = published(own, 10_000, 0, 10_000);
    assert.match(said, /^content /);
    assert.ok(Number(said.split(" ")[1]) <= 2_000, said);
  });

  it("says less of its load the more nodes there are", () => {
    const counts = [10, 100, 1_000].map((nodes) => {
      const own = ownNode();
      own.update(entry(0, 8));
      let count = 0;
      for (let now = 0; now < 400_000; now += 50) {
        own.update(entry(now % 7, 8));
        if (own.dueAt(nodes, now) <= now && own.publish(now) === "load") count++;
      }
      return count;
    });
    const [ten = 0, hundred = 0, thousand = 0] = counts;
    assert.ok(ten > 500 && hundred < ten / 5 && thousand < hundred / 5 && thousand >= 5, counts.join());
  });

  it("overdraws its allowance to say that it is full, or has room again", () => {
    const own = ownNode();
    own.update(entry(0, 8));
    own.publish(0);
    own.update(entry(1, 7));
    for (let now = 0; own.publish(now) !== "load"; now++);
    own.update(entry(9, 0));
    const full = own.dueAt(1_000, 100_000);
    own.update(entry(9, 7));
    assert.ok(full < own.dueAt(1_000, 100_000) || full <= 100_000, `${full}`);
  });

  it("counts versions on through incarnations, and publishes anew what a former life had said more of", () => {
    const own = ownNode();
    own.update(entry(0, 8));
    own.publish(0);
    own.raiseIncarnation({ incarnation: 5, ofFormerLife: false });
    assert.equal(own.incarnation, 6);
    assert.deepEqual(published(own, 10, 300, 5_000), []);
    own.raiseIncarnation({ incarnation: 9, ofFormerLife: true });
    assert.equal(own.incarnation, 10);
    assert.equal(published(own, 10, 5_000, 10_000).length, 1);
    assert.deepEqual([own.content?.incarnation, own.content?.version], [10, 2]);
  });

  it("is refused where it is larger than others take", () => {
    const own = ownNode();
    const containers = Array.from({ length: 3_000 }, (_, number) => ({ id: `${number}`.padStart(100, "c") }));
    assert.throws(() => own.update({ containers }), {
      code: "invalid",
      message: /an entry of \d+ bytes; at most 262144/,
    });
  });
});

describe("an entry", () => {
  const content = (waiting: number) => {
    const own = ownNode();
    own.update(entry(waiting, 8));
    own.publish(0);
    assert.ok(own.content);
    return own.content;
  };

  it("is read with the loads of its own version, and without those of another", () => {
    const load = { incarnation: 5, of: 1, version: 1, numbers: [2, 5, 7, 1, 4] };
    const read = readEntry(content(3), load);
    assert.deepEqual(read && numbersOf(read), [2, 5, 7, 1, 4]);
    for (const other of [
      { ...load, of: 2 },
      { ...load, incarnation: 4 },
      { ...load, numbers: [1] },
    ]) {
      assert.equal(readEntry(content(3), other)?.containers[0]?.waiting, 3);
    }
    assert.equal(readEntry(content(3), undefined)?.containers[0]?.waiting, 3);
  });

  it("that is none, or breaks a limit, is not there", () => {
    const broken = { incarnation: 1, version: 1, entry: new Uint8Array([0xff, 0xff]) };
    assert.equal(readEntry(broken, undefined), undefined);
    const own = ownNode();
    own.update({ containers: [{ id: "c".repeat(600) }] });
    own.publish(0);
    assert.ok(own.content);
    assert.equal(readEntry(own.content, undefined), undefined);
  });

  it("takes numbers of as many containers as it has, and no others", () => {
    const two = create(EntrySchema, { containers: [{ id: "a" }, { id: "b" }] });
    assert.equal(withNumbers(two, [1, 2, 3, 4, 5]), undefined);
    const numbers = [9, 8, 1, 2, 3, 4, 5, 6];
    const read = withNumbers(two, numbers);
    assert.deepEqual(read && numbersOf(read), numbers);
  });
});
