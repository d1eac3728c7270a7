// How many evaluations islands need on the 24 BBOB functions, beside what is published of BIPOP-CMA-ES (2009).
//
//   npm run bench -- bbob [--dimension 5,10] [--instances 15] [--budget 50000] [--functions 1,8,15] [--portfolio 4] [--out FOLDER] [--runs FILE] [--quick] [--json]
//
// Everything is counted and decided by seeds: the same figures on any machine, however busy. `--budget` is evaluations of one
// island for each dimension. Without --portfolio one CMA-ES with restarts runs; with it so many islands of the default portfolio,
// and what all of them spend counts. A table and a plot of each dimension are written to --out (.unum/bench). --runs: each run is added to
// that file when it is over, and one that is in there is not run again; of one version and one choice of options only. --quick: 3 instances, 2-D.

import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bbob } from "../src/islands/bbob/bbob.ts";
import { makeEngine } from "../src/islands/engines/make-engine.ts";
import { problem } from "../src/islands/problem.ts";
import { RandomStream } from "../src/islands/random-stream.ts";
import { search } from "../src/islands/search.ts";

const PRECISION = 1e-8;

const { values } = parseArgs({
  options: {
    dimension: { type: "string" },
    instances: { type: "string" },
    budget: { type: "string", default: "5000" },
    functions: { type: "string", default: Array.from({ length: 24 }, (_, i) => i + 1).join(",") },
    portfolio: { type: "string", default: "0" },
    engine: { type: "string", default: "bipop" },
    settings: { type: "string", multiple: true, default: [] },
    runs: { type: "string" },
    out: { type: "string", default: ".unum/bench" },
    quick: { type: "boolean" },
    json: { type: "boolean", default: false },
  },
});
const dimensions = (values.dimension ?? (values.quick ? "2" : "5,10")).split(",").map(Number);
const instances = Number(values.instances ?? (values.quick ? 3 : 15));
const islands = Number(values.portfolio);
const functions = values.functions.split(",").map(Number);

type Published = readonly [
  ert: number | null,
  successes: number,
  runs: number,
  best: string | null,
  bestErt: number | null,
];
const file = new URL("../test/fixtures/bbob-2009.json", import.meta.url);
const { rows: published }: { rows: Readonly<Record<string, Published>> } = JSON.parse(readFileSync(file, "utf8"));

interface Row {
  readonly name: string;
  readonly successes: number;
  /** All evaluations over successes; null where none succeeded. */
  readonly ert: number | null;
  readonly published: Published | undefined;
}

/** Evaluations of one run, and whether it reached the target. */
interface Run {
  readonly evaluations: number;
  readonly reached: boolean;
}

interface Of {
  readonly number: number;
  readonly dimension: number;
  readonly instance: number;
  readonly budget: number;
}

function single({ number, dimension, instance, budget }: Of): Run {
  const { evaluate, optimum } = bbob(number, dimension, instance);
  const made = problem({ dimensions: dimension, start: { lower: -4, upper: 4 }, evaluate });
  const spec = { kind: "cma", options: { restarts: values.engine === "ipop" ? "ipop" : "bipop" } } as const;
  const engine = makeEngine(spec, made.space, RandomStream.seeded(1_000 * number + instance));
  let told = new Float64Array(0);
  for (let spent = 0; ; ) {
    const rows = engine.ask();
    if (told.length < rows.length) told = new Float64Array(rows.length);
    for (const [k, row] of rows.entries()) {
      const value = evaluate(row);
      told[k] = value;
      spent++;
      if (value <= optimum + PRECISION) return { evaluations: spent, reached: true };
    }
    if (spent >= budget) return { evaluations: spent, reached: false };
    engine.tell(told.subarray(0, rows.length));
  }
}

async function archipelago({ number, dimension, instance, budget }: Of): Promise<Run> {
  const { evaluate, optimum } = bbob(number, dimension, instance);
  const target = optimum + PRECISION;
  const made = problem({ dimensions: dimension, start: { lower: -4, upper: 4 }, evaluate, target });
  const { settings } = values;
  const found = await search(made, { seed: 1_000 * number + instance, islands, evaluations: budget, settings });
  return { evaluations: found.evaluations, reached: found.reachedTarget };
}

/** What was run before, where runs are kept. */
const kept = new Map<string, Run>();
if (values.runs !== undefined && existsSync(values.runs)) {
  for (const line of readFileSync(values.runs, "utf8").trim().split("\n")) {
    const { name, ...run }: Run & { readonly name: string } = JSON.parse(line);
    kept.set(name, run);
  }
}

async function once(of: Of): Promise<Run> {
  const name = `f${of.number}:d${of.dimension}:i${of.instance}:${of.budget}`;
  const before = kept.get(name);
  if (before !== undefined) return before;
  const run = islands > 0 ? await archipelago(of) : single(of);
  if (values.runs !== undefined) appendFileSync(values.runs, `${JSON.stringify({ name, ...run })}\n`);
  return run;
}

mkdirSync(values.out, { recursive: true });
for (const dimension of dimensions) await measure(dimension, Number(values.budget) * dimension);

async function measure(dimension: number, budget: number): Promise<void> {
  const rows: Row[] = [];
  for (const number of functions) {
    const runs: Run[] = [];
    for (let instance = 1; instance <= instances; instance++) {
      runs.push(await once({ number, dimension, instance, budget }));
    }
    const successes = runs.filter(({ reached }) => reached).length;
    const all = runs.reduce((sum, { evaluations }) => sum + evaluations, 0);
    const row: Row = {
      name: `f${number}`,
      successes,
      ert: successes === 0 ? null : all / successes,
      published: published[`f${number}:d${dimension}`],
    };
    rows.push(row);
    if (!values.json) console.log(line(row));
  }
  const nearlyAll = (14 / 15) * instances;
  const both = rows.filter(
    ({ successes, published: known }) => successes >= nearlyAll && (known?.[1] ?? 0) >= (14 / 15) * (known?.[2] ?? 15),
  );
  const logs = both.map((row) => Math.log((row.ert ?? 0) / (row.published?.[0] ?? 1)));
  const ratio = Math.exp(logs.reduce((sum, each) => sum + each, 0) / logs.length);
  const solved = rows.filter(({ successes }) => successes >= nearlyAll).length;
  const who = islands > 0 ? `${islands} islands of the portfolio` : `one CMA-ES island, ${values.engine}`;
  const summary = [
    `${who}, ${dimension}-D, ${instances} instances, ${budget} evaluations of an island at most`,
    `${solved} of ${rows.length} functions in at least 14/15; ERT over BIPOP's, geometric mean of ${both.length}: ${both.length === 0 ? "–" : ratio.toFixed(3)}`,
  ];
  if (values.json) {
    console.log(JSON.stringify({ dimension, instances, budget, islands, rows, ratio, both: both.length, solved }));
  } else console.log(summary.join("\n"));
  const name = join(values.out, `bbob-${dimension}d-${islands > 0 ? `portfolio-${islands}` : values.engine}`);
  writeFileSync(`${name}.txt`, `${[...rows.map(line), ...summary].join("\n")}\n`);
  writeFileSync(`${name}.svg`, plot(rows));
}

function line({ name, successes, ert, published: known }: Row): string {
  const [their = null, theirSuccesses = 0, theirRuns = 15, best = null, bestErt = null] = known ?? [];
  const over = ert === null || their === null ? "–" : (ert / their).toFixed(2);
  return [
    name.padEnd(4),
    `${successes}/${instances}`.padStart(6),
    count(ert).padStart(12),
    `BIPOP ${theirSuccesses}/${theirRuns} ${count(their)}`.padStart(26),
    over.padStart(7),
    `best ${best ?? "–"} ${count(bestErt)}`.padStart(34),
  ].join(" ");
}

function count(value: number | null): string {
  return value === null ? "–" : value.toFixed(0);
}

/** ERT of both for each function, on a logarithmic scale. */
function plot(all: readonly Row[]): string {
  const x = (i: number) => 50 + i * 30;
  const y = (value: number) => 320 - 42 * Math.log10(value);
  const dots = all.flatMap(({ name, ert, published: known }, i) => [
    ...(known?.[0] ? [`<circle cx="${x(i)}" cy="${y(known[0])}" r="5" fill="none" stroke="#888"/>`] : []),
    ...(ert === null ? [] : [`<circle cx="${x(i)}" cy="${y(ert)}" r="4" fill="#06c"/>`]),
    `<text x="${x(i)}" y="345" font-size="11" text-anchor="middle">${name}</text>`,
  ]);
  const lines = [1, 2, 3, 4, 5, 6, 7].map(
    (power) =>
      `<line x1="35" x2="${x(all.length)}" y1="${y(10 ** power)}" y2="${y(10 ** power)}" stroke="#ddd"/><text x="4" y="${y(10 ** power) + 4}" font-size="11">1e${power}</text>`,
  );
  const width = x(all.length) + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="360" font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>${lines.join("")}${dots.join("")}</svg>\n`;
}
