// How many warm containers to keep, and which idle one to stop, without going to and fro.
//
// Invariants
//   V1. Never both at once; and nothing is stopped within `settleMs` of the last start or stop, so that a load that comes
//       and goes faster than that changes nothing.
//   V2. Nothing that has work is stopped, and of each contract `keep` containers stay.

import { byLeastLoss, type Member } from "./members.ts";
import { type Room, startable } from "./room.ts";

export interface ReservePolicy {
  /** Warm containers wanted. */
  readonly spares: number;
  /** How long a container must have had nothing to do. */
  readonly idleMs: number;
  /** Containers that stay for each contract they serve. */
  readonly keep: number;
  readonly settleMs: number;
}

export const RESERVE_POLICY: Omit<ReservePolicy, "spares"> = { idleMs: 60_000, keep: 1, settleMs: 10_000 };

export interface ReserveView {
  readonly room: Room;
  /** Containers that start and were not started for a contract. */
  readonly sparesComing: number;
  /** When a container was last started or stopped, for whatever reason. */
  readonly lastChangeAt: number;
  readonly now: number;
  /** Whether this one may be stopped though it is idle. Default: any. */
  readonly mayStop?: (member: Member) => boolean;
}

export type ReserveAction =
  | { readonly kind: "nothing" }
  | { readonly kind: "start-spares"; readonly count: number }
  | { readonly kind: "stop"; readonly id: string; readonly reason: string };

export function reserve(view: ReserveView, policy: ReservePolicy): ReserveAction {
  const { room, sparesComing, lastChangeAt, now, mayStop = () => true } = view;
  const warm = room.members.filter(({ state }) => state === "spare");
  const missing = policy.spares - warm.length - sparesComing;
  const count = Math.min(missing, startable(room).count);
  if (count > 0) return { kind: "start-spares", count };
  if (now - lastChangeAt < policy.settleMs) return { kind: "nothing" };
  const [surplus] = warm.sort(byLeastLoss);
  if (missing < 0 && surplus !== undefined) {
    return { kind: "stop", id: surplus.id, reason: `${warm.length} are warm, ${policy.spares} are wanted` };
  }
  const idle = room.members
    .filter((member) => member.state === "serving" && isSuperfluous(member, room.members, policy.keep))
    .filter(({ idleSince }) => idleSince !== undefined && now - idleSince >= policy.idleMs)
    .sort(byLeastLoss)
    .find(mayStop);
  if (idle === undefined) return { kind: "nothing" };
  const idleSeconds = Math.round((now - (idle.idleSince ?? now)) / 1_000);
  return { kind: "stop", id: idle.id, reason: `had nothing to do for ${idleSeconds} s` };
}

/** Whether each of its contracts has `keep` others. */
function isSuperfluous(member: Member, members: readonly Member[], keep: number): boolean {
  return member.contracts.every((contract) => {
    const others = members.filter(
      (other) => other !== member && other.state === "serving" && other.contracts.includes(contract),
    );
    return others.length >= keep;
  });
}
