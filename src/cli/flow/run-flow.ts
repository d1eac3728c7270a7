// unum flow run: a run from its first item to its last, with its progress live, or one that is gone on with.

import { createWriteStream, type WriteStream } from "node:fs";
import { resolve } from "node:path";
import { toJsonString } from "@bufbuild/protobuf";
import { type Clock, sleep } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import { newClient } from "../../client/client.ts";
import { checkChange, type FlowRun, flowControl, runFlow, runStatus, sourceNamed } from "../../flows/index.ts";
import { runContainer } from "../../node/run-container.ts";
import { systemEnv } from "../../system/env.ts";
import { zmtpTransport } from "../../transports/zmtp/index.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { makeRunFolder } from "../run-folder.ts";
import { outputWidth } from "../screen.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { renamedBy } from "./check-flow.ts";
import { type Chosen, chooseWorkers, type WorkerFlags } from "./choose-workers.ts";
import { type LoadedFlow, loadFlow } from "./flow-file.ts";
import { type Item, itemsOfFile, itemsOfModule } from "./items.ts";
import { type JournalFlag, type KeptRuns, keptRuns } from "./kept-runs.ts";
import { liveLines } from "./live-lines.ts";
import { controlAddress, socketFolder } from "./places.ts";
import { runNamed } from "./show-flow.ts";
import { type Speed, statusJson, statusLines } from "./status-text.ts";

export interface RunFlags extends WorkerFlags, JournalFlag {
  readonly flow?: string;
  readonly input?: string;
  readonly output?: string;
  readonly id?: string;
  readonly key?: string;
  readonly resume?: string;
  /** Ms. */
  readonly within?: number;
  /** OLD=NEW. */
  readonly map?: readonly string[];
  readonly json?: boolean;
}

/** Items that are on their way into the run at one time. */
const SUBMITS = 1_000;
const DRAW_EVERY_MS = 200;

export async function runVerb(place: string, given: RunFlags, terminal: Terminal): Promise<number> {
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  const env = systemEnv();
  const loaded = await loadFlow(place, given.flow);
  const kept = await keptRuns(given);
  const { journals } = kept;
  const flags = await withRun(given, kept);
  const { flow } = loaded;
  const renamed = renamedBy(flags.map);
  const items = itemsOf(loaded, flags);
  if (flags.resume !== undefined) await checkChange(journals, flags.resume, flow.graph, renamed, terminal.say);
  const chosen = await chooseWorkers(flags, { env, graph: flow.graph, folder: loaded.components, say: terminal.say });
  const out = outputTo(flags.output, flow);
  let run: FlowRun;
  try {
    const id = flags.resume ?? flags.id;
    run = await runFlow(flow, {
      ...{ env, journals, workers: chosen.workers, from: loaded.file, output: out.write },
      ...(id !== undefined && { id }),
      ...(flags.key !== undefined && { key: flags.key }),
      ...(flags.within !== undefined && { withinMs: flags.within }),
      renamed,
    });
  } catch (error) {
    await chosen.workers.close();
    interrupt.release();
    throw error;
  }
  if (run.progress.finished !== undefined) terminal.say(`run '${run.id}' was over before; nothing is left to do`);
  for (const line of run.damage) terminal.say(terminal.tint("red", `damage: ${line}`));
  const stopping = new AbortController();
  const signal = AbortSignal.any([interrupt.signal, stopping.signal, terminal.unread]);
  const control = await serveControl(run, chosen, () => stopping.abort(new Error("stopped by a command")));
  const view = watch(run, chosen, flags, terminal, env.clock);
  try {
    const feeding = feed(run, items, signal, terminal);
    const end = await Promise.race([over(run, env.clock, feeding), aborted(signal)]);
    const fed = await feeding.catch(() => ({ bad: 0 }));
    view.end();
    if (end === "interrupted") {
      await run.stop();
      terminal.say(
        `run ${run.id} stands where it is; go on with: unum flow run ${place} --resume ${run.id}${kept.flag}`,
      );
      return interrupt.signal.aborted ? EXIT.interrupted : terminal.unread.aborted ? EXIT.unread : EXIT.ok;
    }
    return summary(run, end, fed.bad, chosen, flags, terminal);
  } finally {
    view.end();
    await control();
    await run.stop();
    await out.close();
    interrupt.release();
  }
}

/** The run that is meant to be gone on with, by its whole id; and none that is there is begun as if it were new. */
async function withRun(flags: RunFlags, kept: KeptRuns): Promise<RunFlags> {
  if (flags.resume !== undefined) return { ...flags, resume: await runNamed(flags.resume, kept) };
  if (flags.id === undefined || !(await kept.journals.list()).some(({ record }) => record.id === flags.id))
    return flags;
  throw new UsageError(
    `the run '${flags.id}' is there already; go on with it by --resume ${flags.id}, or choose another id`,
  );
}

function itemsOf(
  { flow, input, file }: LoadedFlow,
  { input: path, resume, key }: RunFlags,
): AsyncIterable<Item> | undefined {
  const { output: schema } = sourceNamed(flow.graph, undefined);
  if (path !== undefined) return itemsOfFile(path, schema);
  if (input !== undefined) return itemsOfModule(input, schema);
  if (resume !== undefined || key !== undefined) return undefined;
  throw new UsageError(
    `nothing comes in: give --input FILE with a ${schema.typeName} as JSON on each line (- for standard input), or export 'input' from ${file}`,
  );
}

/** Takes items in, in their order; those that an earlier router took in are passed over. */
async function feed(
  run: FlowRun,
  items: AsyncIterable<Item> | undefined,
  signal: AbortSignal,
  { say, tint }: Terminal,
): Promise<{ bad: number }> {
  let bad = 0;
  if (items !== undefined && !run.progress.closed) {
    let known = run.progress.submitted;
    const open = new Set<Promise<unknown>>();
    try {
      for await (const item of items) {
        if (signal.aborted) return { bad };
        if (item.problem !== undefined) {
          bad++;
          say(tint("red", item.problem));
          continue;
        }
        if (known-- > 0) continue;
        const submitted: Promise<unknown> = run.submit(item.value).finally(() => open.delete(submitted));
        submitted.catch(() => {});
        open.add(submitted);
        if (open.size >= SUBMITS) await Promise.race(open);
      }
      await Promise.all(open);
    } catch (error) {
      // The run was cancelled, or its router ends: what is left is not wanted any more.
      if (error instanceof Fault && error.code === "cancelled") return { bad };
      throw error;
    }
  }
  if (!signal.aborted) await run.close();
  return { bad };
}

type End = "done" | "failed" | "cancelled" | "blocked";

async function over(run: FlowRun, clock: Clock, feeding: Promise<unknown>): Promise<End> {
  let end: End | undefined;
  const finished = run.finished.then((as) => {
    end = as;
  });
  await Promise.race([feeding, finished]);
  while (end === undefined) {
    await Promise.race([finished, sleep(clock, DRAW_EVERY_MS)]);
    if (end === undefined && run.isBlocked) return "blocked";
  }
  return end;
}

function aborted(signal: AbortSignal): Promise<"interrupted"> {
  return new Promise((done) => {
    if (signal.aborted) done("interrupted");
    else signal.addEventListener("abort", () => done("interrupted"), { once: true });
  });
}

async function serveControl(run: FlowRun, chosen: Chosen, stop: () => void): Promise<() => Promise<void>> {
  const env = systemEnv();
  await makeRunFolder(socketFolder());
  const container = await runContainer({
    ...{ env, listen: [controlAddress(run.id)], transports: [zmtpTransport({ env })] },
    components: [flowControl({ clock: env.clock, run, workers: chosen.containers, stop })],
  });
  return async () => void (await container.drain(500));
}

function watch(run: FlowRun, chosen: Chosen, flags: RunFlags, terminal: Terminal, clock: Clock): { end: () => void } {
  const live = flags.json ? undefined : liveLines(process.stderr);
  if (live === undefined) return { end: () => {} };
  const speed = speedometer(run, clock);
  const draw = () => {
    const status = runStatus(run, run.progress, { workers: chosen.containers(), blocked: run.isBlocked });
    live.draw(statusLines(status, { paint: terminal.tint, width: outputWidth() ?? process.stderr.columns }, speed()));
  };
  draw();
  const timer = setInterval(draw, DRAW_EVERY_MS);
  let open = true;
  return {
    end: () => {
      if (!open) return;
      open = false;
      clearInterval(timer);
      draw();
      live.end();
    },
  };
}

/** Over the last few seconds. */
function speedometer(run: FlowRun, clock: Clock): () => Speed {
  const seen: { at: number; ended: number }[] = [];
  return () => {
    const { ended, items, closed } = run.progress;
    const at = clock.now();
    seen.push({ at, ended });
    while (seen.length > 2 && at - (seen[0]?.at ?? at) > 5_000) seen.shift();
    const first = seen[0] ?? { at, ended };
    const perSecond = at > first.at ? ((ended - first.ended) * 1_000) / (at - first.at) : 0;
    return { perSecond, leftMs: closed && perSecond > 0 ? ((items - ended) / perSecond) * 1_000 : undefined };
  };
}

async function summary(
  run: FlowRun,
  end: End,
  bad: number,
  chosen: Chosen,
  flags: RunFlags,
  terminal: Terminal,
): Promise<number> {
  const status = runStatus(run, run.progress, { workers: chosen.containers(), blocked: end === "blocked" });
  if (flags.json) terminal.print(JSON.stringify({ ...statusJson(status), badLines: bad, where: chosen.where }));
  else if (!process.stderr.isTTY)
    terminal.say(statusLines(status, { paint: terminal.tint, width: undefined }).join("\n"));
  if (!flags.json) terminal.print(run.id);
  if (bad > 0) terminal.say(terminal.tint("red", `${bad} ${bad === 1 ? "line was" : "lines were"} left out`));
  if (status.dead > 0n) terminal.say(`'unum flow dead ${run.id}' says why; 'unum flow retry ${run.id}' tries again`);
  if (end === "blocked") await run.stop();
  return end === "done" && bad === 0 ? EXIT.ok : EXIT.failed;
}

function outputTo(path: string | undefined, { graph }: LoadedFlow["flow"]) {
  if (path === undefined) return { write: () => {}, close: async () => {} };
  const schemas = new Map(
    graph.nodes.flatMap((node) => (node.kind === "sink" ? [[node.name, node.input] as const] : [])),
  );
  const stream: WriteStream | NodeJS.WriteStream = path === "-" ? process.stdout : createWriteStream(resolve(path));
  let failed: Error | undefined;
  stream.on("error", (error) => {
    failed = asError(error);
  });
  return {
    write: (sink: string, value: Parameters<typeof toJsonString>[1], task: number) => {
      const schema = schemas.get(sink);
      if (schema === undefined || failed !== undefined) return;
      stream.write(`{"sink":${JSON.stringify(sink)},"task":${task},"value":${toJsonString(schema, value)}}\n`);
    },
    close: async () => {
      if (path !== "-") await new Promise<void>((done) => stream.end(done));
      if (failed !== undefined) throw new UsageError(`${path} cannot be written: ${failed.message}`);
    },
  };
}

/** A client of a run that is routed; undefined where none answers. Closed by `close`. */
export async function controlOf(run: string) {
  const env = systemEnv();
  const transport = zmtpTransport({ env });
  const client = newClient({ env, transports: [transport], to: [controlAddress(run)] });
  return { client, close: () => client.close() };
}
