// What happens to the node while it is called: a container is killed, then the governor, then the component's code changes.
//
//   a quarter is done ──▶ SIGKILL a container ──another serves──▶ half is done ──▶ SIGKILL the governor
//     ──another answers, over the same containers──▶ new code ──all that serve have it──▶ over
//
// One after the other, so that what each costs is its own.

import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { sleep } from "../../../base/clock.ts";
import type { ContainerStatus, NodeStatus } from "../../../messages/gen/unum/control/v1/node_pb.ts";
import type { Door } from "../../door.ts";

export interface TroubleParts {
  readonly door: Door;
  readonly signal: AbortSignal;
  /** The file that is changed. */
  readonly source: string;
  /** Calls on their way to a container, by its id. */
  readonly inFlight: (container: string) => number;
  /** Settles when so much of the work is done, 0 to 1. */
  readonly done: (part: number) => Promise<void>;
  readonly say: (text: string) => void;
}

export interface Killed {
  readonly pid: number;
  readonly container: string;
  /** On the clock. */
  readonly at: number;
  readonly inFlight: number;
  /** Until as many served as before. */
  readonly replacedMs: number;
}

export interface GovernorKilled {
  readonly pid: number;
  readonly next: number;
  readonly at: number;
  /** Until the next one answered. */
  readonly answeredMs: number;
  /** Containers that served before, and those of them that do after. */
  readonly containers: readonly string[];
  readonly kept: readonly string[];
}

export interface Changed {
  readonly from: string;
  readonly to: string;
  readonly at: number;
  /** Until all that serve have the new code. */
  readonly doneMs: number;
  /** Those with the old code, and those with the new. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface Troubles {
  readonly kill: Killed;
  readonly governor: GovernorKilled;
  readonly change: Changed;
}

const LOOK_EVERY_MS = 25;
const ANSWER_MS = 10_000;

/** Rejects where one of them does not end as it should before the signal aborts, and says which. */
export async function makeTrouble(parts: TroubleParts): Promise<Troubles> {
  await parts.done(0.25);
  const kill = await killContainer(parts);
  await parts.done(0.5);
  const governor = await killGovernor(parts);
  const change = await changeCode(parts);
  return { kill, governor, change };
}

async function killContainer({ door, signal, inFlight, say }: TroubleParts): Promise<Killed> {
  const { clock } = door.env;
  const before = serving(await door.status({ ttlMs: ANSWER_MS, signal }));
  // The one with most calls under way, so that the kill hurts.
  const [victim] = [...before].sort((a, b) => inFlight(b.id) - inFlight(a.id));
  if (victim === undefined) throw new Error("no container serves");
  const { id, pid } = victim;
  const calls = inFlight(id);
  const at = clock.now();
  process.kill(pid, "SIGKILL");
  say(`  kill -9 ${pid}: container ${id}, with ${calls} calls in flight`);
  const replaced = (status: NodeStatus) =>
    status.containers.every((each) => each.id !== id) && serving(status).length >= before.length;
  await until(`another container takes the place of ${id}`, replaced, door, signal);
  return { pid, container: id, at, inFlight: calls, replacedMs: clock.now() - at };
}

async function killGovernor({ door, signal, say }: TroubleParts): Promise<GovernorKilled> {
  const { clock } = door.env;
  const before = await door.status({ ttlMs: ANSWER_MS, signal });
  const containers = serving(before).map(({ id }) => id);
  const at = clock.now();
  process.kill(before.pid, "SIGKILL");
  say(`  kill -9 ${before.pid}: the governor`);
  const next = await until("another governor answers", ({ pid }) => pid !== before.pid, door, signal);
  const answeredMs = clock.now() - at;
  const isBack = (status: NodeStatus) => serving(status).length >= containers.length;
  const kept = serving(await until("its containers serve", isBack, door, signal)).map(({ id }) => id);
  return {
    ...{ pid: before.pid, next: next.pid, at, answeredMs, containers },
    kept: containers.filter((id) => kept.includes(id)),
  };
}

async function changeCode({ door, signal, source, say }: TroubleParts): Promise<Changed> {
  const { clock } = door.env;
  const status = await door.status({ ttlMs: ANSWER_MS, signal });
  const before = serving(status).map(({ id }) => id);
  const at = clock.now();
  const { from, to } = await newVersion(source);
  say(`  ${basename(source)} is changed: version ${from} becomes ${to}`);
  const isDone = (now: NodeStatus) =>
    now.replacement === "" && serving(now).length > 0 && serving(now).every(({ components }) => has(components, to));
  const after = serving(await until("all that serve have the new code", isDone, door, signal)).map(({ id }) => id);
  return { from, to, at, doneMs: clock.now() - at, before, after };
}

function has(components: ContainerStatus["components"], version: string): boolean {
  return components.some((each) => each.version === version);
}

const VERSION = /version: "(\d+)\.(\d+)\.(\d+)"/;

/** Writes the next version into the file, as a deployment would. */
async function newVersion(source: string): Promise<{ from: string; to: string }> {
  const text = await readFile(source, "utf8");
  const [, major, minor, patch] = VERSION.exec(text) ?? [];
  if (minor === undefined) throw new Error(`${source} says no version: "X.Y.Z" that could be raised`);
  const to = `${major}.${Number(minor) + 1}.0`;
  await writeFile(source, text.replace(VERSION, `version: "${to}"`));
  return { from: `${major}.${minor}.${patch}`, to };
}

function serving({ containers }: NodeStatus): readonly ContainerStatus[] {
  return containers.filter(({ state }) => state === "serving");
}

async function until(
  what: string,
  holds: (status: NodeStatus) => boolean,
  door: Door,
  signal: AbortSignal,
): Promise<NodeStatus> {
  const { clock } = door.env;
  for (;;) {
    // While its governor is away nobody answers.
    const status = await door.status({ ttlMs: ANSWER_MS, signal }).catch(() => undefined);
    if (signal.aborted) throw new Error(`given up while waiting: ${what}`);
    if (status !== undefined && holds(status)) return status;
    await sleep(clock, LOOK_EVERY_MS, signal).catch(() => {});
  }
}
