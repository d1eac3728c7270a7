// What is to happen to a simulated machine, drawn from a seed: commands, durable messages, faults.

import { type Random, seededRandom } from "../../../src/base/random.ts";
import { among, byTime, several } from "../drawing.ts";

/** The first two are controllers. */
export const NODES = ["n1", "n2", "n3"] as const;
export const CONTROLLERS = 2;
/** Programs by name, each with what its manifest says of being cut off. */
export const PROGRAMS = {
  keeps: { policy: "keep", afterMs: 5_000, onReturn: "resume" },
  resumes: { policy: "stop-after", afterMs: 5_000, onReturn: "resume" },
  stays: { policy: "stop-after", afterMs: 5_000, onReturn: "stop" },
} as const;
export type ProgramName = keyof typeof PROGRAMS;
export const VERSIONS = [1, 2] as const;
export const CONTRACTS = ["unum.test.v1.SimA", "unum.test.v1.SimB"] as const;
/** Faults come within this time; then all is healed. */
export const TROUBLE_MS = 20_000;
/** How long all may take to come to rest after that. */
export const REST_MS = 40_000;

export interface Command {
  readonly at: number;
  /** Which controller takes it. */
  readonly controller: number;
  readonly program: ProgramName;
  readonly action: 1 | 2 | "stop" | "unload";
}

export interface Send {
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly contract: (typeof CONTRACTS)[number];
  /** Undefined: it does not expire. */
  readonly ttlMs: number | undefined;
  readonly key: string;
}

export type Fault =
  | { readonly kind: "cut"; readonly at: number; readonly forMs: number; readonly from: number; readonly to: number }
  /** From and to all others. */
  | { readonly kind: "apart"; readonly at: number; readonly forMs: number; readonly node: number }
  /** The governor alone; its container goes on. */
  | { readonly kind: "crash"; readonly at: number; readonly forMs: number; readonly node: number }
  | { readonly kind: "power"; readonly at: number; readonly forMs: number; readonly node: number }
  | { readonly kind: "pause"; readonly at: number; readonly forMs: number; readonly node: number }
  | { readonly kind: "full"; readonly at: number; readonly forMs: number; readonly node: number };

export interface MachinePlan {
  readonly seed: number;
  readonly commands: readonly Command[];
  readonly sends: readonly Send[];
  readonly faults: readonly Fault[];
}

export function machinePlanOf(seed: number): MachinePlan {
  const random = seededRandom(seed);
  const node = () => random.below(NODES.length);
  const commands = several(random, [1, 10], (): Command => {
    const action = among(random, [1, 2, 2, "stop", "unload"] as const);
    const controller = random.below(CONTROLLERS);
    return { at: at(random), controller, program: among(random, programNames()), action };
  });
  const sends = several(random, [1, 60], (): Send => {
    const ttlMs = among(random, [undefined, undefined, 50, 500, 5_000] as const);
    const key = among(random, ["", "", "", "k"] as const);
    return { at: at(random), from: node(), to: node(), contract: among(random, CONTRACTS), ttlMs, key };
  });
  const faults = several(random, [1, 7], (): Fault => {
    const kind = among(random, ["cut", "apart", "crash", "power", "pause", "full"] as const);
    const common = { at: at(random), forMs: 100 + random.below(kind === "apart" ? 15_000 : 4_000) };
    const from = node();
    if (kind === "cut") return { kind, ...common, from, to: (from + 1 + random.below(2)) % NODES.length };
    return { kind, ...common, node: from };
  });
  return { seed, commands: byTime(commands), sends: byTime(sends), faults: byTime(faults) };
}

export function programNames(): readonly ProgramName[] {
  return Object.keys(PROGRAMS) as ProgramName[];
}

function at(random: Random): number {
  return 500 + random.below(TROUBLE_MS - 1_000);
}
