// unum islands status and watch: how runs are.

import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import { aborted, onInterrupt } from "../interrupt.ts";
import { look, openScreen, outputWidth } from "../screen.ts";
import { table } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { Live } from "./figures.ts";
import { countText, islandTable, liveLine, valueText } from "./figures-text.ts";
import { subscribed } from "./live-stream.ts";
import { presentNodes } from "./presence.ts";
import { specName } from "./problem-spec.ts";
import { holderOf } from "./run-lock.ts";
import { openRunStore, type RunRecord, type RunStore, readJson, readLive, recordOf, runNames } from "./run-store.ts";

const COLUMNS = [
  { title: "RUN" },
  { title: "STATE" },
  { title: "PROBLEM", least: 12 },
  { title: "ISLANDS", align: "right" },
  { title: "EPOCH", align: "right" },
  { title: "EVALUATIONS", align: "right" },
  { title: "BEST", align: "right" },
] as const;

interface Seen {
  readonly record: RunRecord;
  readonly live: Live | undefined;
  /** killed: nobody conducts it, and nobody ended it. */
  readonly state: "running" | "stopped" | "done" | "killed";
}

export async function status(name: string | undefined, json: boolean, terminal: Terminal): Promise<number> {
  if (name !== undefined) return one(name, json, terminal);
  const seen = await Promise.all((await runNames()).map(seeNamed));
  const known = seen.filter((each) => each !== undefined);
  const nodes = Object.values(await presentNodes());
  if (json) terminal.print(JSON.stringify({ runs: known.map(seenJson), nodes }));
  else if (known.length === 0) terminal.say("no run has been started here; 'unum islands run bbob:f15:d10' starts one");
  else {
    const rows = known.map(({ record, live, state }) => [
      record.name,
      state,
      specName(record.problem),
      String(record.plan.islands.length),
      String(live?.epoch ?? 0),
      countText(live?.evaluations ?? 0),
      valueText(live?.best ?? Number.POSITIVE_INFINITY),
    ]);
    const title = (text: string) => terminal.paint("bold", text);
    for (const line of table(COLUMNS, rows, { width: outputWidth(), title })) terminal.print(line);
    for (const { node, about } of nodes) terminal.print(`${node}: ${about["islands"]} islands of ${about["run"]}`);
  }
  return EXIT.ok;
}

async function one(name: string, json: boolean, terminal: Terminal): Promise<number> {
  const store = openRunStore(name, systemEnv().log);
  try {
    const seen = await see(store, name);
    if (json) terminal.print(JSON.stringify(seenJson(seen)));
    else for (const line of seenLines(seen, look(terminal))) terminal.print(line);
    return EXIT.ok;
  } finally {
    store.close();
  }
}

async function seeNamed(name: string): Promise<Seen | undefined> {
  const store = openRunStore(name, systemEnv().log);
  try {
    return (await readJson(store.objects, "run")) === undefined ? undefined : await see(store, name);
  } finally {
    store.close();
  }
}

async function see(store: RunStore, name: string): Promise<Seen> {
  const record = await recordOf(store, name);
  const live = readLive<Live>(store);
  const runs = holderOf(store.folder, systemEnv()) !== undefined;
  const ended = live === undefined || live.state === "running" ? "killed" : live.state;
  return { record, live, state: runs ? "running" : ended };
}

function seenJson({ record, live, state }: Seen): object {
  return { run: record.name, state, problem: record.problem, plan: record.plan, live };
}

function seenLines({ record, live, state }: Seen, at: ReturnType<typeof look>): readonly string[] {
  const head = `${record.name}  ${state}  ${specName(record.problem)}  seed ${record.plan.seed}`;
  if (live === undefined) return [head, "nothing is known of it yet"];
  const checkpoint =
    live.checkpoint === undefined
      ? "no checkpoint yet"
      : `checkpoint ${live.checkpoint.version} after epoch ${live.checkpoint.epoch}`;
  const hint = state === "killed" ? [`'unum islands resume ${record.name}' goes on from there`] : [];
  return [head, liveLine(live), checkpoint, ...hint, "", ...islandTable(live, at)];
}

const LOOK_EVERY_MS = 500;

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}

/** Until the run ends, or who watches does. */
export async function watch(name: string, json: boolean, terminal: Terminal): Promise<number> {
  const store = openRunStore(name, systemEnv().log);
  const stop = new AbortController();
  const interrupt = onInterrupt(() => {});
  const screen = json
    ? undefined
    : openScreen(
        (key) => ("q\u0003".includes(key) ? stop.abort() : undefined),
        () => {},
      );
  const signal = AbortSignal.any([interrupt.signal, stop.signal, terminal.unread]);
  let last = "";
  try {
    const news = subscribed(store.folder, systemEnv(), signal);
    for (;;) {
      const seen = await see(store, name);
      if (json) {
        if (seen.live !== undefined && seen.live.at !== last) terminal.print(JSON.stringify({ live: seen.live }));
        last = seen.live?.at ?? "";
      } else if (screen === undefined) terminal.print(seenLines(seen, look(terminal)).join("\n"));
      else screen.draw([...seenLines(seen, look(terminal)), "", "q ends watching, not the run"]);
      if (seen.state !== "running" || signal.aborted) break;
      // Told by the run; where it tells nothing, as one that is busy or was killed, looked at now and then.
      if ((await news.next()).done) await Promise.race([soon(), aborted(signal)]);
    }
    screen?.close();
    if (screen !== undefined)
      for (const line of seenLines(await see(store, name), look(terminal))) terminal.print(line);
    return EXIT.ok;
  } finally {
    screen?.close();
    stop.abort();
    interrupt.release();
    store.close();
  }
}
