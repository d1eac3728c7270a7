// What must end because a limit says so: the count was lowered, one uses too much memory, or all together do.
//
// Invariants
//   E1. Nothing that has work is ended before its grace has passed; it is only told to drain.
//   E2. What is not draining is never more than allowed once the actions are done, and never less than it need be.
//   E3. What has least to do goes first.

import { byLeastLoss, type Member } from "./members.ts";

/** One whose program may use no more than so much, beside what one container may; looked at twice, since its cells are ended first. */
interface OfProgram {
  readonly programMemoryBytes?: number;
  readonly lastingMemoryBytes?: number;
}

export interface ExcessView {
  readonly members: readonly (Member & OfProgram)[];
  readonly allowed: number;
  /** For one container, and for all together. */
  readonly memoryOfOneBytes: number;
  readonly memoryOfAllBytes: number;
  /** How long work under way gets to end. */
  readonly graceMs: number;
  readonly now: number;
}

export interface ExcessActions {
  readonly drain: readonly { readonly id: string; readonly reason: string; readonly killAt: number }[];
  /** Draining, and their grace has passed. */
  readonly kill: readonly string[];
}

export function excess(view: ExcessView): ExcessActions {
  const { members, allowed, memoryOfOneBytes, memoryOfAllBytes, graceMs, now } = view;
  const draining = members.filter(({ state }) => state === "draining");
  const kill = draining.filter(({ killAt }) => killAt !== undefined && now >= killAt).map(({ id }) => id);
  const reasons = new Map<string, string>();
  const staying = () => members.filter(({ id, state }) => state !== "draining" && !reasons.has(id));

  for (const { id, memoryBytes, programMemoryBytes = 0, lastingMemoryBytes = 0 } of staying()) {
    if (memoryBytes > memoryOfOneBytes)
      reasons.set(id, `uses ${mib(memoryBytes)} MiB, the limit is ${mib(memoryOfOneBytes)}`);
    else if (programMemoryBytes > 0 && lastingMemoryBytes > programMemoryBytes)
      reasons.set(id, `uses ${mib(memoryBytes)} MiB, the limit of its program is ${mib(programMemoryBytes)}`);
  }
  for (const { id } of staying()
    .sort(byLeastLoss)
    .slice(0, Math.max(0, staying().length - allowed))) {
    reasons.set(id, `one more than the limit of ${allowed} containers`);
  }
  // The largest first: the fewest are disturbed.
  const bySize = staying().sort((a, b) => b.memoryBytes - a.memoryBytes || byLeastLoss(a, b));
  let used = bySize.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  for (const { id, memoryBytes } of bySize) {
    if (used <= memoryOfAllBytes) break;
    reasons.set(id, `all use ${mib(used)} MiB, the limit is ${mib(memoryOfAllBytes)}, and it uses most`);
    used -= memoryBytes;
  }
  return { drain: [...reasons].map(([id, reason]) => ({ id, reason, killAt: now + graceMs })), kill };
}

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
