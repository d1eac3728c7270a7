// Whose place a program gets that has none at all, where limits leave no room for one more.
//
// Invariants
//   F1. Of all that is served one container stays.
//   F2. One ends at a time, and none while what starts or ends may leave the room.

import { byLeastLoss, type Member } from "./members.ts";
import { type Room, startable } from "./room.ts";

/** What is served, by its containers. */
export interface Holder {
  readonly members: readonly Member[];
  /** Another code comes in, one container at a time: it makes its own room. */
  readonly isReplacing: boolean;
}

export interface FirstPlaceView {
  readonly room: Room;
  readonly holders: readonly Holder[];
  /** Containers that start and were not started for anything, or are about to. */
  readonly unassigned: number;
  /** Whether this one may be stopped. */
  readonly mayStop: (member: Member) => boolean;
}

/** Which is to end; undefined where none is, or need be. */
export function endsForAnother({ room, holders, unassigned, mayStop }: FirstPlaceView): Member | undefined {
  const isComing = unassigned > 0 || room.members.some(({ state }) => state === "spare" || state === "draining");
  if (isComing || startable(room).count > 0) return undefined;
  const surplus = holders.flatMap(({ members, isReplacing }) => {
    const serving = members.filter(({ state }) => state === "serving");
    return isReplacing || serving.length < 2 ? [] : serving;
  });
  return surplus.sort(byLeastLoss).find(mayStop);
}
