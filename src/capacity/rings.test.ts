import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { FaultCode } from "../base/fault.ts";
import type { Demand } from "./demands.ts";
import {
  again,
  answered,
  type Candidate,
  type Climb,
  granted,
  type Move,
  nextMove,
  refused,
  startClimb,
} from "./rings.ts";

function demand(ring: Demand["ring"], node: string, expectedMs?: number): Demand {
  return { ring, node, host: "", doors: [`tcp://${node}:1`], expectedMs };
}

const A: Candidate = { ring: "node", address: "ipc:///a" };
const B: Candidate = { ring: "network", address: "tcp://b:1" };

interface Script {
  readonly candidates: readonly Candidate[];
  readonly demands: readonly Demand[];
  readonly withinMs: number;
}

/** Climbs by a script: what each step answers, after how many ms. */
function climbs(
  { candidates, demands, withinMs }: Script,
  answers: (move: Exclude<Move, { kind: "wait" | "give-up" }>) => {
    ms: number;
    end: FaultCode | "answered" | string[];
  },
): { moves: string[]; trail: readonly string[]; ms: number; reason: string } {
  const moves: string[] = [];
  let now = 1_000;
  let state = startClimb(now, withinMs);
  let left = [...candidates];
  const offers = { candidate: () => left.shift(), demands: () => demands };
  const told = (entries: Climb["trail"]) => entries.map(({ ring, end, ms }) => `${ring} ${end} ${ms}`);
  for (let step = 0; step < 1_000; step++) {
    const { move, climb: next } = nextMove(state, offers, now, 0);
    state = next;
    if (move.kind === "give-up") return { moves, trail: told(state.trail), ms: now - 1_000, reason: move.reason };
    if (move.kind === "wait") {
      now += move.ms;
      moves.push("wait");
      state = again(state);
      left = [...candidates];
      continue;
    }
    moves.push(move.kind === "ask" ? move.candidate.address : `demand ${move.demand.node}`);
    const { ms, end } = answers(move);
    now += ms;
    if (end === "answered") return { moves, trail: told(answered(state, now)), ms: now - 1_000, reason: "" };
    state = Array.isArray(end) ? granted(state, now, end) : refused(state, now, end, "said so");
  }
  throw new Error("the climb has no end");
}

function start(candidates: Candidate[], demands: Demand[], withinMs: number): Script {
  return { candidates, demands, withinMs };
}

/** A climb that has just demanded capacity of n1. */
function demanding(): Climb {
  const offers = { candidate: () => undefined, demands: () => [demand("spare", "n1")] };
  return nextMove(startClimb(1_000, 50), offers, 1_000, 0).climb;
}

describe("the climb", () => {
  it("asks each that serves the call once, and then gives up, where nothing more was allowed", () => {
    const { moves, reason } = climbs(start([A, B], [demand("spare", "n1")], 0), () => ({ ms: 1, end: "overloaded" }));
    assert.deepEqual(moves, [A.address, B.address]);
    assert.equal(reason, "no capacity within 2 ms; node: overloaded (said so), network: overloaded (said so)");
  });

  it("goes to a spare, which answers", () => {
    const { moves, trail } = climbs(start([A], [demand("spare", "n1", 10), demand("door", "n2")], 50), (move) =>
      move.kind === "demand"
        ? { ms: 12, end: ["ipc:///spare"] }
        : { ms: 1, end: move.candidate.address === "ipc:///spare" ? "answered" : "overloaded" },
    );
    assert.deepEqual(moves, [A.address, "demand n1", "ipc:///spare"]);
    assert.deepEqual(trail, ["node overloaded 1", "spare granted 12", "spare answered 1"]);
  });

  it("goes on to other nodes' doors where its own node has no room", () => {
    const { moves, trail } = climbs(start([A], [demand("new", "n1"), demand("door", "n2")], 500), (move) => {
      if (move.kind === "ask") return { ms: 1, end: move.candidate.ring === "door" ? "answered" : "overloaded" };
      return move.demand.node === "n1" ? { ms: 3, end: "overloaded" } : { ms: 90, end: ["tcp://n2:9"] };
    });
    assert.deepEqual(moves, [A.address, "demand n1", "demand n2", "tcp://n2:9"]);
    assert.deepEqual(trail, ["node overloaded 1", "new overloaded 3", "door granted 90", "door answered 1"]);
  });

  it("does not demand what cannot come in time, and says so", () => {
    const climb = start([A], [demand("new", "n1", 200), demand("door", "n2", 30)], 50);
    const { moves, trail } = climbs(climb, (move) =>
      move.kind === "demand"
        ? { ms: 20, end: ["tcp://n2:9"] }
        : { ms: 1, end: move.candidate.ring === "door" ? "answered" : "overloaded" },
    );
    assert.deepEqual(moves, [A.address, "demand n2", "tcp://n2:9"]);
    assert.deepEqual(trail, ["node overloaded 1", "new skipped 0", "door granted 20", "door answered 1"]);
  });

  it("names the ring capacity came from where the node gave another than was thought", () => {
    const after = granted(demanding(), 1_100, ["ipc:///new"], "new");
    assert.deepEqual(after.brought, [{ ring: "new", address: "ipc:///new" }]);
    assert.equal(after.trail[0]?.ring, "new");
  });

  it("takes a grant without an address for a refusal", () => {
    const [entry] = granted(demanding(), 1_010, []).trail;
    assert.deepEqual(entry, { ring: "spare", at: "n1", ms: 10, end: "overloaded", reason: "gave no address" });
  });

  it("asks again, more and more slowly, until within has passed", () => {
    const { moves, ms } = climbs(start([A], [], 100), () => ({ ms: 0, end: "overloaded" }));
    const asks = moves.filter((move) => move === A.address).length;
    assert.ok(asks >= 4 && asks <= 8, `${asks} times`);
    assert.equal(ms, 100);
  });

  it("says so where there is nobody to ask", () => {
    assert.match(climbs(start([], [], 0), () => ({ ms: 0, end: "internal" })).reason, /nobody serves it/);
  });

  it("ends within its time, asks nobody twice a round, and tells of all it did", () => {
    const ring = fc.constantFrom("spare" as const, "new" as const, "door" as const);
    const shape = fc.record({
      candidates: fc.nat(5),
      demands: fc.array(fc.record({ ring, expectedMs: fc.option(fc.nat(300), { nil: undefined }) }), { maxLength: 5 }),
      withinMs: fc.nat(400),
      answers: fc.array(fc.record({ ms: fc.nat(40), grants: fc.boolean() }), { minLength: 1, maxLength: 30 }),
    });
    fc.assert(
      fc.property(shape, ({ candidates, demands, withinMs, answers }) => {
        const known = Array.from(
          { length: candidates },
          (_, i): Candidate => ({ ring: "node", address: `ipc:///${i}` }),
        );
        const asked = demands.map(({ ring: kind, expectedMs }, i) => demand(kind, `n${i}`, expectedMs));
        let turn = 0;
        let last = 0;
        let lastDemandAt = 0;
        let elapsed = 0;
        const { moves, trail, ms } = climbs(start(known, asked, withinMs), (move) => {
          const { ms: took, grants } = answers[turn++ % answers.length] ?? { ms: 1, grants: false };
          if (move.kind === "demand") {
            assert.ok(move.withinMs > 0 && move.withinMs <= withinMs - elapsed + 400);
            assert.ok((move.demand.expectedMs ?? 0) <= move.withinMs);
            lastDemandAt = elapsed;
          }
          last = took;
          elapsed += took;
          return { ms: took, end: move.kind === "demand" && grants ? [`new:///${turn}`] : "overloaded" };
        });
        assert.ok(lastDemandAt < withinMs || lastDemandAt === 0);
        // The last pass may begin just before within ends, and its questions take what they take.
        assert.ok(ms <= withinMs + last + 40 * (candidates + 2));
        const rounds = moves.join(" ").split("wait");
        for (const round of rounds) {
          const names = round.trim().split(/ (?=demand|ipc|new)/);
          assert.equal(new Set(names).size, names.length, round);
        }
        const steps = moves.filter((move) => move !== "wait").length;
        assert.ok(trail.filter((entry) => !entry.includes("skipped")).length >= Math.min(steps, 20));
      }),
      { numRuns: 500 },
    );
  });

  it("keeps a trail of bounded length", () => {
    let asked = 0;
    const { trail } = climbs(start([A], [], 20_000), () => ({
      ms: 0,
      end: asked++ === 150 ? "answered" : "overloaded",
    }));
    assert.equal(trail.length, 64);
    assert.equal(trail.at(-1), "node answered 0");
  });
});
