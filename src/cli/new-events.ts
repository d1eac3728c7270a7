// What happened on a node since it was last asked. It tells its last events, the same ones again and again.

import type { Event } from "../messages/gen/unum/control/v1/node_pb.ts";

export interface News {
  readonly events: readonly Event[];
  /** Whether more happened in between than the node keeps. */
  readonly missed: boolean;
}

/** Both oldest first. What `after` begins with and `before` ends with is known. */
export function newEvents(before: readonly Event[], after: readonly Event[]): News {
  for (let from = 0; from < before.length; from++) {
    const known = before.slice(from);
    if (known.length <= after.length && known.every((event, index) => isSame(event, after[index]))) {
      return { events: after.slice(known.length), missed: false };
    }
  }
  return { events: after, missed: before.length > 0 && after.length > 0 };
}

function isSame(one: Event, other: Event | undefined): boolean {
  return one.atMs === other?.atMs && one.level === other.level && one.text === other.text;
}
