// npm run check: everything that can be known about the checkout, and a table of what held.

import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runFiles } from "../tests/run-files.ts";
import { generate, templates } from "./generate.ts";
import { root } from "./root.ts";
import { testFiles } from "./test.ts";
import { type ToolResult, tool } from "./tools.ts";

const HELP = `Usage: npm run check -- [--no-tests]

Types, lint, rules of the house, unused code, generated code, tests with coverage.
`;

/** Percent of lines the tests reach; raised when more is reached, never lowered. */
const LEAST_LINES = 93;

const COVERAGE = join(root, "coverage");

interface Step {
  readonly name: string;
  readonly run: () => Promise<ToolResult>;
}

const STEPS: readonly Step[] = [
  { name: "types", run: () => tool("tsc", ["-p", ".", "--pretty", "false"]) },
  { name: "lint", run: () => tool("biome", ["check", "--error-on-warnings", "--max-diagnostics=50", "."]) },
  { name: "unused code", run: () => tool("knip", ["--no-progress"]) },
  { name: "proto", run: () => tool("buf", ["lint"]) },
  { name: "generated code", run: generatedIsCurrent },
  { name: "rules", run: () => tests(testFiles().filter(isRule)) },
];

const TESTS: readonly Step[] = [
  { name: "tests", run: testsUnderCoverage },
  { name: "coverage", run: coverageReached },
];

export async function run(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== "--no-tests");
  if (unknown !== undefined) {
    const asked = unknown === "--help";
    (asked ? process.stdout : process.stderr).write(
      asked ? HELP : `'${unknown}' is not an option of check.\n\n${HELP}`,
    );
    return asked ? 0 : 2;
  }
  const rows: string[] = [];
  let failed = 0;
  for (const step of [...STEPS, ...(args.includes("--no-tests") ? [] : TESTS)]) {
    const startedAt = performance.now();
    const { ok, output } = await step.run();
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    if (!ok) {
      failed++;
      process.stdout.write(`\n── ${step.name} ──\n${output}\n`);
    }
    const row = `${ok ? "passed" : "FAILED"}  ${step.name.padEnd(16)}${seconds.padStart(7)} s`;
    process.stdout.write(`${row}\n`);
    rows.push(row);
  }
  process.stdout.write(
    `\n${rows.join("\n")}\n${failed === 0 ? "All checks passed." : `${failed} of ${rows.length} checks failed.`}\n`,
  );
  return failed === 0 ? 0 : 1;
}

function isRule(file: string): boolean {
  return file === "test/layers.test.ts" || file.startsWith("test/house/");
}

async function tests(files: readonly string[]): Promise<ToolResult> {
  const { failed } = await runFiles(files);
  return { ok: failed === 0, output: "see above" };
}

/** The processes that tests start write down what they reached too. */
async function testsUnderCoverage(): Promise<ToolResult> {
  rmSync(COVERAGE, { recursive: true, force: true });
  process.env["NODE_V8_COVERAGE"] = join(COVERAGE, "raw");
  try {
    return await tests(testFiles().filter((file) => !isRule(file)));
  } finally {
    delete process.env["NODE_V8_COVERAGE"];
  }
}

async function coverageReached(): Promise<ToolResult> {
  const result = await tool("c8", [
    ...["report", "--temp-directory", join(COVERAGE, "raw"), "--reports-dir", COVERAGE, "--src", "src", "--all"],
    ...["--include", "src/**/*.ts", "--exclude", "**/*.test.ts", "--exclude", "**/gen/**", "--extension", ".ts"],
    ...["--reporter", "text-summary", "--reporter", "lcovonly", "--check-coverage", "--lines", String(LEAST_LINES)],
    ...["--functions", "0", "--branches", "0", "--statements", "0"],
  ]);
  if (result.ok) process.stdout.write(result.output);
  // One file for each process that ran; what they say is in the report.
  rmSync(join(COVERAGE, "raw"), { recursive: true });
  return result;
}

/** Generates into a folder of its own and compares, so that a check changes nothing. */
async function generatedIsCurrent(): Promise<ToolResult> {
  const folder = mkdtempSync(join(tmpdir(), "unum-generated-"));
  try {
    const stale: string[] = [];
    for (const template of templates()) {
      const generated = await generate(template, folder);
      if (!generated.ok) return generated;
      for (const output of template.outputs) {
        const fresh = contents(join(folder, output));
        const kept = contents(join(root, output));
        const differing = [...new Set([...fresh.keys(), ...kept.keys()])].filter(
          (path) => fresh.get(path) !== kept.get(path),
        );
        stale.push(...differing.map((path) => `${output}/${path}`));
      }
    }
    return { ok: stale.length === 0, output: `Differs from its .proto; run 'npm run generate': ${stale.join(", ")}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function contents(folder: string): Map<string, string> {
  return new Map(globSync("**/*.ts", { cwd: folder }).map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}
