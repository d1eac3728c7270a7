// The benchmark of calls: ours beside others', the same work, in turns. `npm run bench -- call --help` says how to run it.

import { type Arguments, HELP, readArguments } from "./harness/arguments.ts";
import { Child } from "./harness/child.ts";
import { thisMachine } from "./harness/machine.ts";
import { reportOf } from "./harness/report.ts";
import { jsonOf, type Result, refusalsOf } from "./harness/result.ts";
import type { Row } from "./harness/row.ts";
import { type Subject, startLocal, startPair } from "./harness/subject.ts";
import { targetsOf } from "./harness/target.ts";
import { directRow } from "./rows/direct.ts";
import { type MemoryOutcome, memoryOf } from "./rows/memory.ts";
import { mainCells, pairRow, tableCells } from "./rows/pairs.ts";
import { depthOf } from "./rows/plans.ts";

const METHOD = `Median (least–most) of interleaved rounds: each round does the same number of calls with one system after the other,
and counts only if exactly those calls ran on the called side and every reply was what was sent. CPU is that of both
processes. Unum: full envelope, deadline, limits, text payload; Moleculer: TCP transporter, JSON, requestTimeout, text
payload; zeromq: DEALER and ROUTER over ipc with an id and a bytes payload; bare: length-prefixed bytes on a Unix socket.`;

/** Why a system has no calls within one process. */
const NO_LOCAL = "it only speaks between processes";

async function bench(given: Arguments): Promise<Result> {
  const machine = thisMachine();
  const depth = depthOf(given);
  const rows: Row[] = [];
  const memory = new Map<string, MemoryOutcome>();
  const nodeArguments = given.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${given.profile}`];
  const local = (name: string) => startLocal(name, nodeArguments);
  const pair = (name: string) => startPair(name, nodeArguments);
  const wanted = ({ inFlight }: { inFlight: number }) => given.inFlight === undefined || given.inFlight === inFlight;
  const has = (row: string) => given.rows.some((name) => name === row);

  if (has("memory")) {
    for (const name of given.systems) {
      progress(`memory, ${name}`);
      memory.set(name, await memoryOf(name));
    }
  }
  if (has("direct")) {
    await withSubjects(given.systems.filter(isLocal), local, async (subjects) => {
      const leftOut = new Map(given.systems.filter((name) => !isLocal(name)).map((name) => [name, NO_LOCAL]));
      for (const { inFlight } of [{ inFlight: 1 }, { inFlight: 64 }].filter(wanted)) {
        progress(`direct, ${inFlight} in flight`);
        rows.push(await directRow(subjects, leftOut, { inFlight, depth }));
      }
    });
  }
  if (has("pair") || has("sizes")) {
    await withSubjects(given.systems, pair, async (subjects) => {
      for (const cell of has("pair") ? mainCells().filter(wanted) : []) {
        progress(`two processes, ${cell.sizeBytes} B, ${cell.inFlight} in flight`);
        rows.push(await pairRow("pair", subjects, new Map(), { cell, depth }));
      }
      for (const cell of has("sizes") ? tableCells().filter(wanted) : []) {
        progress(`two processes, ${cell.sizeBytes} B, ${cell.inFlight} in flight`);
        rows.push(await pairRow("sizes", subjects, new Map(), { cell, depth }));
      }
    });
  }
  return { machine, method: METHOD, rounds: given.rounds, rows, memory, targets: targetsOf(rows) };
}

function isLocal(name: string): boolean {
  return name === "unum" || name === "moleculer";
}

async function withSubjects(
  names: readonly string[],
  start: (name: string) => Promise<Subject>,
  use: (subjects: readonly Subject[]) => Promise<void>,
): Promise<void> {
  const subjects: Subject[] = [];
  try {
    for (const name of names) subjects.push(await start(name).catch((thrown) => neverStarted(name, thrown)));
    await use(subjects);
  } finally {
    for (const subject of subjects) await subject.end();
  }
}

/** Its rows are refused with the reason, and the others are measured. */
function neverStarted(name: string, why: unknown): Subject {
  return { name, measure: () => Promise.reject(why), end: async () => {} };
}

function progress(what: string): void {
  console.error(`measuring: ${what} …`);
}

async function main(): Promise<number> {
  let given: Arguments;
  try {
    given = readArguments(process.argv.slice(2));
  } catch (thrown) {
    console.error(`${thrown instanceof Error ? thrown.message : thrown}\n\n${HELP}`);
    return 2;
  }
  if (given.help) {
    console.log(HELP);
    return 0;
  }
  const result = await bench(given);
  console.log(given.json ? jsonOf(result) : reportOf(result));
  return refusalsOf(result).length === 0 ? 0 : 1;
}

process.on("exit", () => Child.killAll());
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

process.exitCode = await main();
