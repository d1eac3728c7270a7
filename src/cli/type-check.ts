// Components as the TypeScript compiler sees them. Node runs them without looking at a type, so this is asked for.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join, resolve, sep } from "node:path";
import { asError } from "../base/fault.ts";
import { UsageError } from "./usage.ts";

export interface TypeProblem {
  /** Absolute; empty where the problem is in no file. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

const CHECK_LIMIT_MS = 60_000;
const OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024;

const own = dirname(import.meta.dirname);

/** What the compiler finds in `files`. Throws a UsageError where there is no compiler, or it cannot be run. */
export async function checkTypes(folder: string, files: readonly string[]): Promise<readonly TypeProblem[]> {
  const at = resolve(folder);
  const compiler = await findCompiler(at);
  const scratch = await mkdtemp(join(tmpdir(), "unum-types-"));
  try {
    const config = join(scratch, "tsconfig.json");
    await writeFile(config, JSON.stringify(configFor(at, files)));
    return parseProblems(await runCompiler(compiler, config, at), at);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** That of the folder, so that it is the version its author chose; else Unum's own, where it is installed. */
async function findCompiler(folder: string): Promise<string> {
  for (const from of [folder, own]) {
    try {
      const manifest = createRequire(join(from, "_")).resolve("typescript/package.json");
      const { bin } = JSON.parse(await readFile(manifest, "utf8"));
      return join(dirname(manifest), bin.tsc);
    } catch {
      // Not from there.
    }
  }
  throw new UsageError(
    `types cannot be checked: no TypeScript compiler is installed for ${folder}; install one there with 'npm install --save-dev typescript'`,
  );
}

/** The folder's own settings where it has some; and what makes the imports of components found that this Unum lends. */
function configFor(folder: string, files: readonly string[]): object {
  const above = ancestors(folder);
  const settings = above.map((each) => join(each, "tsconfig.json")).find((path) => existsSync(path));
  const typeRoots = [...above, ...ancestors(own)]
    .map((each) => join(each, "node_modules", "@types"))
    .filter((path) => existsSync(path));
  return {
    ...(settings === undefined ? undefined : { extends: settings }),
    files,
    include: [],
    exclude: [],
    references: [],
    compilerOptions: {
      ...(settings === undefined ? DEFAULTS : undefined),
      noEmit: true,
      composite: false,
      incremental: false,
      allowImportingTsExtensions: true,
      typeRoots,
      types: typeRoots.some((path) => existsSync(join(path, "node"))) ? ["node"] : [],
      paths: { unum: [join(own, `index${OWN_TYPES}`)], ...protobufPaths() },
    },
  };
}

const DEFAULTS = {
  target: "esnext",
  module: "nodenext",
  lib: ["esnext"],
  strict: true,
  erasableSyntaxOnly: true,
  skipLibCheck: true,
  allowJs: true,
};

const OWN_TYPES = extname(import.meta.url) === ".ts" ? ".ts" : ".d.ts";

function protobufPaths(): Record<string, readonly string[]> {
  const entry = createRequire(import.meta.url).resolve("@bufbuild/protobuf");
  const root = join(entry.slice(0, entry.lastIndexOf(`${sep}dist${sep}`)), "dist", "esm");
  return {
    "@bufbuild/protobuf": [join(root, "index.d.ts")],
    "@bufbuild/protobuf/*": [join(root, "*", "index.d.ts")],
  };
}

function ancestors(folder: string): readonly string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...ancestors(above)];
}

function runCompiler(compiler: string, config: string, cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = [compiler, "--project", config, "--pretty", "false"];
    const options = { cwd, timeout: CHECK_LIMIT_MS, maxBuffer: OUTPUT_LIMIT_BYTES };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      // Problems are told by exit code 1 or 2; everything else is the compiler's own trouble.
      if (error === null || typeof error.code === "number") resolve(stdout + stderr);
      else reject(new UsageError(`the TypeScript compiler ${compiler} did not end well: ${asError(error).message}`));
    });
  });
}

function parseProblems(output: string, folder: string): readonly TypeProblem[] {
  const problems: TypeProblem[] = [];
  for (const line of output.split("\n")) {
    const placed = /^(.+?)\((\d+),(\d+)\): error (TS\d+: .+)$/.exec(line);
    const unplaced = /^error (TS\d+: .+)$/.exec(line);
    if (placed !== null) {
      const [, file = "", row, column, message = ""] = placed;
      problems.push({ file: resolve(folder, file), line: Number(row), column: Number(column), message });
    } else if (unplaced?.[1] !== undefined) {
      problems.push({ file: "", line: 0, column: 0, message: unplaced[1] });
    }
  }
  return problems;
}
