// unum flow pause, resume, cancel, retry, replay, limits and stop: told to the router of a run, or written into its journal where none runs it.

import { Fault } from "../../base/fault.ts";
import { FlowControl, reopenRun } from "../../flows/index.ts";
import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { type JournalFlag, type KeptRuns, keptRuns } from "./kept-runs.ts";
import { controlOf } from "./run-flow.ts";
import { deadOf, runNamed } from "./show-flow.ts";

export interface Command {
  readonly command: "pause" | "resume" | "cancel" | "retry" | "replay" | "limits" | "stop";
  readonly task?: number;
  readonly at?: string;
  readonly policy?: Readonly<Record<string, number | string>>;
  readonly reason?: string;
}

const ASK_MS = 30_000;

export async function commandVerb(
  name: string,
  command: Command,
  flags: JournalFlag & { json?: boolean },
  terminal: Terminal,
): Promise<number> {
  const kept = await keptRuns(flags);
  const id = await runNamed(name, kept);
  const said = await asRefusal(tell(id, command, kept));
  terminal.print(flags.json ? JSON.stringify({ run: id, ...command, said }) : said);
  return EXIT.ok;
}

/** Every dead one, where no task is named. */
export async function retryVerb(
  name: string,
  task: number | undefined,
  flags: JournalFlag & { json?: boolean },
  terminal: Terminal,
): Promise<number> {
  const kept = await keptRuns(flags);
  const id = await runNamed(name, kept);
  const tasks = task === undefined ? (await deadOf(id, kept, 100_000)).map((each) => Number(each.task)) : [task];
  let refused = 0;
  let retried = 0;
  for (const each of tasks) {
    try {
      const said = await tell(id, { command: "retry", task: each }, kept);
      retried++;
      if (task !== undefined) terminal.print(flags.json ? JSON.stringify({ run: id, task: each, said }) : said);
    } catch (error) {
      // Items whose part was retried before it have come back with it.
      if (!(error instanceof Fault) || task !== undefined) throw error;
      refused++;
    }
  }
  if (task === undefined) {
    terminal.print(
      flags.json
        ? JSON.stringify({ run: id, retried, passedOver: refused })
        : tasks.length === 0
          ? "nothing is dead"
          : `${retried} of ${tasks.length} dead tasks try again`,
    );
  }
  return retried > 0 || tasks.length === 0 ? EXIT.ok : EXIT.failed;
}

/** That the run was cancelled is why it refuses: nobody has interrupted this command. */
async function asRefusal(said: Promise<string>): Promise<string> {
  try {
    return await said;
  } catch (error) {
    if (error instanceof Fault && error.code === "cancelled")
      throw new Fault("denied", error.message, { cause: error });
    throw error;
  }
}

async function tell(
  id: string,
  { command, task = 0, at = "", policy = {}, reason = "" }: Command,
  kept: KeptRuns,
): Promise<string> {
  const { client, close } = await controlOf(id);
  try {
    const input = { command, task: BigInt(task), at, reason, policy: JSON.stringify(policy) };
    const { said } = await client.call(FlowControl.method.command, input, { ttlMs: ASK_MS });
    return said;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "undeliverable") throw error;
  } finally {
    await close();
  }
  return onDisk(id, { command, task, at, policy, reason }, kept);
}

async function onDisk(
  id: string,
  { command, task = 0, at = "", policy = {}, reason = "" }: Command,
  { journals, flag }: KeptRuns,
): Promise<string> {
  if (command === "stop") throw new Fault("not-found", `no router runs '${id}'`);
  const run = await reopenRun(journals, id, systemEnv());
  try {
    if (command === "pause") await run.pause();
    else if (command === "resume") await run.resume();
    else if (command === "cancel")
      await (task === 0 ? run.cancel(reason || undefined) : run.cancelTask(task, reason || undefined));
    else if (command === "retry") await run.retry(task);
    else if (command === "replay") await run.replay(task, at);
    else await run.limits(at, policy);
  } finally {
    await run.stop();
  }
  const said = "written down: no router runs it now";
  const { undoing, finished } = run.progress;
  if (command === "pause" || finished !== undefined) return said;
  const first = undoing > 0 && command === "cancel" ? "; what is to be undone is undone when it goes on" : "";
  return `${said}${first}; go on with: unum flow run FOLDER --resume ${id}${flag}`;
}
