// What may be set of an archipelago, before it runs and while it does; checked in one place.

import { didYouMean } from "../../base/nearest.ts";
import { checkedEnergy, EMAS, type EnergySettings } from "../engines/emas.ts";
import type { Replacement, Selection } from "../engines/engine.ts";
import { Fault } from "../fault.ts";
import type { Space } from "../space.ts";
import { TOPOLOGIES, type TopologyName } from "./topology.ts";

export interface Settings {
  readonly migration: {
    /** Evaluations of an island from one migration to the next: an epoch. */
    readonly every: number;
    /** How many leave in each. */
    readonly count: number;
    readonly selection: Selection;
    readonly replacement: Replacement;
    readonly topology: TopologyName;
    /** Connections wanted of the random topology. */
    readonly degree: number;
    /** Epochs after which a migrant that nobody took counts as stale; only where islands run freely. */
    readonly expiry: number;
  };
  readonly energy: Pick<EnergySettings, "inflow" | "outflow" | "transfer" | "reproduce" | "migrate">;
  readonly portfolio: {
    /** Epochs from one look at which engines work to the next, where engines were not chosen; 0: islands keep their engines. */
    readonly every: number;
  };
  /** Of problems that have a proposer. */
  readonly proposer: {
    /** Epochs from one question of an island to the next; 0: none is asked. */
    readonly every: number;
    /** How many parents it is shown. */
    readonly parents: number;
    readonly selection: Selection;
    /** What one island may spend; each question costs 1 where the answer does not say what it cost. */
    readonly budget: number;
    /** Seconds. */
    readonly timeout: number;
  };
  readonly log: {
    /** Seconds from one entry of an island's log to the next. */
    readonly every: number;
    /** islands: each has a log of its own; summary: the node's alone; none. */
    readonly type: "islands" | "summary" | "none";
  };
  readonly checkpoint: {
    /** Seconds from one to the next. */
    readonly every: number;
  };
}

export const DEFAULT_SETTINGS: Settings = {
  migration: {
    ...{ every: 2_000, count: 1, selection: "best", replacement: "if-better" },
    ...{ topology: "ring", degree: 2, expiry: 5 },
  },
  energy: {
    ...{ inflow: EMAS.inflow, outflow: EMAS.outflow, transfer: EMAS.transfer },
    ...{ reproduce: EMAS.reproduce, migrate: EMAS.migrate },
  },
  portfolio: { every: 10 },
  proposer: { every: 1, parents: 4, selection: "tournament", budget: 100, timeout: 120 },
  log: { every: 1, type: "islands" },
  checkpoint: { every: 10 },
};

/** What a search of such candidates begins with where nothing else is asked for. */
export function settingsFor({ genome }: Pick<Space, "genome">): Settings {
  if (genome !== "bits" && genome !== "permutation") return DEFAULT_SETTINGS;
  // Twenty generations on, an island alone has settled for what it has; after five it can still use what its neighbour found.
  return { ...DEFAULT_SETTINGS, migration: { ...DEFAULT_SETTINGS.migration, every: 500 } };
}

type Rule = { readonly least: number; readonly most: number; readonly whole: boolean } | readonly string[];

const whole = (least: number, most: number): Rule => ({ least, most, whole: true });
const ENERGY = whole(0, 1_000_000);

/** Every name that can be set, and what it may be. */
export const RULES: Readonly<Record<string, Rule>> = {
  "migration.every": whole(1, 1e9),
  "migration.count": whole(0, 1000),
  "migration.selection": ["best", "random", "tournament"],
  "migration.replacement": ["worst", "random", "if-better"],
  "migration.topology": TOPOLOGIES,
  "migration.degree": whole(0, 1000),
  "migration.expiry": whole(1, 1e6),
  "energy.inflow": ENERGY,
  "energy.outflow": ENERGY,
  "energy.transfer": ENERGY,
  "energy.reproduce": ENERGY,
  "energy.migrate": ENERGY,
  "portfolio.every": whole(0, 1e6),
  "proposer.every": whole(0, 1e6),
  "proposer.parents": whole(1, 1000),
  "proposer.selection": ["best", "random", "tournament"],
  "proposer.budget": { least: 0, most: 1e12, whole: false },
  "proposer.timeout": { least: 0.05, most: 86_400, whole: false },
  "log.every": { least: 0.05, most: 86_400, whole: false },
  "log.type": ["islands", "summary", "none"],
  "checkpoint.every": { least: 0.05, most: 86_400, whole: false },
};

/** The settings with `NAME=VALUE`s put in. Throws the Fault `invalid` for a name or a value that makes no sense; nothing is changed then. */
export function changed(settings: Settings, changes: readonly string[]): Settings {
  // Copied two deep, which is as deep as settings are.
  const next: Record<string, Record<string, string | number>> = Object.fromEntries(
    Object.entries(settings).map(([group, own]) => [group, { ...own }]),
  );
  for (const change of changes) {
    const [name = "", value] = change.split(/=(.*)/s);
    const [group = "", field = ""] = name.split(".");
    const own = next[group];
    if (own === undefined) throw unknown(name);
    own[field] = readSetting(name, value);
  }
  // Each field is as its rule says.
  const made = next as unknown as Settings;
  checkedEnergy({ ...EMAS, ...made.energy });
  return made;
}

/** A value as its rule has it; throws the Fault `invalid` for another. */
export function readSetting(name: string, value: string | undefined): string | number {
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  if (rule === undefined) throw unknown(name);
  if (value === undefined || value === "") throw new Fault("invalid", `${name} is given no value; write ${name}=VALUE`);
  if (!("least" in rule)) {
    if (rule.includes(value)) return value;
    throw new Fault(
      "invalid",
      `${name} cannot be '${value}'; it is one of ${rule.join(", ")}${didYouMean(value, rule)}`,
    );
  }
  const number = Number(value);
  if (number >= rule.least && number <= rule.most && (!rule.whole || Number.isInteger(number))) return number;
  const kind = rule.whole ? "a whole number" : "a number";
  throw new Fault("invalid", `${name} cannot be '${value}'; it is ${kind} from ${rule.least} to ${rule.most}`);
}

function unknown(name: string): Fault {
  const names = Object.keys(RULES);
  return new Fault("invalid", `there is no setting '${name}'${didYouMean(name, names)}; there are ${names.join(", ")}`);
}

/** Every setting as NAME=VALUE. */
export function settingLines(settings: Settings): readonly string[] {
  return Object.entries(settings).flatMap(([group, own]) =>
    Object.entries(own).map(([field, value]) => `${group}.${field}=${value}`),
  );
}
