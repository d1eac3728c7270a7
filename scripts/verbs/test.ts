// npm test: every *.test.ts, each file in a process of its own; paths narrow them.
//
// What failed is told again at the end. The last line is always `N passed, N failed, N skipped`.

import { existsSync, globSync } from "node:fs";
import { resolve } from "node:path";
import { run as runTests } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { Failures } from "./failures.ts";
import { root } from "./root.ts";

const HOMES = ["src", "test", "examples", "bench", "scripts"];

/** A test that takes longer hangs, and is named. With many seeds a test may be long. */
const LIMIT_MINUTES = process.env["UNUM_SEEDS"] === undefined ? 2 : 20;

const HELP = `Usage: npm test -- [PATH …] [--name PATTERN] [--concurrency N] [--limit MINUTES]

  PATH            only test files under this folder, or this file, or with this text in their path
  --name          only tests whose name matches this regular expression
  --concurrency   test files that run at the same time (2)
  --limit         a test that takes longer hangs, and is named (2; 20 where UNUM_SEEDS is set)

UNUM_SEEDS=N says how many seeds the simulated worlds run. Longer still, each by its own number: UNUM_JOINS (joins of flows whose
processes are killed), UNUM_KILLS (writers of the log index), UNUM_ROLLS (replacements), UNUM_DAMAGE_STEP=1 (every byte of a journal).
'npm run nightly' runs those.
`;

export async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === "number") return options;
  const files = options.paths.length === 0 ? testFiles() : options.paths.flatMap(filesUnder);
  const nowhere = options.paths.find((path) => filesUnder(path).length === 0);
  if (nowhere !== undefined) {
    process.stderr.write(
      `No test file has '${nowhere}' in its path. Test files end with .test.ts in ${HOMES.join(", ")}.\n`,
    );
    return 2;
  }
  const outcome = await runFiles([...new Set(files)], options);
  return outcome.failed === 0 ? 0 : 1;
}

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Prints as it goes, then what was skipped by name, then what failed, then the counts. */
export async function runFiles(
  files: readonly string[],
  options: { concurrency?: number; name?: string | undefined; limitMinutes?: number } = {},
): Promise<Outcome> {
  let outcome: Outcome = { passed: 0, failed: 1, skipped: 0 };
  const skipped: string[] = [];
  const events = runTests({
    cwd: root,
    files: files.map((file) => resolve(root, file)),
    concurrency: options.concurrency ?? 2,
    timeout: (options.limitMinutes ?? LIMIT_MINUTES) * 60_000,
    ...(options.name === undefined ? {} : { testNamePatterns: [new RegExp(options.name)] }),
  });
  events.on("test:pass", (test) => {
    if (test.skip !== undefined) skipped.push(`${test.name}${typeof test.skip === "string" ? `: ${test.skip}` : ""}`);
  });
  events.on("test:summary", ({ file, counts }) => {
    // Each file has a summary of its own; the one of the whole run names none.
    if (file === undefined) {
      const { tests, passed, skipped, todo } = counts;
      outcome = { passed, failed: tests - passed - skipped - todo, skipped: skipped + todo };
    }
  });
  const failures = new Failures();
  events.on("data", (event) => failures.see(event));
  for await (const text of events.compose(new spec())) process.stdout.write(text);
  for (const name of skipped) process.stdout.write(`skipped: ${name}\n`);
  for (const line of failures.lines) process.stdout.write(`${line}\n`);
  process.stdout.write(`${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped} skipped\n`);
  return outcome;
}

/** Paths from the root, with slashes. */
export function testFiles(): string[] {
  const inside = HOMES.filter((home) => existsSync(resolve(root, home)));
  return inside
    .flatMap((home) =>
      globSync(`${home}/**/*.test.ts`, { cwd: root, exclude: (path) => /node_modules|fixtures/.test(path) }),
    )
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
}

function filesUnder(path: string): string[] {
  const wanted = path.replace(/^\.\//, "");
  return testFiles().filter((file) => file.includes(wanted));
}

function readOptions(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        name: { type: "string" },
        concurrency: { type: "string", default: "2" },
        limit: { type: "string", default: String(LIMIT_MINUTES) },
        help: { type: "boolean" },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    const concurrency = Number(values.concurrency);
    if (!Number.isInteger(concurrency) || concurrency < 1)
      throw new Error(`--concurrency ${values.concurrency} is not a number of files`);
    const limitMinutes = Number(values.limit);
    if (!(limitMinutes > 0)) throw new Error(`--limit ${values.limit} is not a number of minutes`);
    return { paths: positionals, name: values.name, concurrency, limitMinutes };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return 2;
  }
}
