// A node for tests: `unum up` as a process, asked and ended through the command.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Ended, type RunOptions, start, unum } from "./unum.ts";

/** Ten times what the slowest of them takes on a free machine. */
const LIMIT_MS = 60_000;
const LOG_LINES_TOLD = 25;

export interface UpNode {
  readonly child: ChildProcess;
  /** $UNUM_HOME. */
  readonly home: string;
  /** The lines of standard output so far. */
  readonly doors: readonly string[];
  /** Standard error so far. */
  said(): string;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on what the command printed
  status(): Promise<any>;
  /** Settles with the exit code. */
  readonly ended: Promise<number | null>;
}

const nodes = new Set<UpNode>();
const homes = new Set<string>();

/** Settles when it has said its first door; rejects with what it said where it does not come up. */
export async function up(
  components: string,
  args: readonly string[],
  options: RunOptions & { home: string },
): Promise<UpNode> {
  const { home } = options;
  const child = start(["up", "--components", components, ...args], options);
  const doors: string[] = [];
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (more: string) => {
    said += more;
  });
  const ended = once(child, "exit").then(([code]) => code);
  const node: UpNode = { child, home, doors, said: () => said, status: () => statusOf(home), ended };
  nodes.add(node);
  homes.add(home);
  const lines = createInterface(child.stdout ?? assert.fail()).on("line", (line) => doors.push(line));
  const first = await Promise.race([once(lines, "line"), ended]);
  if (!Array.isArray(first)) throw new Error(`up ended with ${first}: ${said}`);
  return node;
}

/** Asks until a governor answers: one that was killed is started again in its own time, which a busy machine stretches. */
// biome-ignore lint/suspicious/noExplicitAny: tests assert on what the command printed
export async function statusOf(home: string): Promise<any> {
  const { stdout } = await until(
    "its governor answers",
    () => unum(["status", "--json"], { home }),
    ({ code }) => code === 0,
  );
  return JSON.parse(stdout);
}

/** For a home whose node goes on by itself. */
export function endLater(home: string): void {
  homes.add(home);
}

/** For `afterEach`: what the nodes have said, where the test failed. */
export function tellLogs(test: object): void {
  if ("passed" in test && test.passed === false) for (const home of homes) process.stderr.write(logsOf(home));
}

/** No process of a node is left. */
export async function endNodes(): Promise<void> {
  for (const home of homes) await killAll(home);
  homes.clear();
  nodes.clear();
}

function logsOf(home: string): string {
  const said = [...nodes].filter((node) => node.home === home).map((node) => section("up said", node.said()));
  const folder = join(home, "log");
  const logs = namesIn(folder).map((name) => section(name, readFileSync(join(folder, name), "utf8")));
  return [`── node in ${home}\n`, ...said, ...logs].join("");
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function section(name: string, text: string): string {
  const lines = text.trimEnd().split("\n").slice(-LOG_LINES_TOLD);
  return lines.map((line) => `${name} | ${line}\n`).join("");
}

/** Everything that was started with this home, and what that starts meanwhile. */
async function killAll(home: string): Promise<void> {
  await until("its processes are gone", () => {
    const pids = processesOf(home);
    for (const pid of pids) killIfThere(pid);
    return pids.length === 0;
  });
}

/** Those that run with it as $UNUM_HOME. */
function processesOf(home: string): readonly number[] {
  return processesWith((environment) => environment.includes(`\0UNUM_HOME=${home}\0`));
}

/** Those that run in such an environment: NAME=VALUE, each between two zero bytes. */
export function processesWith(isIts: (environment: string) => boolean): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => runs(pid) && isIts(`\0${environmentOf(pid)}`));
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return ""; // Gone meanwhile, or somebody else's.
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone meanwhile.
  }
}

/** Asks again until it holds; what it asks takes its time by itself. */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  holds: (answer: T) => boolean = Boolean,
): Promise<T> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    assert.ok(performance.now() < end, `${what} does not become true: ${JSON.stringify(answer)}`);
    await new Promise((soon) => setTimeout(soon, 20));
  }
}

/** Neither gone nor waiting to be taken off the list. */
export function runs(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

export function ok({ code, stderr, stdout }: Ended): string {
  assert.equal(code, 0, stderr);
  return stdout;
}
