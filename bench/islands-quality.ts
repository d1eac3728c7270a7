// Whether islands find what they should, beside pagmo and theory: fronts of NSGA-II, deceptive traps on a ring, LeadingOnes.
//
//   npm run bench -- islands-quality [--seeds 31] [--runs 2000] [--only fronts,traps,theory] [--population 40] [--quick] [--json]
//
// Counted and decided by seeds, so the same figures on any machine. pagmo's NSGA-II runs with the same operators and as many evaluations where its library is
// installed (bench/islands/pagmo.ts); what was measured of it with its own defaults stands beside.

import { parseArgs } from "node:util";
import { makeEngine } from "../src/islands/engines/make-engine.ts";
import { hypervolume } from "../src/islands/engines/pareto.ts";
import { leadingOnes, leadingOnesTheory, traps } from "../src/islands/functions/theory.ts";
import { ZDT } from "../src/islands/functions/zdt.ts";
import { problem } from "../src/islands/problem.ts";
import { RandomStream } from "../src/islands/random-stream.ts";
import { search } from "../src/islands/search.ts";
import { spreadOf } from "./harness/statistics.ts";
import { pagmoProgram, runPagmo } from "./islands/pagmo.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    runs: { type: "string" },
    population: { type: "string", default: "40" },
    only: { type: "string", default: "fronts,traps,theory" },
    quick: { type: "boolean" },
    json: { type: "boolean", default: false },
  },
});
const seeds = Number(values.seeds ?? (values.quick ? 3 : 31));
const runs = Number(values.runs ?? (values.quick ? 100 : 2_000));
const only = values.only.split(",");
const POPULATION = 100;
const GENERATIONS = 250;
/** Members of an island among traps; the one population beside them has as many as all eight. */
const SMALL = Number(values.population);

const mean = (all: readonly number[]) => all.reduce((sum, each) => sum + each, 0) / all.length;
const result: Record<string, unknown> = {};

/** Of pagmo 2.18 with its defaults, population 100, 250 generations, reference point (1.1, 1.1). */
const KNOWN = { zdt1: 0.8696, zdt2: 0.5363, zdt3: 1.3274, zdt4: 0.8668, zdt6: 0.4968 } as const;

async function fronts(): Promise<void> {
  const program = pagmoProgram("pagmo-nsga2");
  const rows = [];
  for (const [name, known] of Object.entries(KNOWN)) {
    const own: number[] = [];
    const theirs: number[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const made = problem(ZDT[name as keyof typeof KNOWN]);
      const found = await search(made, { seed, engines: ["nsga2"], evaluations: POPULATION * (GENERATIONS + 1) });
      const points = found.front.map(({ values: point }) => point);
      own.push(hypervolume(points, [1.1, 1.1]));
      if (program === undefined) continue;
      theirs.push(Number(runPagmo(program, [name.slice(3), POPULATION, GENERATIONS, seed])));
    }
    const [ours, pagmo] = [spreadOf(own).median, program === undefined ? undefined : spreadOf(theirs).median];
    const over = (ours / (pagmo ?? known) - 1) * 100;
    rows.push({ name, ours, pagmo, known, over });
    if (values.json) continue;
    const beside = pagmo === undefined ? "" : `  pagmo ${pagmo.toFixed(4)}`;
    console.log(
      `${name}  ${ours.toFixed(4)}${beside}  pagmo's defaults ${known.toFixed(4)}  ${over.toFixed(2)} % (goal -0.2 or more)`,
    );
  }
  result["fronts"] = rows;
}

/** Evaluations of all islands until one has the optimum; those that had not by then are left out, and told. */
async function trapped(
  islands: number,
  topology: string,
  population: number,
): Promise<{ readonly mean: number; readonly solved: number }> {
  const made = problem({ dimensions: 40, genome: "bits", target: 0, evaluate: (x) => traps(x) });
  const settings = [`migration.topology=${topology}`, `migration.every=${5 * population}`];
  const all: number[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const found = await search(made, {
      seed,
      islands,
      engines: [`ga:population=${population}`],
      settings,
      evaluations: 1_000_000,
    });
    if (found.reachedTarget) all.push(found.evaluations);
  }
  return { mean: mean(all), solved: all.length };
}

async function deceived(): Promise<void> {
  const alone = await trapped(1, "none", 8 * SMALL);
  const isolated = await trapped(8, "none", SMALL);
  const ring = await trapped(8, "ring", SMALL);
  result["traps"] = { alone, isolated, ring, ratio: ring.mean / isolated.mean };
  if (values.json) return;
  const text = ({ mean: all, solved }: typeof ring) => `${(all / 1_000).toFixed(1)} k (${solved}/${seeds})`;
  console.log(
    `ten 4-bit traps  one population ${text(alone)}, 8 isolated ${text(isolated)}, ring of 8 ${text(ring)}: ${(ring.mean / isolated.mean).toFixed(3)} of isolated (goal 0.2)`,
  );
}

function theory(): void {
  const n = 50;
  const { space } = problem({ dimensions: n, genome: "bits", evaluate: leadingOnes });
  const options = { population: 1, children: 1, crossover: 0, mutation: 1 / n, survival: "plus" } as const;
  const told = new Float64Array(1);
  const times = Array.from({ length: runs }, (_, run) => {
    const engine = makeEngine({ kind: "ga", options }, space, RandomStream.seeded(run));
    for (let evaluations = 1; ; evaluations++) {
      const [row = new Float64Array(n)] = engine.ask();
      told[0] = leadingOnes(row);
      if (told[0] === 0) return evaluations;
      engine.tell(told);
    }
  });
  const average = mean(times);
  const deviation = Math.sqrt(times.reduce((sum, each) => sum + (each - average) ** 2, 0) / (runs - 1));
  const error = deviation / Math.sqrt(runs);
  const off = (average - leadingOnesTheory(n)) / error;
  result["theory"] = { runs, mean: average, theory: leadingOnesTheory(n), standardErrors: off };
  if (values.json) return;
  console.log(
    `LeadingOnes n=${n}  mean ${average.toFixed(1)} of ${runs} runs, theory ${leadingOnesTheory(n).toFixed(1)}: ${off.toFixed(2)} standard errors (goal within 3)`,
  );
}

if (only.includes("theory")) theory();
if (only.includes("traps")) await deceived();
if (only.includes("fronts")) await fronts();
if (values.json) console.log(JSON.stringify({ seeds, ...result }));
