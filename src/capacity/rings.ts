// The climb of one call: who is asked next, and the way it went.
//
//   self ▶ node ▶ network ▶ elsewhere ──refused──▶ spare ▶ new ▶ doors of other nodes ──refused──▶ wait ──▶ again from the start
//   └──── those that serve it now ────┘   └── demands, only while `within` lasts ──┘        … until `within` has passed
//
// Invariants
//   C1. Whoever serves the call now is asked once a round, also when `within` is 0.
//   C2. Nothing is demanded, and nothing waited for, after `within` has passed; a demand that cannot be met by then is
//       not made, and the trail says so.
//   C3. What a demand brought is asked before anything else.
//   C4. Whatever was asked or passed over is in the trail, with its ring, how long it took and why it ended.

import type { FaultCode } from "../base/fault.ts";
import type { Address } from "../transports/transport.ts";
import type { Demand } from "./demands.ts";
import type { Place } from "./directory.ts";

export type Ring = Place["ring"] | Demand["ring"];

export interface Candidate {
  readonly ring: Ring;
  readonly address: Address;
}

export interface TrailEntry {
  readonly ring: Ring;
  /** Of the container that was asked, or the name of the node that was asked for capacity. */
  readonly at: string;
  readonly ms: number;
  /** `granted`: the node gave capacity; `skipped`: it was not asked. */
  readonly end: "answered" | "granted" | "skipped" | FaultCode;
  readonly reason: string;
}

type Asked =
  | { readonly kind: "candidate"; readonly candidate: Candidate; readonly since: number }
  | { readonly kind: "demand"; readonly demand: Demand; readonly since: number };

/** Who may be asked, worked out only when it comes to that. */
export interface Offers {
  /** The next that serves the call and was not asked in this round. */
  candidate(): Candidate | undefined;
  /** Who may be asked for capacity, in order. */
  demands(): readonly Demand[];
}

export interface Climb {
  /** What demands brought, and was not asked yet. */
  readonly brought: readonly Candidate[];
  /** Left in this round; undefined before the first is needed. */
  readonly demands: readonly Demand[] | undefined;
  /** What is under way. */
  readonly asked: Asked | undefined;
  readonly trail: readonly TrailEntry[];
  readonly round: number;
  readonly startedAt: number;
  /** When `within` has passed. */
  readonly until: number;
}

export type Move =
  | { readonly kind: "ask"; readonly candidate: Candidate }
  /** The node has `withinMs` to give addresses or to refuse. */
  | { readonly kind: "demand"; readonly demand: Demand; readonly withinMs: number }
  /** Then `again`, with what the directory says by then. */
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "give-up"; readonly reason: string };

/** What a node says it gave, by the ring it had it from. */
const GAVE: Readonly<Record<string, string>> = {
  spare: "a warm container",
  new: "a new container",
  node: "a container that had room",
};

/** Entries kept for the reply; a long climb tells of its beginning and of its last step. */
const TRAIL_LIMIT = 64;

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 200;

export function startClimb(now: number, withinMs: number): Climb {
  const until = now + withinMs;
  return { brought: [], demands: undefined, asked: undefined, trail: [], round: 1, startedAt: now, until };
}

/** What to do now. `chance`, in [0, 1), spreads those who wait. To be called when nothing is under way. */
export function nextMove(
  climb: Climb,
  offers: Offers,
  now: number,
  chance: number,
): { readonly move: Move; readonly climb: Climb } {
  const [first, ...brought] = climb.brought;
  const candidate = first ?? offers.candidate();
  if (candidate !== undefined) {
    const asked = { kind: "candidate", candidate, since: now } as const;
    return { move: { kind: "ask", candidate }, climb: { ...climb, brought, asked } };
  }
  const leftMs = climb.until - now;
  if (leftMs <= 0) return { move: { kind: "give-up", reason: whyNot(climb, now) }, climb };
  const [demand, ...demands] = climb.demands ?? offers.demands();
  if (demand === undefined) {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(climb.round - 1, 10), LONGEST_PAUSE_MS);
    return { move: { kind: "wait", ms: Math.min(longest * (0.5 + chance / 2), leftMs) }, climb };
  }
  if (demand.expectedMs !== undefined && demand.expectedMs > leftMs) {
    const reason = `takes about ${Math.ceil(demand.expectedMs)} ms there, ${Math.floor(leftMs)} are left`;
    const passed = { ring: demand.ring, at: demand.node, ms: 0, end: "skipped", reason } as const;
    return nextMove(recorded(climb, passed, { demands }), offers, now, chance);
  }
  const asked = { kind: "demand", demand, since: now } as const;
  return { move: { kind: "demand", demand, withinMs: leftMs }, climb: { ...climb, demands, asked } };
}

/** What was asked would not, or not in time. */
export function refused(climb: Climb, now: number, end: FaultCode, reason: string): Climb {
  return ended(climb, now, end, reason, {});
}

/** The node that was asked has capacity at these addresses; `ring`: where it came from. */
export function granted(climb: Climb, now: number, addresses: readonly Address[], ring?: Ring): Climb {
  const { asked } = climb;
  if (asked?.kind !== "demand") return climb;
  // What another node gave is beyond its door, wherever it had it from.
  const isDoor = asked.demand.ring === "door";
  const from = isDoor ? "door" : (ring ?? asked.demand.ring);
  const brought = [...climb.brought, ...addresses.map((address) => ({ ring: from, address }))];
  const reason = addresses.length === 0 ? "gave no address" : isDoor ? (GAVE[ring ?? ""] ?? "") : "";
  return ended(climb, now, addresses.length === 0 ? "overloaded" : "granted", reason, { brought }, from);
}

/** The whole way of a call that has its answer. */
export function answered(climb: Climb, now: number): readonly TrailEntry[] {
  return ended(climb, now, "answered", "", {}).trail;
}

/** The next round, after a wait: everybody may be asked again. */
export function again(climb: Climb): Climb {
  return { ...climb, demands: undefined, round: climb.round + 1 };
}

function ended(
  climb: Climb,
  now: number,
  end: TrailEntry["end"],
  reason: string,
  set: Partial<Climb>,
  from?: Ring,
): Climb {
  const { asked } = climb;
  if (asked === undefined) return climb;
  const ms = Math.max(0, now - asked.since);
  const entry: TrailEntry =
    asked.kind === "candidate"
      ? { ring: asked.candidate.ring, at: asked.candidate.address, ms, end, reason }
      : { ring: from ?? asked.demand.ring, at: asked.demand.node, ms, end, reason };
  return recorded(climb, entry, { ...set, asked: undefined });
}

function recorded(climb: Climb, entry: TrailEntry, set: Partial<Climb>): Climb {
  const trail = [...climb.trail.slice(0, TRAIL_LIMIT - 1), entry];
  return { ...climb, ...set, trail };
}

/** For people: how long was looked, and what each ring said last. */
function whyNot(climb: Climb, now: number): string {
  if (climb.trail.length === 0) return "nobody serves it, and nobody may be asked to";
  const last = new Map<Ring, TrailEntry>();
  for (const entry of climb.trail) last.set(entry.ring, entry);
  const rings = [...last.values()].map(
    ({ ring, end, reason }) => `${ring}: ${end}${reason === "" ? "" : ` (${reason})`}`,
  );
  return `no capacity within ${Math.round(now - climb.startedAt)} ms; ${rings.join(", ")}`;
}
