// unum flow pause, resume, cancel, retry, replay, limits and stop: told to the router of a run, or written into its journal where none runs it.

import { Fault } from "../../base/fault.ts";
import { FlowControl, type FlowRun, reopenRun } from "../../flows/index.ts";
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

/** Asked for at one time. */
const TOGETHER = 100;

export async function commandVerb(
  name: string,
  command: Command,
  flags: JournalFlag & { json?: boolean },
  terminal: Terminal,
): Promise<number> {
  const kept = await keptRuns(flags);
  const id = await runNamed(name, kept);
  const said = await asRefusal(speaking(id, kept, (tell) => tell(command)));
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
  if (task !== undefined) return commandVerb(name, { command: "retry", task }, flags, terminal);
  const kept = await keptRuns(flags);
  const id = await runNamed(name, kept);
  const tasks = (await deadOf(id, kept, 100_000)).map((each) => Number(each.task));
  const { retried, refusals } = await speaking(id, kept, (tell) => retryEach(tasks, tell));
  const why = refusals[0] === undefined ? "" : `; ${refusals.length} cannot: ${refusals[0]}`;
  terminal.print(
    flags.json
      ? JSON.stringify({ run: id, retried, passedOver: refusals.length })
      : tasks.length === 0
        ? "nothing is dead"
        : `${retried} of ${tasks.length} dead tasks try again${why}`,
  );
  return retried > 0 || tasks.length === 0 ? EXIT.ok : EXIT.failed;
}

async function retryEach(tasks: readonly number[], tell: Tell): Promise<{ retried: number; refusals: string[] }> {
  const refusals: string[] = [];
  for (let from = 0; from < tasks.length; from += TOGETHER) {
    const some = tasks.slice(from, from + TOGETHER);
    await Promise.all(
      some.map(async (task) => {
        try {
          await tell({ command: "retry", task });
        } catch (error) {
          // Items whose part was retried before it have come back with it.
          if (!(error instanceof Fault)) throw error;
          refusals.push(error.message);
        }
      }),
    );
  }
  return { retried: tasks.length - refusals.length, refusals };
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

/** Answers with what became of it, in words. */
type Tell = (command: Command) => Promise<string>;

/** To the router of a run, or where none answers to its journal, which is opened once. */
async function speaking<T>(id: string, kept: KeptRuns, act: (tell: Tell) => Promise<T>): Promise<T> {
  const { client, close } = await controlOf(id);
  try {
    await client.call(FlowControl.method.status, {}, { ttlMs: ASK_MS });
    return await act(async ({ command, task = 0, at = "", policy = {}, reason = "" }) => {
      const input = { command, task: BigInt(task), at, reason, policy: JSON.stringify(policy) };
      const { said } = await client.call(FlowControl.method.command, input, { ttlMs: ASK_MS });
      return said;
    });
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "undeliverable") throw error;
  } finally {
    await close();
  }
  return onDisk(id, kept, act);
}

async function onDisk<T>(id: string, { journals, flag }: KeptRuns, act: (tell: Tell) => Promise<T>): Promise<T> {
  let opening: Promise<FlowRun> | undefined;
  try {
    return await act(async (command) => {
      if (command.command === "stop") throw new Fault("not-found", `no router runs '${id}'`);
      opening ??= reopenRun(journals, id, systemEnv());
      const run = await opening;
      await apply(run, command);
      return written(run, command, flag);
    });
  } finally {
    await (await opening)?.stop();
  }
}

async function apply(run: FlowRun, { command, task = 0, at = "", policy = {}, reason }: Command): Promise<void> {
  if (command === "pause") await run.pause();
  else if (command === "resume") await run.resume();
  else if (command === "cancel") await (task === 0 ? run.cancel(reason) : run.cancelTask(task, reason));
  else if (command === "retry") await run.retry(task);
  else if (command === "replay") await run.replay(task, at);
  else await run.limits(at, policy);
}

function written(run: FlowRun, { command }: Command, flag: string): string {
  const said = "written down: no router runs it now";
  const { undoing, finished } = run.progress;
  if (command === "pause" || finished !== undefined) return said;
  const first = undoing > 0 && command === "cancel" ? "; what is to be undone is undone when it goes on" : "";
  return `${said}${first}; go on with: unum flow run FOLDER --resume ${run.id}${flag}`;
}
