// Running a flow: a router with its journal and its workers, begun or gone on with.

import { createHash } from "node:crypto";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Fault } from "unum";
import type { Clock } from "../base/clock.ts";
import { newId, type Random } from "../base/random.ts";
import { alignGraph } from "./change.ts";
import type { Flow } from "./flow.ts";
import type { Graph, SourceNode } from "./graph.ts";
import { bareGraph, graphRecord, pathOf } from "./graph-record.ts";
import type { Journal, Journals, RowQuery, RunRecord } from "./journal/journal.ts";
import { depthsOf } from "./nesting.ts";
import { planOf } from "./plan.ts";
import { Router } from "./router/router.ts";
import type { RunProgress } from "./router/run-progress.ts";
import { startRunLimit } from "./run-limit.ts";
import { valueAt } from "./run-reader.ts";
import { type Schedule, startSchedule } from "./schedule.ts";
import type { TaskStatus } from "./subscriptions.ts";
import { STATES, type State } from "./task.ts";
import type { Workers } from "./workers/workers.ts";

export interface RunSettings {
  readonly env: { readonly clock: Clock; readonly random: Random };
  readonly journals: Journals;
  /** Closed with the run. */
  readonly workers: Workers;
  /** Default: a new one. One that is there is gone on with. */
  readonly id?: string;
  /** The same key for the same flow: the same run, begun once. */
  readonly key?: string;
  /** The whole run, from its beginning, whatever routers it has: then it is cancelled. Kept with it; default: any time. */
  readonly withinMs?: number;
  /** Steps and other nodes that are named otherwise than when the run began: old name to new. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Where the flow was loaded from, for who resumes it. */
  readonly from?: string;
  /** Called with what comes to a sink, once it is on disk: at least once, again perhaps after a crash. */
  readonly output?: (sink: string, value: MessageShape<DescMessage>, task: number) => void;
}

export interface StateQuery {
  readonly states?: readonly State[];
  /** Name of a node. */
  readonly at?: string;
  /** The item that they are parts of. */
  readonly root?: number;
  readonly after?: number;
  /** Default 1,000. */
  readonly limit?: number;
}

export interface Snapshot {
  /** The position of the journal at which all of it holds. */
  readonly position: number;
  readonly tasks: readonly TaskStatus[];
  readonly counts: Readonly<Record<State, number>>;
}

/** Begins a run, or goes on with one. Rejects where a step has no worker, with its edge. */
export async function runFlow<I extends DescMessage>(flow: Flow<I>, settings: RunSettings): Promise<FlowRun<I>> {
  const { env, journals, workers, key, output = () => {} } = settings;
  checkWorkers(flow.graph, workers);
  const id =
    settings.id ?? (key === undefined ? newId(env.random, `${flow.graph.name}-`) : idOfKey(flow.graph.name, key));
  const known =
    (settings.id ?? key) === undefined ? undefined : (await journals.list()).find((run) => run.record.id === id);
  const { graph, journal } = await (known === undefined
    ? begun(flow.graph, id, settings)
    : reopened(flow.graph, known.record, settings));
  const router = new Router({ env, plan: planOf(graph), journal, workers, output });
  try {
    await router.open();
  } catch (error) {
    await journal.close();
    throw error;
  }
  return new FlowRun<I>(id, graph, router, journal, env.clock);
}

interface Opened {
  /** As the run's journal numbers it. */
  readonly graph: Graph;
  readonly journal: Journal;
}

async function begun(graph: Graph, id: string, { env, journals, from = "", withinMs }: RunSettings): Promise<Opened> {
  if (withinMs !== undefined && !(withinMs > 0))
    throw new Fault("invalid", `a run within ${withinMs} ms: say a positive number of ms`);
  const record: RunRecord = {
    ...{ id, flow: graph.name, version: graph.version, createdAt: Math.floor(env.clock.wallNow()), from },
    ...(withinMs !== undefined && { withinMs }),
    graph: graphRecord(graph),
  };
  return { graph, journal: await journals.create(record) };
}

/** With another version of its flow where that fits; else it is refused, with what does not. */
async function reopened(now: Graph, before: RunRecord, { journals, renamed }: RunSettings): Promise<Opened> {
  const { fits, differences, graph } = alignGraph(before.graph, now, renamed);
  if (!fits) {
    throw new Fault(
      "invalid",
      `run '${before.id}' cannot go on with this version of '${before.flow}': ${differences.join("; ")}`,
    );
  }
  const changed = differences.length === 0 ? undefined : { ...before, version: now.version, graph: graphRecord(graph) };
  return { graph, journal: await journals.open(before.id, changed) };
}

function idOfKey(flow: string, key: string): string {
  return `${flow}-${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

function checkWorkers(graph: Graph, workers: Workers): void {
  const missing = graph.nodes.flatMap((node) => {
    if (node.kind !== "step") return [];
    const path = [node.method, ...(node.undo === undefined ? [] : [node.undo])]
      .map(pathOf)
      .find((each) => workers.serves(each) === false);
    if (path === undefined) return [];
    const edges = graph.edges.filter(({ to }) => to === node.id).map(({ name }) => name);
    const contract = path.slice(0, path.indexOf("/"));
    return [`step '${node.name}' (edge ${edges.join(", ")}) calls ${path}, and nobody serves ${contract}`];
  });
  if (missing.length === 0) return;
  throw new Fault(
    "not-found",
    `${missing.join("; ")}; put its component into the folder, or start a node that serves it`,
  );
}

/** A run that this process routes. */
export class FlowRun<I extends DescMessage = DescMessage> {
  readonly id: string;
  readonly graph: Graph;
  /** What was wrong with its journal when it was opened; empty where nothing was. */
  readonly damage: readonly string[];
  readonly #router: Router;

  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #timers: { stop(): void }[] = [];

  constructor(id: string, graph: Graph, router: Router, journal: Journal, clock: Clock) {
    this.#clock = clock;
    this.id = id;
    this.graph = graph;
    this.#router = router;
    this.#journal = journal;
    this.damage = journal.damage;
    this.#timers.push(startRunLimit(journal.record, { clock, router }));
  }

  /** Settles with the number of its task once it is on disk; waits while there is no room. The same key: the same task, once. */
  submit(
    value: MessageInitShape<I>,
    options: { readonly key?: string; readonly source?: string } = {},
  ): Promise<number> {
    return this.#router.submit(sourceNamed(this.graph, options.source), value, options.key);
  }

  /** Nothing more will be submitted. */
  close(): Promise<void> {
    return this.#router.closeInput();
  }

  /** Settles when everything that came in has ended, with `failed` where something is dead; rejects when this router cannot go on. */
  get finished(): Promise<"done" | "failed" | "cancelled"> {
    return this.#router.finished;
  }

  get progress(): RunProgress {
    return this.#router.progress();
  }

  /** Nothing moves any more but what waits for an operator: a join whose policy is `wait` lacks a part. */
  get isBlocked(): boolean {
    return this.#router.isBlocked;
  }

  statusFor(task: number): AsyncGenerator<TaskStatus> {
    return this.#router.statusFor(task);
  }

  status(task: number): Promise<TaskStatus | undefined> {
    return this.#router.status(task);
  }

  async states(query: StateQuery = {}): Promise<Snapshot> {
    const { position, rows, counts } = await this.#router.states(rowQueryOf(this.graph, query));
    return {
      position,
      tasks: rows.map((row) => this.#router.statusOfRow(row)),
      // One count for each state.
      counts: Object.fromEntries(STATES.map((state, index) => [state, counts[index] ?? 0])) as Record<State, number>,
    };
  }

  pause(): Promise<void> {
    return this.#router.pause();
  }

  resume(): Promise<void> {
    return this.#router.resume();
  }

  cancel(reason = "cancelled"): Promise<void> {
    return this.#router.cancel(reason);
  }

  cancelTask(task: number, reason = "cancelled"): Promise<void> {
    return this.#router.cancelTask(task, reason);
  }

  /** A dead task tries again at its step. */
  retry(task: number): Promise<void> {
    return this.#router.retry(task);
  }

  /**
   * What a task brought to a step goes through the flow again from there, as a new item; settles with its task.
   * Refused for steps within a split: the item's other parts are gone.
   */
  async replay(task: number, from: string): Promise<number> {
    const step = this.graph.nodes.find(({ kind, name }) => kind === "step" && name === from);
    if (step === undefined) {
      const names = this.graph.nodes.filter(({ kind }) => kind === "step").map(({ name }) => `'${name}'`);
      throw new Fault("invalid", `flow '${this.graph.name}' has no step '${from}'; it has ${names.join(", ")}`);
    }
    if ((depthsOf(this.graph).depths[step.id] ?? 0) > 0) {
      throw new Fault(
        "invalid",
        `step '${from}' works on parts of an item; replay the item from a step before it was split`,
      );
    }
    const found = await valueAt(this.#journal, task, step.id);
    if (found === undefined) throw new Fault("not-found", `task ${task} never came to step '${from}'`);
    return this.#router.enter(
      found.edge,
      found.value,
      `replay of ${task} from ${from} at ${this.#router.state.nextId}`,
    );
  }

  /** By the edge's name; takes effect at once. */
  limits(edge: string, policy: Readonly<Record<string, number | string>>): Promise<void> {
    return this.#router.limits(edge, policy);
  }

  /** Items by the clock, until this router ends. Each moment brings one, over all routers of the run. */
  schedule(schedule: Schedule<I>, source?: string): void {
    const parts = { clock: this.#clock, router: this.#router, source: sourceNamed(this.graph, source) };
    // Its items are of the flow's own input.
    this.#timers.push(startSchedule(schedule as Schedule, parts));
  }

  /** Ends this router. The run stands in its journal and can be resumed. */
  stop(): Promise<void> {
    for (const timer of this.#timers) timer.stop();
    return this.#router.stop();
  }
}

/** A run whose code is not here, for what needs none: commands are written down, nothing is worked on. */
export async function reopenRun(journals: Journals, id: string, env: RunSettings["env"]): Promise<FlowRun> {
  const journal = await journals.open(id);
  const graph = bareGraph(journal.record.graph);
  const router = new Router({ env, plan: planOf(graph), journal, workers: NOBODY, output: () => {}, passive: true });
  try {
    await router.open();
  } catch (error) {
    await journal.close();
    throw error;
  }
  return new FlowRun(id, graph, router, journal, env.clock);
}

const NOBODY: Workers = {
  places: 0,
  onPlaces: () => {},
  room: () => 0,
  perform: () => {},
  withdraw: () => {},
  serves: () => undefined,
  close: async () => {},
};

/** The source of that name, or the only one. Throws the Fault `invalid` that names those there are. */
export function sourceNamed(graph: Graph, name: string | undefined): SourceNode {
  const sources = graph.nodes.filter((node) => node.kind === "source");
  const found = name === undefined ? sources[0] : sources.find((node) => node.name === name);
  if (found === undefined || (name === undefined && sources.length > 1)) {
    const names = sources.map((node) => `'${node.name}'`).join(", ");
    throw new Fault("invalid", `flow '${graph.name}' has the sources ${names}; say which`);
  }
  return found;
}

export function rowQueryOf(graph: Graph, { states, at, root, after, limit = 1_000 }: StateQuery): RowQuery {
  const node = at === undefined ? undefined : graph.nodes.findIndex(({ name }) => name === at);
  if (node === -1) {
    throw new Fault(
      "invalid",
      `flow '${graph.name}' has no node '${at}'; it has ${graph.nodes.map(({ name }) => name).join(", ")}`,
    );
  }
  return {
    limit,
    ...(states === undefined ? undefined : { states: states.map((state) => STATES.indexOf(state)) }),
    ...(node === undefined ? undefined : { node }),
    ...(root === undefined ? undefined : { root }),
    ...(after === undefined ? undefined : { after }),
  };
}
