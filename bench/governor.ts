// The benchmark of governors and their containers, of real processes. `npm run bench -- governor --help` says how to run it.

import { writeSync } from "node:fs";
import { loadavg } from "node:os";
import { type Arguments, HELP, readArguments } from "./governor/arguments.ts";
import type { RowResult } from "./governor/figure.ts";
import { endNodes } from "./governor/node.ts";
import { jsonOf, type Report, reportOf } from "./governor/report.ts";
import { ROWS } from "./governor/rows/index.ts";
import { Child } from "./harness/child.ts";
import { thisMachine } from "./harness/machine.ts";

const METHOD = `Real governors and containers, each row on nodes of its own. Median (least–most) of the rounds; what is compared is
measured in turns within each round, and a row in which something else happened than was intended is refused. Times are by
the clock of this process, so they are those of this machine under the load that stands beside them (runnable processes, mean
of a minute, before and after the row). Containers find their code compiled by the one before, as on a node that has run for a second.`;

/** Settles when all rows are in `rows`; before, those that were measured so far are. */
async function bench({ rounds, quick, rows: names }: Arguments, rows: RowResult[]): Promise<void> {
  for (const name of names) rows.push(await measured(name, { rounds, quick }));
}

async function measured(name: string, depth: { rounds: number; quick: boolean }): Promise<RowResult> {
  const before = load();
  const row = ROWS[name];
  if (row === undefined) throw new Error(`no row '${name}'`);
  const outcome: RowResult["outcome"] = await row(depth, progress).then(
    (figures) => ({ kind: "measured", figures }),
    (thrown: unknown) => ({ kind: "refused", reason: thrown instanceof Error ? thrown.message : String(thrown) }),
  );
  if (outcome.kind === "refused") progress(`${name} is refused: ${outcome.reason}`);
  return { row: name, load: [before, load()], outcome };
}

function load(): number {
  return loadavg()[0] ?? 0;
}

function progress(what: string): void {
  process.stderr.write(`measuring: ${what} …\n`);
}

async function main(): Promise<number> {
  let given: Arguments;
  try {
    given = readArguments(process.argv.slice(2));
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : thrown}\n\n${HELP}\n`);
    return 2;
  }
  if (given.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const rows: RowResult[] = [];
  const report: Report = { method: METHOD, machine: thisMachine(), rounds: given.rounds, rows };
  let isOver = false;
  const tell = () => writeSync(1, `${given.json ? jsonOf(report) : reportOf(report)}\n`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      // Rows take minutes: what was measured before the interruption is not lost. What is under way now ends with its nodes.
      isOver = true;
      if (rows.length > 0) tell();
      void endNodes().finally(() => process.exit(130));
    });
  }
  await bench(given, rows);
  if (isOver) return 130;
  tell();
  return rows.some(({ outcome }) => outcome.kind === "refused") ? 1 : 0;
}

process.on("exit", () => Child.killAll());
process.exit(await main());
