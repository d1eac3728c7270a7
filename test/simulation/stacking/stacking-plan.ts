// What is to happen to machines that are nodes of machines, drawn from a seed: words of their operators, calls, faults.

import { type Random, seededRandom } from "../../../src/base/random.ts";
import { among, byTime, several } from "../drawing.ts";

export const MACHINES = ["top", "middle", "bottom"] as const;
export type MachineName = (typeof MACHINES)[number];
/** Each is a node of the one before it. */
export const CHILDREN = ["middle", "bottom"] as const;
export type ChildName = (typeof CHILDREN)[number];
/** The id of a machine is of letters and digits. */
export const ID = { top: "mtop", middle: "mmiddle", bottom: "mbottom" } as const satisfies Record<MachineName, string>;
/** Computers. The first of each is a controller and keeps the gateway; of the top both are controllers. */
export const NODES = {
  top: ["ntop1", "ntop2"],
  middle: ["nmiddle1", "nmiddle2"],
  bottom: ["nbottom1"],
} as const satisfies Record<MachineName, readonly [string, ...string[]]>;
export const ALL_NODES: readonly string[] = MACHINES.flatMap((machine) => nodesOf(machine));

export const PACKAGE = "unum.test.v1";
/** Each machine's own components, by their contract. */
export const OWN = { top: "First", middle: "Second", bottom: "Third" } as const satisfies Record<MachineName, string>;
/** Programs, with the contract of each; the second asks for the rights of the nodes' users. */
export const PROGRAMS = { alpha: "SimA", beta: "SimB" } as const;
export type ProgramName = keyof typeof PROGRAMS;
export const PROGRAM_NAMES = Object.keys(PROGRAMS) as readonly ProgramName[];
export const CAPABILITIES = ["log", "store", "send"] as const;
export type ContractName = (typeof OWN)[MachineName] | (typeof PROGRAMS)[ProgramName];

/** Faults come within this time; then all is healed. */
export const TROUBLE_MS = 22_000;
/** How long all may take to come to rest after that. */
export const REST_MS = 35_000;

export type Word = {
  readonly at: number;
  /** Of the top, which of its controllers is asked. */
  readonly node: 0 | 1;
} & (
  | {
      readonly kind: "program";
      readonly machine: MachineName;
      readonly program: ProgramName;
      readonly action: 1 | 2 | "stop" | "unload";
      readonly granted: readonly string[];
    }
  /** What a child says of its parent: `unum stack` anew. */
  | ({ readonly kind: "link"; readonly machine: ChildName } & LinkWords)
  /** What the parent says of a child: `unum token --machine`. */
  | { readonly kind: "child"; readonly machine: ChildName; readonly calls: readonly string[] }
  /** The top asks to be let into one of its own descendants. */
  | { readonly kind: "into"; readonly machine: ChildName }
);

export interface LinkWords {
  readonly exports: readonly string[];
  readonly calls: readonly string[];
  readonly programs: readonly string[];
  readonly capabilities: readonly string[];
  readonly trusted: boolean;
}

export interface PlannedCall {
  readonly at: number;
  /** Index among all computers. */
  readonly from: number;
  readonly contract: ContractName;
  /** Called one after the other by the components on the way. */
  readonly way: readonly ContractName[];
  readonly ttlMs: number;
  readonly scope: "network" | "anywhere";
  readonly withinMs: number;
}

type Lasting = { readonly at: number; readonly forMs: number };
export type Fault = Lasting &
  (
    | { readonly kind: "cut"; readonly from: number; readonly to: number }
    /** A machine and its parent, or one way only; or a computer and all others. */
    | { readonly kind: "apart"; readonly machine: ChildName; readonly way: "both" | "out" | "in" }
    | { readonly kind: "alone" | "crash" | "power" | "wall"; readonly node: number }
    /** Of the process of the gateway. */
    | { readonly kind: "gateway"; readonly machine: ChildName }
    | { readonly kind: "pause"; readonly node: number; readonly what: "governor" | "gateway" | "containers" | "all" }
  );
export type FaultKind = Fault["kind"];

export interface StackingPlan {
  readonly seed: number;
  readonly first: Readonly<Record<ChildName, LinkWords>>;
  readonly words: readonly Word[];
  readonly calls: readonly PlannedCall[];
  readonly faults: readonly Fault[];
  /** The top is put below that machine, as where both join each other in the same moment, and taken out again. */
  readonly circle: (Lasting & { readonly below: ChildName }) | undefined;
  /** A machine is taken out of its parent, and joins it again by those words. */
  readonly out: (Lasting & { readonly machine: ChildName; readonly words: LinkWords }) | undefined;
}

export function stackingPlanOf(seed: number): StackingPlan {
  const random = seededRandom(seed);
  const first = { middle: linkWords(random, true), bottom: linkWords(random, true) };
  const circle = random.below(4) === 0 ? { at: 8_000, forMs: 14_000, below: among(random, CHILDREN) } : undefined;
  // In a circle it is judged what is done about it: nothing else is done meanwhile.
  const until = circle === undefined ? TROUBLE_MS - 1_000 : circle.at - 2_000;
  const at = () => 200 + random.below(until - 500);
  const words = several(random, [3, 10], () => wordOf(random, at()));
  const calls = several(random, [20, 60], () => callOf(random, 500 + random.below(TROUBLE_MS + 5_000)));
  const faults = several(random, [0, 8], () => faultOf(random, { at: at(), until }));
  const isOut = circle === undefined && random.below(4) === 0;
  const lasting = { at: 1_000 + random.below(7_000), forMs: 3_000 + random.below(9_000) };
  const out = isOut ? { ...lasting, machine: among(random, CHILDREN), words: linkWords(random, true) } : undefined;
  return { seed, first, words: byTime(words), calls: byTime(calls), faults: byTime(faults), circle, out };
}

/** `wide`: as where nobody has taken anything back yet. */
function linkWords(random: Random, wide: boolean): LinkWords {
  const lists = [[`${PACKAGE}.*`], [`${PACKAGE}.*`], [`${PACKAGE}.Third`, `${PACKAGE}.First`], []];
  const programs = [["*"], ["*"], ["alpha"], ["beta"], []];
  const choices = wide ? 2 : lists.length;
  return {
    exports: among(random, lists.slice(0, choices)),
    calls: among(random, lists.slice(0, choices)),
    programs: among(random, programs.slice(0, wide ? 3 : programs.length)),
    capabilities: CAPABILITIES.filter(() => random.below(3) > 0),
    trusted: random.below(3) > 0,
  };
}

function wordOf(random: Random, at: number): Word {
  const kind = among(random, ["program", "program", "program", "program", "link", "link", "child", "into"] as const);
  const common = { at, node: among(random, [0, 1] as const) };
  if (kind === "link") return { kind, ...common, machine: among(random, CHILDREN), ...linkWords(random, false) };
  if (kind === "into") return { kind, ...common, machine: among(random, CHILDREN) };
  if (kind === "child") {
    const calls = among(random, [[`${PACKAGE}.*`], [`${PACKAGE}.First`], []]);
    return { kind, ...common, machine: among(random, CHILDREN), calls };
  }
  return {
    ...{ kind, ...common, machine: among(random, ["top", "top", "top", "middle", "bottom"] as const) },
    program: among(random, PROGRAM_NAMES),
    action: among(random, [1, 2, 2, "stop", "unload"] as const),
    granted: CAPABILITIES.filter(() => random.below(3) > 0),
  };
}

function callOf(random: Random, at: number): PlannedCall {
  const contracts = [...Object.values(OWN), ...Object.values(OWN), ...Object.values(PROGRAMS)];
  const own = Object.values(OWN);
  return {
    ...{ at, from: random.below(ALL_NODES.length), contract: among(random, contracts) },
    way: several(random, [0, 3], () => among(random, own)),
    ttlMs: among(random, [60, 400, 2_000, 6_000]),
    scope: among(random, ["anywhere", "anywhere", "anywhere", "network"] as const),
    withinMs: among(random, [0, 0, 1_000]),
  };
}

function faultOf(random: Random, { at, until }: { readonly at: number; readonly until: number }): Fault {
  const kinds = ["cut", "apart", "apart", "alone", "crash", "power", "wall", "gateway", "pause", "pause"] as const;
  const kind = among(random, kinds);
  const drawn = 200 + random.below(random.below(2) === 0 ? 2_000 : 15_000);
  const common = { at, forMs: Math.min(drawn, until - at) };
  const node = random.below(ALL_NODES.length);
  switch (kind) {
    case "cut":
      return { kind, ...common, from: node, to: (node + 1 + random.below(ALL_NODES.length - 1)) % ALL_NODES.length };
    case "apart": {
      // Some as long as a machine needs to be held to what it does by itself.
      const forMs = Math.min(among(random, [2_000, 9_000, 16_000]) + random.below(2_000), until - at);
      const way = among(random, ["both", "both", "both", "out", "in"] as const);
      return { kind, at, forMs, machine: among(random, CHILDREN), way };
    }
    case "gateway":
      return { kind, ...common, machine: among(random, CHILDREN) };
    case "pause":
      return { kind, ...common, node, what: among(random, ["governor", "gateway", "containers", "all"] as const) };
    default:
      return { kind, ...common, node };
  }
}

export function parentOf(child: ChildName): MachineName {
  return child === "middle" ? "top" : "middle";
}

export function nodesOf(machine: MachineName): readonly string[] {
  return NODES[machine];
}

export function machineOf(node: string): MachineName {
  const found = MACHINES.find((machine) => nodesOf(machine).includes(node));
  if (found === undefined) throw new Error(`there is no node ${node}`);
  return found;
}
