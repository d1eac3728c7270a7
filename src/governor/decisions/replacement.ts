// Bringing new code in, one container at a time, while calls go on.
//
//   check (in a process of its own) ──▶ start one with the new code ──▶ it serves ──▶ drain one with the old ──▶ … ──▶ done
//         └── fails ──▶ halted: all old ones stay       └── fails ──▶ halted: the old ones that are left stay
//
// Where the limit leaves no room for one more, a spare takes the new code; where there is none, one old container ends first.
//
// Invariants
//   P1. At any time one container at most starts, is probed or drains for the replacement.
//   P2. No second container gets the new code before the first has passed its probe.
//   P3. Those that serve, old and new, are never fewer than when it began, less one where there was no room.
//   P4. After a failure nothing further ends: what still serves goes on.

import { byLeastLoss, type Member } from "./members.ts";

/** A container of the program or folder whose code changed. */
export interface ReplacementMember extends Member {
  /** What names its code: a digest. */
  readonly code: string;
  /** Whether it has passed its probe; one that was never asked to has. */
  readonly probed: boolean;
}

export interface ReplacementView {
  readonly code: string;
  /** Containers that served when it began. */
  readonly size: number;
  /** What the check of the new code found; undefined before it was made. */
  readonly checked: "passed" | { readonly failed: string } | undefined;
  /** Why a container with the new code did not start or pass its probe. */
  readonly failed: string | undefined;
  /** All of the node's, spares too. */
  readonly members: readonly ReplacementMember[];
  readonly allowed: number;
}

export type ReplacementStep =
  /** Load the new code in a process that takes no calls. */
  | { readonly kind: "check" }
  | { readonly kind: "start" }
  /** Give the new code to this warm container. */
  | { readonly kind: "use-spare"; readonly id: string }
  /** Run the health probe of this one. */
  | { readonly kind: "probe"; readonly id: string }
  | { readonly kind: "drain"; readonly id: string }
  | { readonly kind: "wait" }
  /** `end`: containers with the new code that never came to serve. */
  | { readonly kind: "halted"; readonly reason: string; readonly end: readonly string[] }
  | { readonly kind: "done" };

export function replacementStep(view: ReplacementView): ReplacementStep {
  const { code, size, checked, members, allowed } = view;
  const fresh = members.filter((member) => member.code === code && member.state !== "spare");
  const old = members.filter((member) => member.code !== code && member.state === "serving");
  const failure = view.failed ?? (typeof checked === "object" ? checked.failed : undefined);
  if (failure !== undefined) {
    const end = fresh.filter((member) => member.state !== "draining" && !serves(member)).map(({ id }) => id);
    return { kind: "halted", reason: failure, end };
  }
  // The limit may have been lowered since it began: there will never be more.
  const enough = Math.min(size, allowed);
  if (old.length === 0 && fresh.filter(serves).length >= enough && !members.some(isEndingOld(code)))
    return { kind: "done" };
  if (checked === undefined) return { kind: "check" };
  const unproved = fresh.find((member) => member.state === "serving" && !member.probed);
  if (unproved !== undefined) return { kind: "probe", id: unproved.id };
  if (fresh.some(({ state }) => state === "starting") || members.some(isEndingOld(code))) return { kind: "wait" };
  const serving = fresh.filter(serves).length + old.length;
  const [leastLoss] = [...old].sort(byLeastLoss);
  if (serving > size && leastLoss !== undefined) return { kind: "drain", id: leastLoss.id };
  if (members.length < allowed) return { kind: "start" };
  const spare = members.find(({ state }) => state === "spare");
  if (spare !== undefined) return { kind: "use-spare", id: spare.id };
  return leastLoss === undefined ? { kind: "wait" } : { kind: "drain", id: leastLoss.id };
}

function serves({ state, probed }: ReplacementMember): boolean {
  return state === "serving" && probed;
}

/** What starts with the old code ends like what drains: nothing is done before it is gone. */
function isEndingOld(code: string): (member: ReplacementMember) => boolean {
  return (member) => member.code !== code && (member.state === "draining" || member.state === "starting");
}
