// When an island asks its proposer, what, and what came of it. Pure, over a seat of the archipelago.
//
// Invariants
//   Q1. An island asks before an epoch that is due, once, and never with nothing left of its budget: what one answer costs more than was
//       left is the most that is overdrawn.

import type { Individual } from "../engines/engine.ts";
import type { Settings } from "./settings.ts";

/** One question. The same parents come with the same seed. */
export interface Question {
  readonly island: number;
  readonly epoch: number;
  readonly parents: readonly Individual[];
  readonly timeoutMs: number;
}

export interface ProposalCounts {
  readonly asked: number;
  readonly candidates: number;
  readonly cost: number;
}

export const NOTHING_PROPOSED: ProposalCounts = { asked: 0, candidates: 0, cost: 0 };

/** Whether the island that is about to begin `epoch` may ask. */
export function mayAsk(epoch: number, { proposer }: Settings, { cost }: ProposalCounts): boolean {
  return proposer.every > 0 && epoch > 0 && epoch % proposer.every === 0 && cost < proposer.budget;
}

/** Whether the epoch after this one may begin with a question, so that parents are wanted. */
export function parentsFor(epoch: number, { proposer }: Settings) {
  if (proposer.every === 0 || (epoch + 1) % proposer.every !== 0) return undefined;
  return { count: proposer.parents, selection: proposer.selection };
}
