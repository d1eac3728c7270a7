// How many containers a node may still start, by count and by memory.
//
// Invariant R1. Whatever happens in whatever order, what runs and starts is never more than was allowed when it was started.

import type { Member } from "./members.ts";

export interface Room {
  /** All that are there: starting, serving, spare and draining. */
  readonly members: readonly Member[];
  /** By the node's limit and its share of the network's. */
  readonly allowed: number;
  readonly memoryAllowedBytes: number;
  /** What one more is reckoned with: what those that run use on average, and not less than an empty one. */
  readonly memoryOfOneBytes: number;
}

/** Zero, with the reason, when none. */
export function startable(room: Room): { readonly count: number; readonly reason: string } {
  const { members, allowed, memoryAllowedBytes, memoryOfOneBytes } = room;
  const byCount = Math.max(0, allowed - members.length);
  if (byCount === 0) return { count: 0, reason: `${members.length} containers are there, the limit is ${allowed}` };
  // One that still starts has not yet taken what it will.
  const used = members.reduce((sum, { state, memoryBytes }) => {
    return sum + (state === "starting" ? Math.max(memoryBytes, memoryOfOneBytes) : memoryBytes);
  }, 0);
  const byMemory = Math.max(0, Math.floor((memoryAllowedBytes - used) / Math.max(1, memoryOfOneBytes)));
  if (byMemory === 0) {
    const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
    return {
      count: 0,
      reason: `${mib(used)} MiB are in use of ${mib(memoryAllowedBytes)}, one more would take about ${mib(memoryOfOneBytes)}`,
    };
  }
  return { count: Math.min(byCount, byMemory), reason: "" };
}
