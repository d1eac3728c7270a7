// npm run nightly: the tests that take too long for every change, each with the numbers that the promises speak of.

import { join } from "node:path";
import { handOver } from "../ready/hand-over.mjs";
import { root } from "./root.ts";

interface Long {
  readonly does: string;
  /** A test file, and what makes it long. */
  readonly test: string;
  readonly env: Readonly<Record<string, string>>;
  /** One test of it that takes longer than this hangs. */
  readonly limitMinutes: number;
}

const LONG: Readonly<Record<string, Long>> = {
  joins: {
    does: "10,000 joins of a flow while its containers and its router are killed",
    test: "test/flows/kills.test.ts",
    env: { UNUM_JOINS: "10000" },
    limitMinutes: 240,
  },
  damage: {
    does: "a flow's journal cut and flipped at every byte",
    test: "test/flows/sqlite-journal.test.ts",
    env: { UNUM_DAMAGE_STEP: "1" },
    limitMinutes: 240,
  },
  rolls: {
    does: "100 rolling replacements under load",
    test: "test/governor/rolling.test.ts",
    env: { UNUM_ROLLS: "100" },
    limitMinutes: 20,
  },
  kills: {
    does: "200 kills of a log index's writer",
    test: "test/log-index/kill.test.ts",
    env: { UNUM_KILLS: "200" },
    limitMinutes: 60,
  },
};

const HELP = `Usage: npm run nightly -- [NAME …]

Without a name all of them, one after the other; hours.

${Object.entries(LONG)
  .map(([name, { does, test, env }]) => `  ${name.padEnd(8)}${does}\n          ${said(env)} npm test -- ${test}`)
  .join("\n")}
`;

export async function run(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(HELP);
    return 0;
  }
  const unknown = args.find((name) => !Object.hasOwn(LONG, name));
  if (unknown !== undefined) {
    process.stderr.write(`There is no long test '${unknown}'.\n\n${HELP}`);
    return 2;
  }
  const failed: string[] = [];
  for (const [name, each] of Object.entries(LONG)) {
    if (args.length > 0 && !args.includes(name)) continue;
    process.stdout.write(`== ${name}: ${each.does}\n`);
    const startedAt = performance.now();
    const ended = await test(each);
    process.stdout.write(
      `== ${name}: ${ended === 0 ? "ok" : "FAILED"}, ${Math.round((performance.now() - startedAt) / 1_000)} s\n`,
    );
    // Who interrupts it wants none of the others either.
    if (ended > 128) return ended;
    if (ended !== 0) failed.push(name);
  }
  process.stdout.write(failed.length === 0 ? "nothing failed\n" : `failed: ${failed.join(", ")}\n`);
  return failed.length === 0 ? 0 : 1;
}

function test({ test: file, env, limitMinutes }: Long): Promise<number> {
  const args = [join(root, "scripts", "ready.mjs"), "test", file, "--limit", String(limitMinutes)];
  return handOver(process.execPath, args, { cwd: root, env: { ...process.env, ...env } });
}

function said(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
