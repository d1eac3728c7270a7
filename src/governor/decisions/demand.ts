// What a governor does about calls that found no place: nothing more, a warm container, a new one, or a refusal.

import { byLeastLoss } from "./members.ts";
import { type Room, startable } from "./room.ts";

export interface DemandView {
  readonly contract: string;
  /** Calls at a time that callers have asked places for, and have not got. */
  readonly wanted: number;
  /** Calls at a time that a container of this contract works on. */
  readonly concurrency: number;
  /** Containers that were started or chosen for this contract and do not serve it yet. */
  readonly coming: number;
  readonly room: Room;
  /** Why the contract may not be started at all, as that it crashed too often; undefined where it may. */
  readonly forbidden: string | undefined;
  readonly now: number;
}

export interface DemandPolicy {
  /** How long a container must have been idle before it makes room for another contract. */
  readonly idleMs: number;
}

export const DEMAND_POLICY: DemandPolicy = { idleMs: 1_000 };

export type DemandAnswer =
  /** Enough is on its way. */
  | { readonly kind: "wait" }
  /** Give the contract to these warm containers, and start so many. */
  | { readonly kind: "give"; readonly spares: readonly string[]; readonly start: number }
  /** Drain this one, idle with other contracts; then ask again. */
  | { readonly kind: "make-room"; readonly drain: string }
  | { readonly kind: "refuse"; readonly reason: string };

export function onDemand(view: DemandView, policy: DemandPolicy = DEMAND_POLICY): DemandAnswer {
  const { contract, wanted, concurrency, coming, room, forbidden, now } = view;
  if (forbidden !== undefined) return { kind: "refuse", reason: forbidden };
  const missing = Math.ceil(wanted / Math.max(1, concurrency)) - coming;
  if (missing <= 0) return { kind: "wait" };
  const warm = room.members.filter(({ state }) => state === "spare").map(({ id }) => id);
  const spares = warm.sort().slice(0, missing);
  const { count, reason } = startable(room);
  const start = Math.min(missing - spares.length, count);
  if (spares.length + start > 0) return { kind: "give", spares, start };
  if (coming > 0) return { kind: "wait" };
  // One that ends already makes the room: a second one would end for nothing.
  if (room.members.some(({ state }) => state === "draining") && room.members.length <= room.allowed)
    return { kind: "wait" };
  const idle = room.members
    .filter(({ state, contracts }) => state === "serving" && !contracts.includes(contract))
    .filter(({ idleSince }) => idleSince !== undefined && now - idleSince >= policy.idleMs)
    .sort(byLeastLoss)[0];
  if (idle !== undefined && room.members.length <= room.allowed) return { kind: "make-room", drain: idle.id };
  return { kind: "refuse", reason };
}
