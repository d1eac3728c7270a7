// A plain process with one island and nothing of Unum around it: ENGINE DIMENSION MILLISECONDS LANE -> evaluations a second, once it is warm.

import { DEFAULT_SETTINGS } from "../../src/islands/archipelago/settings.ts";
import { bbobProblem } from "../../src/islands/bbob/bbob-problem.ts";
import { engineOf } from "../../src/islands/engines/make-engine.ts";
import { Island } from "../../src/islands/island.ts";

const [name = "de", ...numbers] = process.argv.slice(2);
const [dimension = 10, ms = 3_000, lane = 1] = numbers.map(Number);
engineOf(name);
const island = Island.begin(bbobProblem(8, dimension, 1), name, 7, lane);
const { every: evaluations, selection, replacement } = DEFAULT_SETTINGS.migration;
const task = { engine: name, immigrants: [], evaluations, emigrants: 1, selection, replacement, target: undefined };
const until = performance.now() + ms;
const warm = performance.now() + ms / 4;
let from: { readonly at: number; readonly evaluations: number } | undefined;
while (performance.now() < until) {
  await island.evolve(task, () => false);
  if (from === undefined && performance.now() > warm) from = { at: performance.now(), evaluations: island.evaluations };
}
const begun = from ?? { at: warm, evaluations: 0 };
console.log(((island.evaluations - begun.evaluations) / (performance.now() - begun.at)) * 1_000);
