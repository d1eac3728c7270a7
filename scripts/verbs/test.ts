// npm test: every *.test.ts, each file in a process of its own; paths narrow them.
//
// What failed is told again at the end. The last line is always `N passed, N failed, N skipped`.

import { existsSync, globSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { LIMIT_MINUTES, runFiles } from "../tests/run-files.ts";
import { root } from "./root.ts";

const HOMES = ["src", "test", "examples", "bench", "scripts"];

const HELP = `Usage: npm test -- [PATH …] [--name PATTERN] [--concurrency N] [--limit MINUTES]

  PATH            only test files under this folder, or this file, or with this text in their path
  --name          only tests whose name matches this regular expression
  --concurrency   test files that run at the same time (2)
  --limit         a test file that takes longer hangs: it is ended, and named (10; 15 where UNUM_SEEDS is set)

A whole run gives a file that failed a second try, alone, and names it as unsteady if it passes then.

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
  const outcome = await runFiles([...new Set(files)], { ...options, again: options.paths.length === 0 });
  return outcome.failed === 0 ? 0 : 1;
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
