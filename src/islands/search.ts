// A search in this process, from a problem to what was found: for programs.

import { systemEnv } from "unum";
import { Archipelago, type Plan } from "./archipelago/archipelago.ts";
import { askOnce, inMemory } from "./archipelago/ask-once.ts";
import { drive } from "./archipelago/drive.ts";
import { ownHosts } from "./archipelago/host.ts";
import { mostLag } from "./archipelago/lag.ts";
import { changed, settingsFor } from "./archipelago/settings.ts";
import type { Individual } from "./engines/engine.ts";
import { portfolioOf } from "./engines/make-engine.ts";
import { frontsOf } from "./engines/pareto.ts";
import { Fault } from "./fault.ts";
import { refuseUnknown } from "./known-names.ts";
import type { Problem } from "./problem.ts";

export interface SearchOptions {
  readonly seed?: number;
  /** Default 1. */
  readonly islands?: number;
  /** Names of engines, given to the islands in turn, for good. Default: the portfolio for the problem, reassigned by what works. */
  readonly engines?: readonly string[];
  /** Of one island. Default 100,000 for each dimension. */
  readonly evaluations?: number;
  /** Default: the problem's own. */
  readonly target?: number;
  /** As the command takes them: migration.every=500 */
  readonly settings?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface Found {
  readonly best: Individual | undefined;
  readonly evaluations: number;
  readonly epoch: number;
  readonly reachedTarget: boolean;
  /** Of several objectives: what no other found dominates, of all islands. */
  readonly front: readonly Individual[];
}

const NAMES: Readonly<Record<keyof SearchOptions, true>> = {
  ...{ seed: true, islands: true, engines: true, evaluations: true, target: true, settings: true, signal: true },
};

/** More take more time to be looked through than they are worth. */
const ISLANDS_LIMIT = 4_096;

/** Same problem, seed and options: the same is found. */
export async function search(problem: Problem, options: SearchOptions = {}): Promise<Found> {
  refuseUnknown("search()", options, Object.keys(NAMES));
  const plan = planOf(problem, options);
  const settings = changed(settingsFor(problem.space), options.settings ?? []);
  const archipelago = new Archipelago(plan, [{ epoch: 0, settings }]);
  const signal = options.signal ?? new AbortController().signal;
  // Where slices end makes no difference, so no clock is needed.
  const hosts = ownHosts(problem, () => 0);
  try {
    const { propose } = problem;
    const asked = propose && askOnce({ propose, recording: inMemory(), clock: systemEnv().clock });
    await drive({ archipelago, hosts, signal, propose: asked });
  } finally {
    await hosts.close();
  }
  return foundIn(archipelago);
}

export function planOf(
  problem: Pick<Problem, "space" | "target"> & Partial<Pick<Problem, "propose" | "noisy">>,
  options: SearchOptions,
): Plan {
  const { seed = 1, islands = 1, evaluations = 100_000 * problem.space.dimensions } = options;
  mustBeWhole("seed", seed, 0, Number.MAX_SAFE_INTEGER);
  mustBeWhole("islands", islands, 1, ISLANDS_LIMIT);
  mustBeWhole("evaluations", evaluations, 1, Number.MAX_SAFE_INTEGER);
  const names = options.engines ?? portfolioOf(problem.space, problem.noisy);
  const engines = Array.from({ length: islands }, (_, i) => names[i % names.length] ?? "cma");
  const target = options.target ?? problem.target;
  const reassigned = options.engines === undefined && names.length > 1 && islands > 1;
  return {
    ...{
      seed,
      engines,
      islands: engines.map((_, i) => `island-${i}`),
      free: false,
      target,
      evaluations,
      lag: mostLag(problem.space.dimensions, islands),
    },
    ...(reassigned ? { portfolio: names } : undefined),
    ...(problem.propose === undefined ? undefined : { proposes: true }),
  };
}

function mustBeWhole(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new Fault("invalid", `${what} is ${value}; it is a whole number from ${least} to ${most}`);
}

/** What all islands have found after the last epoch that is over for all. */
export function foundIn(archipelago: Archipelago): Found {
  const islands = archipelago.cut()?.islands ?? [];
  let best: Individual | undefined;
  for (const { snapshot } of islands) {
    const value = snapshot.best?.values[0] ?? Number.POSITIVE_INFINITY;
    if (value < (best?.values[0] ?? Number.POSITIVE_INFINITY)) best = snapshot.best;
  }
  const { target } = archipelago.plan;
  const reached = target !== undefined && best !== undefined && (best.values[0] as number) <= target;
  return {
    best,
    evaluations: islands.reduce((sum, { snapshot }) => sum + snapshot.figures.evaluations, 0),
    epoch: archipelago.epoch,
    reachedTarget: reached,
    front: nonDominated(islands.flatMap(({ snapshot }) => snapshot.front)),
  };
}

function nonDominated(all: readonly Individual[]): readonly Individual[] {
  const first = frontsOf(all.map(({ values }) => values))[0] ?? [];
  return first.map((i) => all[i] as Individual);
}
