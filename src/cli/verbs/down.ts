// unum down: ends the node of this working folder, and waits until its processes are gone.

import { Fault } from "../../base/fault.ts";
import type { WatchedProcess } from "../../base/processes.ts";
import { systemProcesses } from "../../system/processes.ts";
import { type Door, withDoor } from "../door.ts";
import { drainAt, graceOption, SLACK_MS } from "../drain-node.ts";
import { formatMs } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import { endLeftovers, leftoversOf, runningIn } from "../leftovers.ts";
import { counted } from "../node-text.ts";
import { runFolder } from "../run-folder.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

export interface DownFlags {
  readonly grace: number;
  readonly json?: boolean;
}

/** What runs though it was told to end. */
interface Remaining {
  /** keeper, governor, or which container. */
  readonly what: string;
  readonly pid: number;
}

/** How long a governor may take to say that it is there. */
const ANSWER_MS = 2_000;

export function addDown({ program, terminal, end }: Stage): void {
  program
    .command("down")
    .summary("end the node of this working folder")
    .description(
      "Ends the node of this working folder: its containers after their calls, then governor and keeper. Waits until all of its processes are gone, and says which are not: it takes at most twice the grace, and a minute.",
    )
    .addOption(graceOption("how long calls may take to end; what goes on after it is killed"))
    .option("--json", "how many calls were left, and what had to be killed or is left, as one JSON object")
    .addHelpText(
      "after",
      examples(["unum down", "unum down --grace 2m", "unum down --grace 0ms                     # now"]),
    )
    .addHelpText(
      "after",
      `
Exit codes:
  0    ended: every call had its end
  1    calls were left when the grace ended, or a process is left
  2    usage: wrong arguments
  3    unreachable: no node runs here`,
    )
    .action(async (flags: DownFlags) => end(await withDoor({}, (door) => down(door, flags, terminal))));
}

interface Found {
  readonly keeper: WatchedProcess | undefined;
  readonly governor: WatchedProcess | undefined;
}

export async function down(door: Door, flags: DownFlags, terminal: Terminal): Promise<number> {
  const { env } = door;
  const found = await find(door);
  const running = await runningIn(runFolder(), env);
  if (found.keeper === undefined && found.governor === undefined && running.length === 0) {
    throw new Fault("undeliverable", `no node runs here: nobody answers at ${door.address}`);
  }
  if (!flags.json) terminal.say(`draining ${counted(running.length, "container")}, at most ${formatMs(flags.grace)}`);
  const left = await tell(door, found, flags.grace);
  // A keeper ends what its governor leaves; so it may take as long again.
  const still = await goneBy(door, found, 2 * (flags.grace + SLACK_MS));
  // Those are the keeper's to end while it is there.
  const leftovers = await leftoversOf(runFolder(), env);
  const ended =
    still.length > 0
      ? { killed: [], remaining: leftovers }
      : await endLeftovers(runFolder(), leftovers, { env, graceMs: flags.grace });
  const remaining = [
    ...still,
    ...ended.remaining.map(({ id, process }) => ({ what: `container ${id}`, pid: process.id.pid })),
  ];
  const killed = ended.killed.map(({ id }) => id);
  if (flags.json) terminal.print(JSON.stringify({ left, killed, remaining }));
  else sayEnd({ left, killed, remaining, graceMs: flags.grace }, terminal);
  return left === 0 && killed.length === 0 && remaining.length === 0 ? EXIT.ok : EXIT.failed;
}

async function find(door: Door): Promise<Found> {
  const processes = systemProcesses(door.env.clock);
  const kept = door.keeper();
  const keeper = kept && processes.adopt(kept);
  const status = await door.status({ ttlMs: ANSWER_MS }).catch((error) => {
    if (!(error instanceof Fault)) throw error;
    return undefined;
  });
  const startTime = status && processes.startTimeOf(status.pid);
  const governor =
    status === undefined || startTime === undefined ? undefined : processes.adopt({ pid: status.pid, startTime });
  return { keeper, governor };
}

/** Settles with the calls that were left, as far as somebody can say. */
async function tell(door: Door, { keeper, governor }: Found, graceMs: number): Promise<number> {
  try {
    if (governor !== undefined) return await drainAt(door, "", graceMs);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
  // The keeper sees to a governor that does not answer; without a keeper it is told itself.
  (keeper ?? governor)?.signal("SIGTERM");
  return 0;
}

/** Those that still run then. */
async function goneBy({ env }: Door, { keeper, governor }: Found, limitMs: number): Promise<readonly Remaining[]> {
  const named = Object.entries({ keeper, governor });
  const watched = named.flatMap(([what, process]) => (process === undefined ? [] : [{ what, process }]));
  const late = Promise.withResolvers<void>();
  const timer = env.clock.after(limitMs, late.resolve);
  await Promise.race([Promise.all(watched.map(({ process }) => process.exited)), late.promise]);
  timer.cancel();
  return watched.flatMap(({ what, process }) => (process.isRunning() ? [{ what, pid: process.id.pid }] : []));
}

interface End {
  readonly left: number;
  readonly killed: readonly string[];
  readonly remaining: readonly Remaining[];
  readonly graceMs: number;
}

function sayEnd({ left, killed, remaining, graceMs }: End, { print, say, tint }: Terminal): void {
  if (left > 0) say(tint("yellow", `${counted(left, "call")} left when ${formatMs(graceMs)} were over`));
  for (const id of killed) say(tint("yellow", `container ${id} did not end and was killed`));
  if (remaining.length === 0) return print("the node has ended");
  const pids = remaining.map(({ pid }) => pid).join(" ");
  const what = remaining.map((each) => `${each.what} (process ${each.pid})`).join(", ");
  say(
    tint(
      "red",
      `still there: ${what}; 'kill -9 ${pids}' ends what does not listen, and what stays after it waits for the system`,
    ),
  );
}
