// What keepers say, as a table; and as a law over any number of keepers, owners, clocks, delays, restarts and lost answers: no
// two nodes take themselves for the owner at one time.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { adopt, type Ballot, hold, isOver, LEASE_MARGIN_MS, leaseMsOf, vote } from "./ballot.ts";
import { isInForce, type Lease, leaseFrom, majorityOf } from "./lease.ts";

const AFTER_MS = 8_000;
const LEASE_MS = leaseMsOf(AFTER_MS);
const at = (now: number) => ({ now, afterMs: AFTER_MS });
const of = (set: Partial<Ballot> = {}): Ballot => ({
  ...{ epoch: 3, owner: "n1", home: "n1", granted: { at: 0 }, longestMs: LEASE_MS, released: false },
  ...set,
});
const wants = (epoch: number, node: string) => ({ epoch, node, home: node });
const asks = (epoch: number, node: string, release = false) => ({ epoch, node, leaseMs: LEASE_MS, release });

describe("a keeper", () => {
  const votes: readonly (readonly [string, Ballot | undefined, ReturnType<typeof wants>, number, boolean])[] = [
    ["that never voted votes", undefined, wants(1, "n2"), 0, true],
    ["votes again for whom it voted", of(), wants(3, "n1"), 1, true],
    ["votes for no second one in an epoch", of(), wants(3, "n2"), 1e9, false],
    ["votes for no epoch that is past", of(), wants(2, "n2"), 1e9, false],
    ["votes for nobody while it has granted", of(), wants(4, "n2"), AFTER_MS - 1, false],
    ["votes when what it granted is over", of(), wants(4, "n2"), AFTER_MS, true],
    ["keeps to the longest that it granted", of({ longestMs: 20_000 }), wants(4, "n2"), 20_000, false],
    ["and its margin", of({ longestMs: 20_000 }), wants(4, "n2"), 20_000 + LEASE_MARGIN_MS, true],
    ["votes at once after the owner gave it up", of({ granted: undefined, released: true }), wants(4, "n2"), 1, true],
    ["votes at once where it granted nothing under its epoch", of({ granted: undefined }), wants(4, "n2"), 1, true],
  ];
  for (const [what, ballot, asked, now, granted] of votes)
    it(what, () => {
      const answer = vote(ballot, asked, at(now));
      assert.equal(answer.granted, granted);
      if (!granted) assert.equal(answer.ballot, ballot);
      else assert.deepEqual([answer.ballot?.epoch, answer.ballot?.owner], [asked.epoch, asked.node]);
    });

  const holds: readonly (readonly [string, Ballot | undefined, ReturnType<typeof asks>, boolean])[] = [
    ["grants to its owner", of(), asks(3, "n1"), true],
    ["grants nothing to an epoch that is past", of(), asks(2, "n1"), false],
    ["grants nothing to one it has not heard of", of(), asks(4, "n1"), false],
    ["grants nothing to another in the same epoch", of(), asks(3, "n2"), false],
    ["grants nothing to who gave it up", of({ released: true, granted: undefined }), asks(3, "n1"), false],
    ["grants nothing where nobody was voted for", undefined, asks(1, "n1"), false],
    ["hears that it is given up", of(), asks(3, "n1", true), false],
  ];
  for (const [what, ballot, asked, granted] of holds)
    it(what, () => {
      const answer = hold(ballot, asked, 100);
      assert.equal(answer.granted, granted);
      if (granted) assert.deepEqual(answer.ballot?.granted, { at: 100 });
      if (asked.release) assert.equal(isOver(answer.ballot, at(101)), true);
    });

  it("takes whom more than half voted for, and binds itself as if it had granted", () => {
    const taken = adopt(of({ epoch: 3 }), { epoch: 5, node: "n2", home: "n2" }, at(10));
    assert.deepEqual([taken?.epoch, taken?.owner, taken?.granted?.at], [5, "n2", 10]);
    assert.equal(isOver(taken, at(10 + AFTER_MS - 1)), false);
    const present = of({ epoch: 5 });
    assert.equal(adopt(present, { epoch: 4, node: "n2", home: "n2" }, at(10)), present);
  });
});

describe("a lease", () => {
  const until = (ms: number): Lease => ({ until: ms, wallUntil: ms });
  const table: readonly (readonly [readonly number[], number, number | undefined])[] = [
    [[], 1, undefined],
    [[10], 1, 10],
    [[10], 2, undefined],
    [[10, 20], 2, 10],
    [[10], 3, undefined],
    [[10, 20], 3, 10],
    [[10, 20, 30], 3, 20],
    [[10, 20, 30], 5, 10],
  ];
  for (const [granted, of, end] of table)
    it(`of ${granted.join(", ") || "nothing"} by ${of} keepers ends at ${end}`, () => {
      const keepers = Array.from({ length: of }, (_, index) => `c${index}`);
      const given = new Map(granted.map((ms, index) => [`c${index}`, until(ms)]));
      assert.equal(leaseFrom(given, keepers)?.until, end);
    });

  it("counts no keeper twice, and none that is not named", () => {
    const given = new Map([["c0", until(10)] as const, ["x", until(10)] as const]);
    assert.equal(leaseFrom(given, ["c0", "c0", "c1"]), undefined);
    assert.equal(leaseFrom(given, ["c0", "c0"])?.until, 10);
  });

  it("is over by whichever clock says so first", () => {
    const lease = { until: 100, wallUntil: 1_100 };
    for (const [now, wallNow, is] of [
      [99, 1_099, true],
      [100, 1_050, false],
      [50, 1_100, false],
    ] as const)
      assert.equal(isInForce(lease, { now, wallNow }), is);
    assert.equal(isInForce(undefined, { now: 0, wallNow: 0 }), false);
  });
});

describe("keepers and owners together", () => {
  // Each event: what is asked of which keeper by whom, how long its way there and back takes, and whether the answer is lost.
  const mostly = <T>(often: fc.Arbitrary<T>, seldom: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 4, arbitrary: often }, { weight: 1, arbitrary: seldom });
  const delay = mostly(fc.nat(20), fc.nat(9_000));
  const event = fc.record({
    passMs: mostly(fc.nat(1_000), fc.nat(9_000)),
    kind: fc.constantFrom("elect", "hold", "hold", "hold", "hold", "release", "restart"),
    node: fc.nat(2),
    by: fc.nat(4),
    thereMs: delay,
    backMs: delay,
    reach: fc.array(mostly(fc.constant(true), fc.boolean()), { minLength: 5, maxLength: 5 }),
  });
  const drift = fc.integer({ min: -200, max: 200 }).map((millionths) => 1 + millionths / 1e6);

  it("never have two owners at one time, whatever is late, lost or started again", () => {
    let elections = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(drift, { minLength: 8, maxLength: 8 }),
        fc.array(event, { minLength: 10, maxLength: 120 }),
        (count, drifts, events) => {
          const world = new World(count, drifts);
          for (const each of events) world.happen(each);
          world.finish();
          elections += world.elections;
        },
      ),
      { numRuns: 400 },
    );
    assert.ok(elections > 100, `${elections} owners were voted for`);
  });
});

interface Event {
  readonly passMs: number;
  readonly kind: string;
  readonly node: number;
  readonly by: number;
  readonly thereMs: number;
  readonly backMs: number;
  readonly reach: readonly boolean[];
}

/** Keepers and nodes on drifting clocks; messages that take their time. All that is decided is decided by the code above. */
class World {
  readonly #keepers: string[];
  readonly #ballots: (Ballot | undefined)[];
  readonly #drifts: readonly number[];
  readonly #held = [0, 1, 2].map(() => ({ epoch: 0, granted: new Map<string, Lease>(), released: false }));
  /** Epoch → its owner. */
  readonly #voted = new Map<number, string>();
  #pending: { at: number; act: () => void }[] = [];
  /** In force by the node's own clock: from, to, in true time. */
  #record = { epoch: 0, node: "" };
  #now = 0;
  elections = 0;

  constructor(count: number, drifts: readonly number[]) {
    this.#keepers = Array.from({ length: count }, (_, index) => `c${index}`);
    this.#ballots = this.#keepers.map(() => undefined);
    this.#drifts = drifts;
  }

  happen(event: Event): void {
    this.#advance(this.#now + event.passMs);
    const reached = this.#keepers.map((_, index) => index).filter((index) => event.reach[index]);
    if (event.kind === "elect") this.#elect(event, reached);
    else if (event.kind === "restart") {
      const index = event.by % this.#keepers.length;
      const ballot = this.#ballots[index];
      if (ballot !== undefined) this.#ballots[index] = { ...ballot, granted: { at: this.#at(index, this.#now) } };
    } else this.#hold(event, reached);
    this.#judge();
  }

  finish(): void {
    this.#advance(this.#now + 100_000);
  }

  /** Of a clock: keepers first, then nodes. */
  #at(clock: number, now: number): number {
    return now * (this.#drifts[clock] ?? 1);
  }

  #elect({ node, by }: Event, reached: readonly number[]): void {
    // Who asks is one of them, and knows of no other's votes.
    const epoch = (this.#ballots[by % this.#keepers.length]?.epoch ?? 0) + 1;
    const proposed = wants(epoch, `n${node}`);
    let count = 0;
    for (const index of reached) {
      const answer = vote(this.#ballots[index], proposed, at(this.#at(index, this.#now)));
      this.#ballots[index] = answer.ballot;
      if (answer.granted) count++;
    }
    if (count < majorityOf(this.#keepers.length)) return;
    // Heard of at once by all, unless a later one is.
    if (epoch < this.#record.epoch) return;
    this.elections++;
    assert.equal(this.#voted.get(epoch) ?? proposed.node, proposed.node, `epoch ${epoch} has a second owner`);
    this.#voted.set(epoch, proposed.node);
    this.#record = { epoch, node: proposed.node };
  }

  #hold({ node, kind, thereMs, backMs }: Event, reached: readonly number[]): void {
    const held = this.#held[node];
    if (held === undefined) return;
    // A node knows of its epoch only from the record; it may know of an older one.
    if (this.#record.node === `n${node}` && held.epoch !== this.#record.epoch) {
      held.epoch = this.#record.epoch;
      held.granted.clear();
      held.released = false;
    }
    const { epoch } = held;
    if (kind === "release") {
      held.granted.clear();
      held.released = true;
    }
    const release = held.released;
    const end = this.#at(5 + node, this.#now) + LEASE_MS;
    for (const index of reached) {
      this.#later(thereMs, () => {
        const answer = hold(this.#ballots[index], asks(epoch, `n${node}`, release), this.#at(index, this.#now));
        this.#ballots[index] = answer.ballot;
        this.#later(backMs, () => {
          const keeper = this.#keepers[index] ?? "";
          const before = held.granted.get(keeper)?.until ?? 0;
          if (answer.granted && held.epoch === epoch && !held.released && end > before)
            held.granted.set(keeper, { until: end, wallUntil: Number.POSITIVE_INFINITY });
        });
      });
    }
  }

  #later(ms: number, act: () => void): void {
    this.#pending.push({ at: this.#now + ms, act });
  }

  #advance(to: number): void {
    for (;;) {
      const next = this.#pending.filter(({ at: due }) => due <= to).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#pending = this.#pending.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.act();
      this.#judge();
    }
    this.#now = to;
  }

  #judge(): void {
    const owners = this.#held.flatMap(({ granted, epoch }, node) => {
      const lease = leaseFrom(granted, this.#keepers);
      const now = this.#at(5 + node, this.#now);
      return isInForce(lease, { now, wallNow: 0 }) ? [`n${node} by epoch ${epoch}`] : [];
    });
    assert.ok(owners.length <= 1, `at ${this.#now}: ${owners.join(" and ")}`);
  }
}
