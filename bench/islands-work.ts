// What it costs to run islands as a machine does: on processes, reproducibly, with others' evaluators, with checkpoints.
//
//   npm run bench -- islands-work [--rounds 5] [--seconds 4] [--warm 1] [--only islands,evaluators,checkpoint] [--quick] [--json]
//                                 [--engine de] [--dimensions 10] [--no-free]
//
// Rows of one kind take turns within each round; medians (least–most). Wall clock: two islands need two processors, and what evaluates elsewhere is waited for.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { silentLog } from "../src/base/log.ts";
import { execEvaluator } from "../src/cli/islands/evaluators/exec.ts";
import { httpEvaluator } from "../src/cli/islands/evaluators/http.ts";
import { Archipelago } from "../src/islands/archipelago/archipelago.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../src/islands/archipelago/checkpoint.ts";
import { drive } from "../src/islands/archipelago/drive.ts";
import { ownHosts } from "../src/islands/archipelago/host.ts";
import { changed, DEFAULT_SETTINGS } from "../src/islands/archipelago/settings.ts";
import { type Evaluator, noWatch } from "../src/islands/evaluator.ts";
import { problem } from "../src/islands/problem.ts";
import { planOf } from "../src/islands/search.ts";
import { fileStore } from "../src/stores/file-store.ts";
import { systemDisk } from "../src/system/disk.ts";
import { systemEnv } from "../src/system/env.ts";
import { spreadOf } from "./harness/statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string" },
    seconds: { type: "string" },
    warm: { type: "string", default: "1" },
    only: { type: "string", default: "islands,evaluators,checkpoint" },
    quick: { type: "boolean" },
    json: { type: "boolean", default: false },
    engine: { type: "string", default: "de" },
    dimensions: { type: "string", default: "10" },
    "no-free": { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
const seconds = Number(values.seconds ?? (values.quick ? 1 : 4));
/** Seconds that go to compiling, and to stretches of epochs that grow with the run. */
const warm = Number(values.warm);
const only = values.only.split(",");
const DIMENSION = Number(values.dimensions);
const { engine } = values;
const COMMAND = new URL("../bin/unum.mjs", import.meta.url).pathname;
const here = (file: string) => new URL(`./islands/${file}`, import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), "unum-bench-"));
const samples = new Map<string, number[]>();
const add = (row: string, value: number) => samples.set(row, [...(samples.get(row) ?? []), value]);

/** Evaluations a second of two islands on two processes, from the first figures to the last. */
async function islands(every: number, free: boolean): Promise<number> {
  const home = mkdtempSync(join(scratch, "home-"));
  const args = ["islands", "run", `bbob:f8:d${DIMENSION}`, "--engine", engine, "--islands", "2", "--processes", "2"];
  args.push("--set", `migration.every=${every}`);
  const endless = ["--target", "-1e9", "--evaluations", "1e12", "--seed", "7", "--json", ...(free ? ["--free"] : [])];
  const child = spawn(process.execPath, [COMMAND, ...args, ...endless], {
    env: { ...process.env, UNUM_HOME: home },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const marks: { readonly seconds: number; readonly evaluations: number }[] = [];
  const isWarm = (mark: { readonly seconds: number }) => mark.seconds > (marks[0]?.seconds ?? 0) + warm;
  for await (const line of createInterface({ input: child.stderr })) {
    if (!line.startsWith('{"live"')) continue;
    const { live } = JSON.parse(line);
    if (live.evaluations === 0) continue;
    marks.push(live);
    // Where the processor is busy, figures come late.
    if (live.seconds - (marks.find(isWarm)?.seconds ?? Number.POSITIVE_INFINITY) > seconds) break;
  }
  child.kill("SIGINT");
  await once(child, "close");
  const [first, last] = [marks.find(isWarm), marks.at(-1)];
  if (first === undefined || last === undefined || first === last) throw new Error("the run told no figures");
  return (last.evaluations - first.evaluations) / (last.seconds - first.seconds);
}

async function plain(): Promise<number> {
  const rates = [1, 2].map(async (lane) => {
    const args = [here("plain.ts"), engine, String(DIMENSION), String((1 + seconds) * 1_000), String(lane)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const [text] = await once(child.stdout, "data");
    await once(child, "close");
    return Number(text);
  });
  return (await Promise.all(rates)).reduce((sum, each) => sum + each, 0);
}

async function rateOf(evaluator: Evaluator, batch: number, ms: number): Promise<number> {
  const rows = Array.from({ length: batch }, (_, k) => new Float64Array(DIMENSION).fill(k));
  const told = new Float64Array(batch);
  await evaluator.evaluate(rows, told, noWatch());
  const begun = performance.now();
  let count = 0;
  while (performance.now() - begun < ms) {
    await evaluator.evaluate(rows, told, noWatch());
    count += batch;
  }
  if (told[batch - 1] !== DIMENSION * (batch - 1) ** 2) throw new Error(`it answered ${told[batch - 1]}`);
  return (count / (performance.now() - begun)) * 1_000;
}

async function evaluators(): Promise<void> {
  const program = join(scratch, "sphere");
  execFileSync("cc", ["-O2", here("sphere.c"), "-o", program]);
  const server = spawn(process.execPath, [here("sphere-server.ts")], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = await once(server.stdout, "data");
  const shape = { dimensions: DIMENSION };
  const exec = execEvaluator({ command: [program], lines: false, shape, evaluationMs: 10_000 });
  const http = httpEvaluator({ url: `http://127.0.0.1:${Number(port)}/`, shape, evaluationMs: 10_000 });
  try {
    for (let round = 0; round < rounds; round++) {
      for (const batch of [1, 10, 100]) {
        add(`executable, batches of ${batch}`, await rateOf(exec, batch, (seconds * 1_000) / 4));
        add(`HTTP, batches of ${batch}`, await rateOf(http, batch, (seconds * 1_000) / 4));
      }
    }
  } finally {
    await exec.close();
    await http.close();
    server.kill();
  }
}

async function checkpoint(): Promise<void> {
  const made = problem({ dimensions: 100, lower: -5, upper: 5, evaluate: (x) => x[0] ?? 0 });
  const engines = ["de:population=10000"];
  const plan = planOf(made, { seed: 1, engines, evaluations: 20_000 });
  const settings = changed(DEFAULT_SETTINGS, ["migration.every=10000"]);
  const archipelago = new Archipelago(plan, [{ epoch: 0, settings }]);
  await drive({ archipelago, hosts: ownHosts(made, () => 0), signal: new AbortController().signal });
  const cut = archipelago.cut();
  if (cut === undefined) throw new Error("no epoch is over");
  const store = fileStore({
    ...{ folder: join(scratch, "store"), disk: systemDisk(), clock: systemEnv().clock, log: silentLog },
    limitBytes: 1 << 30,
  });
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    const bytes = encodeCheckpoint({ plan, changes: archipelago.changes, cut });
    const encoded = performance.now();
    await store.put("checkpoint", bytes);
    const written = performance.now();
    const object = await store.get("checkpoint");
    decodeCheckpoint(object?.bytes ?? new Uint8Array());
    add("checkpoint 10,000 × 100: as bytes, ms", encoded - begun);
    add("checkpoint 10,000 × 100: on disk, ms", written - encoded);
    add("checkpoint 10,000 × 100: read back, ms", performance.now() - written);
    add("checkpoint 10,000 × 100: MB", bytes.length / 1e6);
  }
  store.close();
}

try {
  if (only.includes("islands")) {
    for (let round = 0; round < rounds; round++) {
      add("two plain processes", await plain());
      for (const every of [2_000, 100_000]) {
        const row = `two islands, epochs of ${every.toLocaleString("en")}`;
        add(row, await islands(every, false));
        if (!values["no-free"]) add(`${row}, free`, await islands(every, true));
      }
    }
  }
  if (only.includes("evaluators")) await evaluators();
  if (only.includes("checkpoint")) await checkpoint();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

const rows = [...samples].map(([name, all]) => ({ name, ...spreadOf(all) }));
const median = (name: string) => spreadOf(samples.get(name) ?? [Number.NaN]).median;
const ratios = {
  "epochs of 2,000 over plain": median("two islands, epochs of 2,000") / median("two plain processes"),
  "epochs of 100,000 over plain (goal 0.9)": median("two islands, epochs of 100,000") / median("two plain processes"),
  "reproducible over free, epochs of 2,000 (goal 0.85)":
    median("two islands, epochs of 2,000") / median("two islands, epochs of 2,000, free"),
  "reproducible over free, epochs of 100,000 (goal 0.85)":
    median("two islands, epochs of 100,000") / median("two islands, epochs of 100,000, free"),
};
if (values.json) console.log(JSON.stringify({ rounds, rows, ratios }));
else {
  const text = (value: number) => (value >= 1_000 ? `${(value / 1_000).toFixed(1)} k` : value.toFixed(1));
  for (const { name, median: middle, least, most } of rows) {
    console.log(`${name.padEnd(42)} ${text(middle).padStart(10)} (${text(least)}–${text(most)})`);
  }
  if (only.includes("islands"))
    for (const [name, ratio] of Object.entries(ratios))
      if (!Number.isNaN(ratio)) console.log(`${name.padEnd(42)} ${ratio.toFixed(2)}`);
}
