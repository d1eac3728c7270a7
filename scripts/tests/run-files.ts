// Runs test files, each in a process of its own, and tells what was skipped, what failed, and how many passed.

import { join, relative, resolve } from "node:path";
import { run as runTests } from "node:test";
import { spec } from "node:test/reporters";
import { root } from "../verbs/root.ts";
import { Failures } from "./failures.ts";
import { watchTestFiles } from "./watchdog.ts";

/** A test that takes longer hangs, and so does a file. With many seeds it may be long. */
export const LIMIT_MINUTES = process.env["UNUM_SEEDS"] === undefined ? 10 : 15;

/** The test that hangs fails first, by its name. */
const NAMED_MS = 5_000;

/** More files than this do not fail by chance. */
const AGAIN_FILES = 12;

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface RunFilesOptions {
  readonly concurrency?: number;
  readonly name?: string | undefined;
  /**
   * A file that failed is run once more, alone, when all others are through: what passes then is told as unsteady, by name, and
   * does not count as failed. For whole suites on machines that others use, too.
   */
  readonly again?: boolean;
  readonly limitMinutes?: number;
}

/** Prints as it goes, then what was skipped by name, then what failed, then the counts. */
export async function runFiles(files: readonly string[], options: RunFilesOptions = {}): Promise<Outcome> {
  const once = await runOnce(files, options);
  const failed = [...once.outcomes].filter(([, { failed }]) => failed > 0).map(([file]) => file);
  if (!options.again || failed.length === 0 || failed.length > AGAIN_FILES) return tell(once, []);
  tell(once, []);
  process.stdout.write(`\n── once more, alone: ${failed.join(", ")} ──\n`);
  const again = await runOnce(failed, { ...options, concurrency: 1 });
  const unsteady = failed.filter((file) => again.outcomes.get(file)?.failed === 0);
  const outcomes = new Map([...once.outcomes, ...again.outcomes]);
  const skipped = [...once.skipped.filter(({ file }) => !failed.includes(file)), ...again.skipped];
  return tell({ outcomes, skipped, failures: again.failures, said: again.said }, unsteady);
}

interface Ran {
  /** Of every file, by its path from the root. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly skipped: readonly { readonly file: string; readonly text: string }[];
  readonly failures: Failures;
  /** Of files that did not end, and of what others left behind. */
  readonly said: readonly string[];
}

async function runOnce(files: readonly string[], options: RunFilesOptions): Promise<Ran> {
  const outcomes = new Map<string, Outcome>();
  const skipped: { file: string; text: string }[] = [];
  const failures = new Failures();
  const said: string[] = [];
  const say = (line: string) => {
    said.push(line);
    process.stdout.write(`${line}\n`);
  };
  const limitMs = (options.limitMinutes ?? LIMIT_MINUTES) * 60_000;
  const events = runTests({
    cwd: root,
    files: files.map((file) => resolve(root, file)),
    concurrency: options.concurrency ?? 2,
    timeout: limitMs,
    execArgv: ["--import", join(import.meta.dirname, "ends.ts")],
    ...(options.name === undefined ? {} : { testNamePatterns: [new RegExp(options.name)] }),
  });
  // Counted as they come: a file that is killed has no summary of its own.
  const count = (file: string | undefined, kind: keyof Outcome) => {
    const path = pathOf(file);
    const before = outcomes.get(path) ?? { passed: 0, failed: 0, skipped: 0 };
    outcomes.set(path, { ...before, [kind]: before[kind] + 1 });
  };
  events.on("test:pass", ({ file, name, skip, todo, details }) => {
    if (details.type === "suite") return;
    count(file, skip === undefined && todo === undefined ? "passed" : "skipped");
    if (skip !== undefined) {
      skipped.push({ file: pathOf(file), text: `${name}${typeof skip === "string" ? `: ${skip}` : ""}` });
    }
  });
  events.on("test:fail", ({ file, todo, details }) => {
    if (details.type !== "suite") count(file, todo === undefined ? "failed" : "skipped");
  });
  events.on("data", (event) => failures.see(event));
  const unwatch = watchTestFiles({ limitMs: limitMs + NAMED_MS, say });
  try {
    for await (const text of events.compose(new spec())) process.stdout.write(text);
  } finally {
    unwatch();
  }
  return { outcomes, skipped, failures, said };
}

function tell({ outcomes, skipped, failures, said }: Ran, unsteady: readonly string[]): Outcome {
  const sum = (count: keyof Outcome) => [...outcomes.values()].reduce((total, each) => total + each[count], 0);
  const outcome = { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
  for (const { text } of skipped) process.stdout.write(`skipped: ${text}\n`);
  for (const line of said) process.stdout.write(`${line}\n`);
  for (const file of unsteady) process.stdout.write(`unsteady: ${file} failed among others and passed alone\n`);
  for (const line of failures.lines) process.stdout.write(`${line}\n`);
  process.stdout.write(`${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped} skipped\n`);
  return outcome;
}

function pathOf(file: string | undefined): string {
  return file === undefined ? "(no file)" : relative(root, file).replaceAll("\\", "/");
}
