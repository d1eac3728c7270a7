// Test files that do not end are ended, with all they started: Node's runner waits for a file for ever, whatever its limit for
// a test, while its process lives.

import { relative } from "node:path";
import { root } from "../verbs/root.ts";
import { descendants, holdersOf, kill, lineOf, outputOf, type Process, processes } from "./processes.ts";

const EVERY_MS = 2_000;

export interface WatchdogOptions {
  readonly limitMs: number;
  readonly say: (line: string) => void;
}

/** Watches the test files that this process has as children until it is told to stop. Linux only: elsewhere it sees none. */
export function watchTestFiles(options: WatchdogOptions): () => void {
  const since = new Map<number, number>();
  const timer = setInterval(() => {
    const all = processes();
    endLate(all, since, options);
  }, EVERY_MS);
  return () => clearInterval(timer);
}

/** Files whose process lives longer than they may, with all below it. */
function endLate(all: readonly Process[], since: Map<number, number>, { limitMs, say }: WatchdogOptions): void {
  for (const child of all.filter(({ parent }) => parent === process.pid)) {
    const file = child.command.split(" ").findLast((word) => /\.test\.[mc]?[jt]s$/.test(word));
    if (file === undefined || longSeen(since, child.pid) < limitMs) continue;
    const below = descendants(child.pid, all);
    const withThem = below.length === 0 ? "" : `, with ${below.map(lineOf).join("; ")}`;
    say(`killed: ${relative(root, file)} did not end within ${Math.round(limitMs / 1000)} s${withThem}`);
    const output = outputOf(child.pid);
    kill([child, ...below, ...(output?.startsWith("socket:") ? holdersOf(output, all) : [])]);
  }
  forget(since, all);
}

/** For how many milliseconds this process was seen. */
function longSeen(since: Map<number, number>, pid: number): number {
  const now = performance.now();
  const first = since.get(pid) ?? now;
  since.set(pid, first);
  return now - first;
}

function forget(since: Map<number, number>, those: readonly Process[]): void {
  const there = new Set(those.map(({ pid }) => pid));
  for (const pid of since.keys()) if (!there.has(pid)) since.delete(pid);
}
