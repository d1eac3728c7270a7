// A node kept by this process, in the foreground.
//
//   lock ──▶ governor ──answers──▶ announced ──▶ its events are told ──Ctrl-C, or drained by its door──▶ every process ended
//
// Invariants
//   U1. When this ends, none of the node's processes is left: also where its governor was not there to end them.

import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "../../base/env.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Processes } from "../../base/processes.ts";
import { Keeper } from "../../governor/keeper.ts";
import type { NodeStatus } from "../../messages/gen/unum/control/v1/node_pb.ts";
import { systemDisk } from "../../system/disk.ts";
import { systemProcesses } from "../../system/processes.ts";
import { type Door, openDoor } from "../door.ts";
import { drainAt, SLACK_MS } from "../drain-node.ts";
import { formatMs } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import { aborted, type Interrupt, onInterrupt } from "../interrupt.ts";
import { type TakenLock, takeKeeperLock } from "../keeper-lock.ts";
import { endLeftovers, forgetEnded, leftoversOf, runningIn } from "../leftovers.ts";
import { counted } from "../node-text.ts";
import type { Terminal } from "../terminal.ts";
import { announce, inviteFirst, sayFailed, sayHeld, sayOrphan } from "./announce.ts";
import { beginningOf, governorProcess, START_LIMIT_MS, sayLogTail } from "./beginning.ts";
import { nodeIdOf } from "./node-id.ts";
import { removeOldLogs } from "./old-logs.ts";
import type { Plan } from "./plan.ts";
import { tellEvents } from "./tell-events.ts";

/** What a governor's log may take, and as much again for what was before. */
const LOG_LIMIT_BYTES = 4 * 2 ** 20;
const LOOK_AT_LOGS_MS = 30_000;

export async function keepHere(plan: Plan, env: Env, terminal: Terminal): Promise<number> {
  const processes = systemProcesses(env.clock);
  const lock = await takeKeeperLock(plan.folder, processes, env.clock);
  if (lock.kind === "held") return sayHeld(lock.by, plan, terminal);
  const door = await openDoor();
  try {
    const orphan = await door.status({ ttlMs: ANSWER_MS }).catch(() => undefined);
    if (orphan !== undefined) return sayOrphan(orphan, plan, terminal);
    return await keep({ plan, env, door, lock, processes, keeper: keeperOf(plan, env, processes), terminal });
  } finally {
    await door.close();
    lock.release();
  }
}

/** How long a governor may take to say that it is there. */
const ANSWER_MS = 2_000;

interface Kept {
  readonly plan: Plan;
  readonly env: Env;
  readonly door: Door;
  readonly lock: TakenLock;
  readonly processes: Processes;
  readonly keeper: Keeper;
  readonly terminal: Terminal;
}

function keeperOf(plan: Plan, env: Env, processes: Processes): Keeper {
  const { folder, run, logs, listen, network, tls, limits, graceMs, idleMs, plugins, machine, log } = plan;
  const keeper = { pid: process.pid, startTime: processes.startTimeOf(process.pid) ?? "" };
  const start = {
    ...{ id: nodeIdOf(run, env.random), run, logs, folder, listen, limits, graceMs, plugins, machine, keeper, log },
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(network === undefined ? {} : { network }),
    ...(tls === undefined ? {} : { tls }),
  };
  return new Keeper({
    ...{ clock: env.clock, random: env.random, log: env.log, processes },
    governor: (restarts) => governorProcess({ ...start, restarts }, governorLog(plan)),
  });
}

async function keep(kept: Kept): Promise<number> {
  const { plan, env, door, lock, keeper, terminal } = kept;
  const interrupt = onInterrupt(() => void endAtOnce(kept), plan.untilStdinEnds ? { stdin: process.stdin } : {});
  const governor = await keeper.start();
  const isNew = ({ pid }: NodeStatus) => pid === governor.id.pid;
  const { signal } = interrupt;
  const beginning = await beginningOf(door, governor, { isNew, signal, limitMs: START_LIMIT_MS });
  if (beginning.kind === "ended" || beginning.kind === "silent") {
    keeper.kill();
    await clear(kept, 0);
    await sayLogTail(governorLog(plan), terminal);
    const limit = formatMs(START_LIMIT_MS);
    const why = beginning.kind === "ended" ? "ended while it started" : `did not answer at its door within ${limit}`;
    return sayFailed(`the node does not come up: its governor ${why}`, plan, terminal);
  }
  const ended = keeper.keep();
  lock.markUp();
  const over = new AbortController();
  const telling = beginning.kind === "answers" ? told(beginning.status, kept, over.signal) : undefined;
  const capping = capLogs(kept, over.signal);
  await Promise.race([ended, aborted(interrupt.signal)]);
  const left = interrupt.signal.aborted ? await drained(kept, interrupt, ended) : 0;
  over.abort();
  await Promise.all([telling, capping]);
  const killed = await clear(kept, plan.graceMs);
  interrupt.release();
  const lost = left + killed;
  if (lost === 0) env.log.write("info", "the node has ended");
  else env.log.write("warn", "the node has ended before its calls had", { left, killed });
  return lost === 0 ? EXIT.ok : EXIT.failed;
}

async function told(status: NodeStatus, { plan, door, env, terminal }: Kept, signal: AbortSignal): Promise<void> {
  announce(status, process.pid, plan, terminal);
  await inviteFirst(plan, door, terminal);
  return tellEvents(door, status, (level, text) => env.log.write(level, text), signal);
}

/** Settles with the calls that were left, when the governor has ended. */
async function drained(
  { plan, env, door, keeper }: Kept,
  { signal }: Interrupt,
  ended: Promise<unknown>,
): Promise<number> {
  const { graceMs } = plan;
  const why = asError(signal.reason).message;
  env.log.write("info", `${why}: draining, at most ${formatMs(graceMs)}; again to end at once`);
  keeper.end();
  let left = 0;
  try {
    // One that stands still would not be told before the grace is over.
    await door.status({ ttlMs: ANSWER_MS });
    left = await drainAt(door, "", graceMs);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    env.log.write("warn", `the governor cannot be told, and is killed: ${error.message}`);
    keeper.kill();
  }
  const timer = env.clock.after(graceMs + SLACK_MS, () => keeper.kill());
  await ended;
  timer.cancel();
  return left;
}

/** Ends what the governor did not. Settles with how many containers had to be killed, or are left. */
async function clear({ plan, env, keeper }: Kept, graceMs: number): Promise<number> {
  await keeper.governor?.exited;
  await forgetEnded(plan.run, env);
  const leftovers = await leftoversOf(plan.run, env);
  if (leftovers.length === 0) return 0;
  env.log.write("warn", `${counted(leftovers.length, "container")} outlived the governor; draining`);
  const { killed, remaining } = await endLeftovers(plan.run, leftovers, { env, graceMs });
  for (const { id } of killed) env.log.write("warn", `container ${id} did not end and was killed`);
  for (const { id, process: left } of remaining)
    env.log.write("error", `container ${id} (process ${left.id.pid}) was killed and is still there`);
  return killed.length + remaining.length;
}

/** The second Ctrl-C. */
async function endAtOnce({ plan, env, keeper }: Kept): Promise<void> {
  keeper.kill();
  env.clock.after(AT_ONCE_MS, () => process.exit(EXIT.interrupted));
  for (const { address, process: container } of await leftoversOf(plan.run, env)) {
    container.signal("SIGKILL");
    rmSync(address.slice("ipc://".length), { force: true });
  }
  rmSync(join(plan.run, "door.sock"), { force: true });
  rmSync(join(plan.run, "keeper.lock"), { force: true });
  process.exit(EXIT.interrupted);
}

const AT_ONCE_MS = 1_000;

/** The governor cuts those of its containers; who starts it cuts its own, and this process's where that is a file. */
async function capLogs({ plan, env }: Kept, signal: AbortSignal): Promise<void> {
  const say = (error: unknown) => env.log.write("warn", asError(error).message);
  while (!signal.aborted) {
    for (const path of [governorLog(plan), join(plan.logs, "keeper.log")]) {
      await systemDisk().capLog(path, LOG_LIMIT_BYTES).catch(say);
    }
    const running = new Set(await runningIn(plan.run, env));
    await removeOldLogs(plan.logs, running).catch(say);
    const next = Promise.withResolvers<void>();
    const timer = env.clock.after(LOOK_AT_LOGS_MS, next.resolve);
    signal.addEventListener("abort", () => next.resolve(), { once: true });
    await next.promise;
    timer.cancel();
  }
}

function governorLog({ logs }: Plan): string {
  return join(logs, "governor.log");
}
