// A node coming up: the process of its governor, and its first answers.

import { sleep } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";
import type { SpawnSettings, WatchedProcess } from "../../base/processes.ts";
import type { NodeStatus } from "../../messages/gen/unum/control/v1/node_pb.ts";
import type { Door } from "../door.ts";
import { logLineText, parseLogLine } from "../log-line.ts";
import { LogTail } from "../log-tail.ts";
import { GOVERNOR_PROGRAM, type GovernorStart, QUICKLY } from "../process/governor-start.ts";
import type { Terminal } from "../terminal.ts";

export function governorProcess(start: GovernorStart, logPath: string): SpawnSettings {
  return {
    program: process.execPath,
    arguments: [...QUICKLY, GOVERNOR_PROGRAM, JSON.stringify(start)],
    environment: ownEnvironment(),
    folder: process.cwd(),
    logPath,
  };
}

export function ownEnvironment(): Record<string, string> {
  const given = Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return Object.fromEntries(given);
}

/** How long a governor may take to answer at its door. */
export const START_LIMIT_MS = 30_000;
/** How long its first containers may take then; what they do later is told as it happens. */
export const SETTLE_LIMIT_MS = 15_000;
const AGAIN_MS = 50;
const ONE_ANSWER_MS = 2_000;

export type Beginning =
  | { readonly kind: "answers"; readonly status: NodeStatus }
  | { readonly kind: "ended" }
  | { readonly kind: "silent" }
  | { readonly kind: "interrupted" };

export interface Expected {
  /** Whether an answer is its own, and not that of one that ends. */
  readonly isNew: (status: NodeStatus) => boolean;
  readonly signal: AbortSignal;
  /** How long until the first such answer. */
  readonly limitMs: number;
}

/** `starting`: who ends where it fails. */
export async function beginningOf(
  door: Door,
  starting: Pick<WatchedProcess, "exited" | "isRunning">,
  { isNew, signal, limitMs }: Expected,
): Promise<Beginning> {
  const { clock } = door.env;
  const over = new AbortController();
  void starting.exited.then(() => over.abort());
  const until = AbortSignal.any([signal, over.signal]);
  const answerBy = clock.now() + limitMs;
  let settleBy = Number.POSITIVE_INFINITY;
  for (;;) {
    const status = await door.status({ ttlMs: ONE_ANSWER_MS, signal: until }).catch(ignoreFault);
    if (signal.aborted) return { kind: "interrupted" };
    if (!starting.isRunning()) return { kind: "ended" };
    const now = clock.now();
    if (status !== undefined && isNew(status)) {
      settleBy = Math.min(settleBy, now + SETTLE_LIMIT_MS);
      if (isSettled(status) || now >= settleBy) return { kind: "answers", status };
    } else if (now >= answerBy) return { kind: "silent" };
    await sleep(clock, AGAIN_MS, until).catch(() => {});
  }
}

/** Something serves, or it is known why nothing does. */
function isSettled({ containers, problems, limits, folder }: NodeStatus): boolean {
  if (folder === "") return true;
  return problems.length > 0 || limits?.containers === 0 || containers.some(({ state }) => state === "serving");
}

function ignoreFault(error: unknown): undefined {
  if (!(error instanceof Fault)) throw error;
  return undefined;
}

const TAIL_LINES = 15;

/** What a process that did not come up wrote last. */
export async function sayLogTail(path: string, { say, tint }: Terminal): Promise<void> {
  const lines = await new LogTail(path).last(TAIL_LINES);
  if (lines.length === 0) return;
  say(`the last lines of ${path}:`);
  for (const line of lines) say(`  ${logLineText(parseLogLine(line), tint)}`);
}
