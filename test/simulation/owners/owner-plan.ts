// What is to happen to a simulated program with one owner, drawn from a seed: an operator's words, faults of nodes, roads, clocks.

import { type Random, seededRandom } from "../../../src/base/random.ts";
import { among, byTime, several } from "../drawing.ts";

/** The first three are controllers; all of them keep the program, or the first alone. */
export const NODES = ["c1", "c2", "c3", "w1"] as const;
export const CONTROLLERS = 3;
export const PROGRAM = "ledger";
export const AFTER_MS = 5_000;
/** Faults come within this time; then all is healed. */
export const TROUBLE_MS = 60_000;
/** How long all may take to come to rest after that. */
export const REST_MS = 45_000;

export type Word =
  | { readonly kind: "stop" | "start" | "anywhere"; readonly at: number; readonly controller: number }
  | { readonly kind: "on"; readonly at: number; readonly controller: number; readonly node: number };

export type Fault =
  /** One way. */
  | { readonly kind: "cut"; readonly at: number; readonly forMs: number; readonly from: number; readonly to: number }
  /** From and to all others, or one way only. */
  | {
      readonly kind: "apart";
      readonly at: number;
      readonly forMs: number;
      readonly node: number | "owner";
      readonly way: "both" | "out" | "in";
    }
  /** Of the governor alone, of its containers alone, of all. */
  | {
      readonly kind: "pause";
      readonly at: number;
      readonly forMs: number;
      readonly node: number | "owner";
      readonly what: "governor" | "containers" | "all";
    }
  | { readonly kind: "crash" | "power"; readonly at: number; readonly forMs: number; readonly node: number | "owner" }
  /** The time of day jumps. */
  | { readonly kind: "wall"; readonly at: number; readonly forMs: number; readonly node: number };

export interface OwnerPlan {
  readonly seed: number;
  readonly onReturn: "yield" | "take-back";
  readonly keepers: 1 | 3;
  /** Who owns it at first. */
  readonly first: number;
  /** Of each node's clock, against the world's: at most 200 millionths off. */
  readonly rates: readonly number[];
  readonly words: readonly Word[];
  readonly faults: readonly Fault[];
}

export function ownerPlanOf(seed: number): OwnerPlan {
  const random = seededRandom(seed);
  const node = () => random.below(NODES.length);
  const onReturn = among(random, ["yield", "take-back"] as const);
  const keepers = among(random, [1, 3, 3] as const);
  const first = node();
  const rates = NODES.map(() => 1 + (random.below(401) - 200) / 1e6);
  const words = several(random, [0, 4], (): Word => {
    const common = { at: at(random), controller: random.below(CONTROLLERS) };
    const kind = among(random, ["stop", "start", "start", "anywhere", "on"] as const);
    return kind === "on" ? { kind, ...common, node: node() } : { kind, ...common };
  });
  const faults = several(random, [2, 7], (): Fault => {
    const kind = among(random, ["cut", "apart", "apart", "pause", "pause", "crash", "power", "wall"] as const);
    const common = { at: at(random), forMs: 200 + random.below(random.below(2) === 0 ? 2_000 : 25_000) };
    const whose = random.below(2) === 0 ? "owner" : node();
    const from = node();
    if (kind === "cut") return { kind, ...common, from, to: (from + 1 + random.below(3)) % NODES.length };
    if (kind === "apart") return { kind, ...common, node: whose, way: among(random, ["both", "out", "in"] as const) };
    if (kind === "wall") return { kind, ...common, node: node() };
    if (kind === "pause")
      return { kind, ...common, node: whose, what: among(random, ["governor", "containers", "all"] as const) };
    return { kind, ...common, node: among(random, [whose, 0] as const) };
  });
  return { seed, onReturn, keepers, first, rates, words: byTime(words), faults: byTime(faults) };
}

function at(random: Random): number {
  return 8_000 + random.below(TROUBLE_MS - 10_000);
}
