// unum flow list, status, dead and graph: what runs there are, how they stand, and what a flow looks like.

import { existsSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { nearest } from "../../base/nearest.ts";
import {
  FlowControl,
  type GraphRecord,
  graphDot,
  graphLines,
  graphRecord,
  historyOf,
  type Journals,
  type RunStatus,
  readRun,
  runStatus,
  STATES,
  taskMessage,
} from "../../flows/index.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { look, outputWidth } from "../screen.ts";
import { type Column, table } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { loadFlow } from "./flow-file.ts";
import { type JournalFlag, type KeptRuns, keptRuns } from "./kept-runs.ts";
import { liveLines } from "./live-lines.ts";
import { controlOf } from "./run-flow.ts";
import { statusJson, statusLines } from "./status-text.ts";

type Status = Omit<RunStatus, "$typeName" | "$unknown">;

const ASK_MS = 5_000;

/** The run of that id; of a beginning that only one has, or of the last one where it is 'last'. */
export async function runNamed(text: string, { journals, place }: KeptRuns): Promise<string> {
  const runs = await journals.list();
  const ids = runs.map(({ record }) => record.id);
  if (ids.includes(text)) return text;
  if (text === "last" && ids[0] !== undefined) return ids[0];
  const begin = ids.filter((id) => id.startsWith(text));
  if (begin.length === 1 && begin[0] !== undefined) return begin[0];
  const meant = nearest(text, ids);
  const hint =
    begin.length > 1
      ? `; ${begin.join(", ")} begin so`
      : meant === undefined
        ? "; 'unum flow list' shows the runs"
        : `; did you mean '${meant}'?`;
  throw new Fault("not-found", `no run '${text}' in ${place}${hint}`);
}

export async function listVerb(flags: JournalFlag & { json?: boolean }, terminal: Terminal): Promise<number> {
  const { journals, place } = await keptRuns(flags);
  const runs = await journals.list();
  if (flags.json) {
    for (const { record, owned, problem } of runs) {
      const { graph: _, ...rest } = record;
      terminal.print(JSON.stringify({ ...rest, running: owned, ...(problem !== undefined && { problem }) }));
    }
    return EXIT.ok;
  }
  if (runs.length === 0) terminal.say(`no runs in ${place}; begin one with 'unum flow run FOLDER'`);
  const columns: Column[] = [
    { title: "RUN" },
    { title: "FLOW" },
    { title: "VERSION" },
    { title: "BEGAN" },
    { title: "STATE" },
  ];
  const rows = await Promise.all(
    runs.map(async ({ record, owned, problem }) => {
      const state = problem ?? (owned ? "running" : await stateOf(record.id, journals));
      const began =
        record.createdAt === 0 ? "" : new Date(record.createdAt).toISOString().slice(0, 19).replace("T", " ");
      return [record.id, record.flow, record.version, began, state];
    }),
  );
  if (rows.length > 0)
    terminal.print(
      table(columns, rows, { width: outputWidth(), title: (text) => terminal.paint("dim", text) }).join("\n"),
    );
  return EXIT.ok;
}

async function stateOf(id: string, journals: Journals): Promise<string> {
  const reader = await journals.read(id);
  try {
    const { counts } = await reader.rows({ limit: 0 });
    const count = (state: (typeof STATES)[number]) => counts[STATES.indexOf(state)] ?? 0;
    const open = count("waiting") + count("leased") + count("running") + count("retrying") + count("split");
    if (reader.damage.length > 0) return "damaged";
    const dead = count("dead") === 0 ? "" : `, ${count("dead")} dead`;
    return `${open === 0 ? "ended" : "stopped"}: ${count("done")} done${open === 0 ? "" : `, ${open} open`}${dead}`;
  } finally {
    await reader.close();
  }
}

/** From its router where one answers, else from its journal. */
export async function statusOf(id: string, { journals }: KeptRuns): Promise<Status> {
  const { client, close } = await controlOf(id);
  try {
    return await client.call(FlowControl.method.status, {}, { ttlMs: ASK_MS });
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "undeliverable") throw error;
    return await statusOnDisk(id, journals);
  } finally {
    await close();
  }
}

async function statusOnDisk(id: string, journals: Journals): Promise<Status> {
  const reader = await journals.read(id);
  try {
    const { damage, record } = reader;
    return runStatus({ id, damage, graph: record.graph }, await readRun(reader), { workers: 0, blocked: false });
  } finally {
    await reader.close();
  }
}

export interface StatusFlags extends JournalFlag {
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** RUN, or RUN/TASK. */
export async function statusVerb(text: string, flags: StatusFlags, terminal: Terminal): Promise<number> {
  const [name = "", task] = text.split("/", 2);
  const kept = await keptRuns(flags);
  const id = await runNamed(name, kept);
  if (task !== undefined) return taskVerb(id, numberOf(task), kept, flags, terminal);
  if (flags.watch) return watchVerb(id, kept, flags, terminal);
  const status = await statusOf(id, kept);
  if (flags.json) terminal.print(JSON.stringify(statusJson(status)));
  else {
    terminal.print(statusLines(status, look(terminal)).join("\n"));
    if (status.finished === "" && status.workers === 0)
      terminal.say(`no router runs it; go on with: unum flow run FOLDER --resume ${id}${kept.flag}`);
  }
  return status.damage.length > 0 ? EXIT.failed : EXIT.ok;
}

export function numberOf(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new UsageError(`'${text}' is no task; tasks are numbers from 1, as 'unum flow dead' shows them`);
  return number;
}

async function watchVerb(id: string, { journals }: KeptRuns, flags: StatusFlags, terminal: Terminal): Promise<number> {
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  const { client, close } = await controlOf(id);
  const live = flags.json ? undefined : liveLines(process.stdout);
  const signal = AbortSignal.any([interrupt.signal, terminal.unread]);
  try {
    for await (const status of client.stream(
      FlowControl.method.watch,
      { everyMs: 250 },
      { ttlMs: 2 ** 31, signal, credit: 1 },
    )) {
      if (flags.json) terminal.print(JSON.stringify(statusJson(status)));
      else if (live === undefined) terminal.print(statusLines(status, look(terminal)).slice(0, 1).join("\n"));
      else live.draw(statusLines(status, look(terminal)));
    }
    return EXIT.ok;
  } catch (error) {
    if (signal.aborted) return terminal.unread.aborted ? EXIT.unread : EXIT.interrupted;
    if (!(error instanceof Fault) || error.started === "yes") throw error;
    // It is over, or its router is gone: how it stands is in its journal.
    const status = await statusOnDisk(id, journals);
    terminal.print(flags.json ? JSON.stringify(statusJson(status)) : statusLines(status, look(terminal)).join("\n"));
    return EXIT.ok;
  } finally {
    await close();
    interrupt.release();
  }
}

type TaskLine = ReturnType<typeof taskMessage>;

function taskLine({ task, state, at, attempt, sequence, changedAt, reason, progress, note }: TaskLine): string {
  const when = new Date(Number(changedAt)).toISOString().slice(11, 23);
  const far = progress < 0 ? "" : ` ${Math.round(progress * 100)} %${note === "" ? "" : ` ${note}`}`;
  return `${when}  ${task}  #${sequence}  ${at}  ${state}${attempt > 0 ? ` (attempt ${attempt})` : ""}${far}${reason === "" ? "" : `  ${reason}`}`;
}

/** Its history from the journal; with --watch what follows, live. */
async function taskVerb(
  id: string,
  task: number,
  { journals }: KeptRuns,
  flags: StatusFlags,
  terminal: Terminal,
): Promise<number> {
  const print = (each: TaskLine) =>
    terminal.print(flags.json ? JSON.stringify(statusJson(each as never)) : taskLine(each));
  const reader = await journals.read(id);
  let last = 0n;
  try {
    const history = (await historyOf(reader, task)).map(taskMessage);
    if (history.length === 0) throw new Fault("not-found", `run '${id}' has no task ${task}`);
    for (const each of history) print(each);
    last = history.at(-1)?.sequence ?? 0n;
  } finally {
    await reader.close();
  }
  if (!flags.watch) return EXIT.ok;
  const { client, close } = await controlOf(id);
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  try {
    const following = client.stream(
      FlowControl.method.followTask,
      { task: BigInt(task) },
      { ttlMs: 2 ** 31, signal: interrupt.signal },
    );
    for await (const each of following) if (each.sequence > last || each.progress >= 0) print(each);
    return EXIT.ok;
  } catch (error) {
    if (interrupt.signal.aborted) return EXIT.interrupted;
    if (error instanceof Fault && error.code === "undeliverable") return EXIT.ok;
    throw error;
  } finally {
    await close();
    interrupt.release();
  }
}

export async function deadVerb(
  name: string,
  flags: JournalFlag & { json?: boolean; limit: number },
  terminal: Terminal,
): Promise<number> {
  const kept = await keptRuns(flags);
  const id = await runNamed(name, kept);
  const tasks = await deadOf(id, kept, flags.limit);
  for (const each of tasks) {
    terminal.print(
      flags.json
        ? JSON.stringify(statusJson(each as never))
        : `${each.task}  ${each.at}  attempt ${each.attempt}  ${each.reason}`,
    );
  }
  if (tasks.length === 0 && !flags.json) terminal.say("nothing is dead");
  return EXIT.ok;
}

export async function deadOf(id: string, { journals }: KeptRuns, limit: number): Promise<TaskLine[]> {
  const { client, close } = await controlOf(id);
  try {
    const answer = await client.call(FlowControl.method.tasks, { states: ["dead"], limit }, { ttlMs: ASK_MS * 6 });
    return answer.tasks;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "undeliverable") throw error;
  } finally {
    await close();
  }
  const reader = await journals.read(id);
  try {
    const { rows } = await reader.rows({ states: [STATES.indexOf("dead")], limit });
    const names = reader.record.graph.nodes.map((node) => node.name);
    return rows.map(({ id: task, node, state, ...rest }) =>
      taskMessage({
        ...rest,
        task,
        state: STATES[state] ?? "dead",
        at: names[node] ?? "",
        progress: undefined,
        note: undefined,
      }),
    );
  } finally {
    await reader.close();
  }
}

/** Of a folder, a file or a run. */
export async function graphVerb(
  place: string,
  flags: JournalFlag & { flow?: string; dot?: boolean; json?: boolean },
  terminal: Terminal,
): Promise<number> {
  const { graph, status } = existsSync(place)
    ? { graph: graphRecord((await loadFlow(place, flags.flow)).flow.graph), status: undefined }
    : await graphOfRun(place, await keptRuns(flags));
  if (flags.json) terminal.print(JSON.stringify(graph));
  else if (flags.dot) terminal.print(graphDot(graph));
  else {
    const note = (id: number) => {
      const node = status?.nodes[id];
      return node === undefined
        ? ""
        : terminal.paint(
            "dim",
            `${node.done} done${node.waiting + node.running > 0n ? `, ${node.waiting + node.running} here` : ""}${node.dead > 0n ? `, ${node.dead} dead` : ""}`,
          );
    };
    terminal.print(`${terminal.paint("bold", graph.name)} ${graph.version}`);
    terminal.print(graphLines(graph, note).join("\n"));
  }
  return EXIT.ok;
}

async function graphOfRun(name: string, kept: KeptRuns): Promise<{ graph: GraphRecord; status: Status }> {
  // What has a separator in it was meant for a path.
  if (/[/\\]/.test(name))
    throw new UsageError(`there is no '${name}'; give the folder or the file of a flow, or a run`);
  const id = await runNamed(name, kept);
  const reader = await kept.journals.read(id);
  const { graph } = reader.record;
  await reader.close();
  return { graph, status: await statusOf(id, kept) };
}
