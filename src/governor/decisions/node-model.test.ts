import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { onDemand } from "./demand.ts";
import { excess } from "./excess.ts";
import type { Member } from "./members.ts";
import { RESERVE_POLICY, reserve } from "./reserve.ts";
import type { Room } from "./room.ts";

const MIB = 2 ** 20;
const GRACE_MS = 2_000;
const POLICY = { ...RESERVE_POLICY, spares: 1, idleMs: 3_000, settleMs: 1_000 };

/** A node that does what the decisions say, and nothing else. */
class Node {
  now = 0;
  allowed = 4;
  members: Member[] = [];
  lastChangeAt = 0;
  started = 0;
  /** Of what was killed: how long it had been told to drain, and whether it had work. */
  readonly kills: { drainedMs: number; busy: boolean }[] = [];
  readonly #coming = new Map<string, string>();
  readonly #drainedAt = new Map<string, number>();

  get room(): Room {
    return {
      members: this.members,
      allowed: this.allowed,
      memoryAllowedBytes: 4_096 * MIB,
      memoryOfOneBytes: 64 * MIB,
    };
  }

  start(contract: string): void {
    const id = `k${++this.started}`;
    this.#coming.set(id, contract);
    const fresh = { id, contracts: [], running: 0, waiting: 0, idleSince: undefined, memoryBytes: 0 };
    this.members.push({ ...fresh, state: "starting" });
    this.lastChangeAt = this.now;
  }

  set(id: string, set: Partial<Member>): void {
    this.members = this.members.map((member) => (member.id === id ? { ...member, ...set } : member));
  }

  ready(which: number): void {
    const starting = this.members.filter(({ state }) => state === "starting");
    const member = starting[which % Math.max(1, starting.length)];
    if (member === undefined) return;
    const contract = this.#coming.get(member.id) ?? "";
    this.#coming.delete(member.id);
    const state = contract === "" ? "spare" : "serving";
    this.set(member.id, {
      state,
      contracts: contract === "" ? [] : [contract],
      idleSince: this.now,
      memoryBytes: 60 * MIB,
    });
  }

  ends(id: string): void {
    this.#coming.delete(id);
    this.members = this.members.filter((member) => member.id !== id);
  }

  drain(id: string, killAt: number): void {
    this.#drainedAt.set(id, this.now);
    this.#coming.delete(id);
    this.set(id, { state: "draining", killAt });
    this.lastChangeAt = this.now;
  }

  demand(contract: string, wanted: number): void {
    const coming = [...this.#coming.values()].filter((other) => other === contract).length;
    const view = { contract, wanted, concurrency: 1, coming, room: this.room, forbidden: undefined, now: this.now };
    const answer = onDemand(view);
    if (answer.kind === "give") {
      for (const id of answer.spares) this.set(id, { state: "serving", contracts: [contract] });
      for (let i = 0; i < answer.start; i++) this.start(contract);
    } else if (answer.kind === "make-room") {
      const member = this.members.find(({ id }) => id === answer.drain);
      assert.ok(member?.idleSince !== undefined && member.state === "serving" && !member.contracts.includes(contract));
      this.drain(answer.drain, this.now + GRACE_MS);
    }
  }

  tick(): void {
    const view = { memoryOfOneBytes: 512 * MIB, memoryOfAllBytes: 4_096 * MIB, graceMs: GRACE_MS };
    const actions = excess({ ...view, members: this.members, allowed: this.allowed, now: this.now });
    for (const { id, killAt } of actions.drain) this.drain(id, killAt);
    for (const id of actions.kill) {
      const member = this.members.find((other) => other.id === id);
      const drainedMs = this.now - (this.#drainedAt.get(id) ?? Number.POSITIVE_INFINITY);
      this.kills.push({ drainedMs, busy: (member?.running ?? 0) > 0 });
      this.ends(id);
    }
    assert.ok(this.members.filter(({ state }) => state !== "draining").length <= this.allowed);
    // Who drains and has nothing to do ends by itself.
    for (const { id, state, running } of this.members) if (state === "draining" && running === 0) this.ends(id);
    const sparesComing = [...this.#coming.values()].filter((contract) => contract === "").length;
    const action = reserve({ room: this.room, sparesComing, lastChangeAt: this.lastChangeAt, now: this.now }, POLICY);
    if (action.kind === "start-spares") for (let i = 0; i < action.count; i++) this.start("");
    if (action.kind === "stop") {
      const member = this.members.find(({ id }) => id === action.id);
      assert.equal(member?.running, 0);
      assert.ok(this.now - this.lastChangeAt >= POLICY.settleMs);
      this.drain(action.id, this.now + GRACE_MS);
    }
  }

  work(which: number, running: number): void {
    const able = this.members.filter(({ state }) => state === "serving" || state === "draining");
    const member = able[which % Math.max(1, able.length)];
    if (member === undefined || (member.state === "draining" && running > member.running)) return;
    this.set(member.id, { running, idleSince: running > 0 ? undefined : (member.idleSince ?? this.now) });
  }
}

const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("demand" as const),
      which: fc.nat(2),
      wanted: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("ready" as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("crash" as const), which: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("work" as const), which: fc.nat(), running: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("limit" as const), to: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hog" as const), which: fc.nat() }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(1_500) }) },
);

describe("a node that follows the decisions", () => {
  it("never runs and starts more than is allowed, and kills nothing busy before its grace", () => {
    let killed = 0;
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120, size: "max" }), (events) => {
        const node = new Node();
        for (const each of events) {
          const before = node.members.length;
          if (each.kind === "demand") node.demand(`demo.v1.C${each.which}`, each.wanted);
          else if (each.kind === "ready") node.ready(each.which);
          else if (each.kind === "crash")
            node.ends(node.members[each.which % Math.max(1, node.members.length)]?.id ?? "");
          else if (each.kind === "work") node.work(each.which, each.running);
          else if (each.kind === "limit") node.allowed = each.to;
          else if (each.kind === "hog") {
            const member = node.members[each.which % Math.max(1, node.members.length)];
            if (member !== undefined) node.set(member.id, { memoryBytes: 600 * MIB });
          } else {
            node.now += each.ms;
            node.tick();
          }
          const running = node.members.length;
          assert.ok(running <= Math.max(node.allowed, before), `${running} of ${node.allowed}, before ${before}`);
          assert.ok(running <= node.allowed || running <= before);
        }
        killed += node.kills.length;
        for (const { drainedMs } of node.kills) assert.ok(drainedMs >= GRACE_MS);
      }),
      { numRuns: 1_000 },
    );
    assert.ok(killed > 100, `only ${killed} were killed, so little was tried`);
  });

  it("comes down to a lowered limit and stays there", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.array(fc.nat(1), { minLength: 8, maxLength: 8 }),
        (limit, work) => {
          const node = new Node();
          node.allowed = 8;
          node.demand("demo.v1.C0", 8);
          for (let i = 0; i < 8; i++) node.ready(0);
          for (const [i, running] of work.entries()) node.work(i, running);
          node.allowed = limit;
          for (let ms = 0; ms <= GRACE_MS + 100; ms += 100) {
            node.now += 100;
            node.tick();
          }
          assert.ok(node.members.length <= limit);
          // No more of those with work were ended than had to be.
          const busy = work.filter((running) => running > 0).length;
          assert.equal(node.members.filter(({ running }) => running > 0).length, Math.min(busy, limit));
          const steady = node.started;
          for (let ms = 0; ms < 60_000; ms += 250) {
            node.now += 250;
            node.tick();
            node.ready(0);
          }
          // It may fill up its one spare, and then nothing is started any more.
          assert.ok(node.started - steady <= 1, `${node.started - steady} were started for nothing`);
        },
      ),
      { numRuns: 300 },
    );
  });
});
