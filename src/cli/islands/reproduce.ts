// The command that does a run again: all that was told to it, and nothing that is the default.

import { DEFAULT_SETTINGS, settingLines } from "../../islands/archipelago/settings.ts";
import { formatMs } from "../duration.ts";
import { type ProblemSpec, type Shape, specName } from "./problem-spec.ts";
import type { RunRecord } from "./run-store.ts";

export const EVALUATION_MS = 60_000;

/** `changed`: whether its settings were, while it ran. */
export function howToReproduce(record: RunRecord, changed: boolean): string {
  const { problem, plan, settings, processes, unum, name, evaluationMs, to = [], propose } = record;
  const defaults = new Set(settingLines(DEFAULT_SETTINGS));
  const words = [
    `unum islands run ${problemWords(problem)}`,
    `--seed ${plan.seed}`,
    `--islands ${plan.islands.length}`,
    ...(plan.portfolio === undefined ? plan.engines.map((engine) => `--engine ${engine}`) : []),
    ...(plan.target === undefined ? [] : [`--target ${plan.target}`]),
    `--evaluations ${plan.evaluations}`,
    ...settings.filter((line) => !defaults.has(line)).map((line) => `--set ${line}`),
    ...(evaluationMs === EVALUATION_MS ? [] : [`--time-out ${formatMs(evaluationMs).replaceAll(" ", "")}`]),
    ...(propose === undefined ? [] : [`--propose ${propose}`]),
    ...(plan.proposes === true ? [`--replay ${name}`] : []),
    ...to.map((address) => `--to ${address}`),
    ...(plan.free ? ["--free"] : []),
  ];
  return `${words.join(" \\\n  ")}\n\n${note(plan.free, changed, processes)}\nunum ${unum}; to go on with it: unum islands resume ${name}`;
}

function note(free: boolean, changed: boolean, processes: number): string {
  if (free) return "Islands ran freely: another run may find something else.";
  if (changed)
    return "Settings were changed while it ran, from the epochs on that stand above: without that another run finds something else.";
  return `The same is found on any number of processes (here ${processes}), whatever is killed meanwhile.`;
}

function problemWords(problem: ProblemSpec): string {
  switch (problem.kind) {
    case "exec":
      return [
        `--exec ${quoted(specName(problem))}`,
        ...(problem.lines ? ["--lines"] : []),
        ...shapeWords(problem.shape),
      ].join(" ");
    case "http":
      return [`--http ${quoted(problem.url)}`, ...shapeWords(problem.shape)].join(" ");
    case "wasm":
      return [`--wasm ${quoted(problem.path)}`, ...shapeWords(problem.shape)].join(" ");
    default:
      return quoted(specName(problem));
  }
}

/** The target is the plan's. */
function shapeWords({ dimensions, lower, upper, objectives, genome, cache }: Shape): readonly string[] {
  const words = Object.entries({ dimensions, lower, upper, objectives, genome, cache });
  return words.filter(([, value]) => value !== undefined).map(([name, value]) => `--${name} ${value}`);
}

/** For a shell, where it needs to be. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
