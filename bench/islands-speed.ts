// Evaluations a second of one core on Rosenbrock: CMA-ES and DE, beside pagmo where its library is installed.
//
//   npm run bench -- islands-speed [--rounds 9] [--json]
//
// CPU time, evaluation included; the systems take turns within each round, with the same population. pagmo is compiled at first
// use (bench/islands/pagmo.ts), with -O3, as Debian compiled it.

import { parseArgs } from "node:util";
import { makeEngine } from "../src/islands/engines/make-engine.ts";
import { problem } from "../src/islands/problem.ts";
import { RandomStream } from "../src/islands/random-stream.ts";
import { spreadOf } from "./harness/statistics.ts";
import { pagmoProgram, runPagmo } from "./islands/pagmo.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    json: { type: "boolean", default: false },
    quick: { type: "boolean" },
  },
});
const rounds = values.quick ? 3 : Number(values.rounds);

interface Cell {
  readonly algorithm: "cma" | "de";
  readonly dimensions: number;
  readonly population: number;
  readonly generations: number;
  /** Of pagmo's, as often as ours; the goal of the ratio. */
  readonly goal: number;
}

const CELLS: readonly Cell[] = [
  { algorithm: "cma", dimensions: 10, population: 10, generations: 20_000, goal: 1.5 },
  { algorithm: "cma", dimensions: 30, population: 14, generations: 3_000, goal: 2 },
  { algorithm: "cma", dimensions: 100, population: 17, generations: 300, goal: 3 },
  { algorithm: "de", dimensions: 10, population: 50, generations: 20_000, goal: 2 },
  { algorithm: "de", dimensions: 30, population: 150, generations: 3_000, goal: 2 },
  { algorithm: "de", dimensions: 100, population: 500, generations: 300, goal: 2 },
];

function rosenbrock(x: Float64Array): number {
  let sum = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const gene = x[i] as number;
    const bend = (x[i + 1] as number) - gene * gene;
    const slope = 1 - gene;
    sum += 100 * bend * bend + slope * slope;
  }
  return sum;
}

/** Evaluations per CPU second. */
function ours({ algorithm, dimensions, population, generations }: Cell): number {
  const { space } = problem({ dimensions, start: { lower: -5, upper: 10 }, evaluate: rosenbrock });
  const options =
    algorithm === "cma" ? { population, restarts: "none" as const } : { population, factor: 0.8, crossover: 0.9 };
  const engine = makeEngine({ kind: algorithm, options }, space, RandomStream.seeded(7));
  const told = new Float64Array(population);
  let spent = 0;
  const start = process.threadCpuUsage();
  for (let generation = 0; generation < generations; generation++) {
    const rows = engine.ask();
    for (let k = 0; k < rows.length; k++) told[k] = rosenbrock(rows[k] as Float64Array);
    spent += rows.length;
    engine.tell(told);
  }
  const { user, system } = process.threadCpuUsage(start);
  return spent / ((user + system) / 1e6);
}

function pagmos(program: string, { algorithm, dimensions, population, generations }: Cell): number {
  // pagmo's takes the more time; a fifth of the generations is enough to measure it by.
  const fewer = Math.max(100, Math.floor(generations / 5));
  const args = [algorithm, dimensions, population, fewer];
  const [seconds = 1, evaluations = 0] = runPagmo(program, args).split(" ").map(Number);
  return evaluations / seconds;
}

const program = pagmoProgram("pagmo");
const samples = CELLS.map(() => ({ ours: [] as number[], pagmo: [] as number[] }));
for (const cell of CELLS) ours(cell);
for (let round = 0; round < rounds; round++) {
  for (const [i, cell] of CELLS.entries()) {
    samples[i]?.ours.push(ours(cell));
    if (program !== undefined) samples[i]?.pagmo.push(pagmos(program, cell));
  }
}
const rows = CELLS.map((cell, i) => {
  const own = spreadOf(samples[i]?.ours ?? []);
  const pagmo = program === undefined ? undefined : spreadOf(samples[i]?.pagmo ?? []);
  return { ...cell, ours: own, pagmo, ratio: pagmo === undefined ? undefined : own.median / pagmo.median };
});
if (values.json) console.log(JSON.stringify({ rounds, rows }, null, 2));
else {
  for (const { algorithm, dimensions, ours: own, pagmo, ratio, goal } of rows) {
    const beside = pagmo === undefined ? "" : `pagmo ${kilo(pagmo.median)}  ratio ${ratio?.toFixed(2)} (goal ${goal})`;
    console.log(
      `${algorithm.padEnd(4)}N=${String(dimensions).padEnd(4)} ${kilo(own.median)} evaluations/s (${kilo(own.least)}–${kilo(own.most)})  ${beside}`,
    );
  }
}

function kilo(value: number): string {
  return `${(value / 1_000).toFixed(0)} k`.padStart(8);
}
