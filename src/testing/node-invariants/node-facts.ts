// A trace of nodes put in order for those who judge it: who lived when, on which computer, under which limit.

import type { LimitTurn, NodeState, ProcessTurn } from "../hosts/host-events.ts";
import type { Rule } from "../invariants.ts";
import type { TraceEvent } from "../trace.ts";

/** What a component was declared to allow and to need. */
export interface NodeRule extends Rule {
  readonly budgetMs: number;
}

/** What a judge must know beside the trace. */
export interface NodeJudged {
  readonly events: readonly TraceEvent[];
  /** The world's time when all was over. */
  readonly at: number;
  /** The network's least delay, which receivers do not count. */
  readonly leastMs: number;
  /** Whether the nodes are to know each other. */
  readonly joined: boolean;
  /** By contract. */
  readonly rules: ReadonlyMap<string, NodeRule>;
  readonly nodes: readonly {
    readonly name: string;
    /** The limit it was started with. */
    readonly containers: number;
    readonly graceMs: number;
    /** Of its computer. */
    readonly memoryBytes: number;
  }[];
}

export interface Life {
  readonly up: ProcessTurn;
  /** Undefined: it still runs. */
  down: ProcessTurn | undefined;
  /** From, and to where it went on. */
  readonly stops: { readonly from: number; to: number }[];
  /** Whether it has been given code. */
  loaded: boolean;
  /** Whether its governor ended it by force. */
  killed: boolean;
  /** When it was told to drain. */
  drainingAt: number | undefined;
}

export class NodeFacts {
  readonly judged: NodeJudged;
  readonly events: readonly TraceEvent[];
  /** By the process's name. */
  readonly lives = new Map<string, Life>();
  readonly states: readonly NodeState[];
  /** Whether anything failed that was not planned as a change: a fault, a blocked loop, a process that ended by itself. */
  readonly hadFaults: boolean;

  constructor(judged: NodeJudged) {
    this.judged = judged;
    this.events = judged.events;
    for (const event of judged.events) this.#enter(event);
    this.states = judged.events.filter((event) => event.kind === "node state");
    this.hadFaults = judged.events.some(isFault);
  }

  of(host: string, program: string): Life[] {
    return [...this.lives.values()].filter(({ up }) => up.host === host && up.program === program);
  }

  /** Whether one governor ran there all that time, and never stood still. */
  governed(host: string, from: number, to: number): boolean {
    return this.of(host, "governor").some(
      ({ up, down, stops }) =>
        up.at <= from &&
        (down === undefined || down.at >= to) &&
        !stops.some((stop) => stop.from < to && stop.to > from),
    );
  }

  /** Whether anything of this kind happened to the node in that time. */
  happened(host: string, from: number, to: number, test: (event: TraceEvent) => boolean): boolean {
    return this.events.some(
      (event) => "host" in event && event.host === host && event.at >= from && event.at <= to && test(event),
    );
  }

  /** Whether files took long, or could not be written, at some time in between. */
  slowDisk(host: string, from: number, to: number): boolean {
    let lasting = 0;
    for (const event of this.events) {
      if (event.at > to) break;
      if (event.kind !== "fault on" && event.kind !== "fault off") continue;
      if (event.fault !== `slow disk ${host}` && event.fault !== `full disk ${host}`) continue;
      lasting += event.kind === "fault on" ? 1 : -1;
      if (event.at >= from) return true;
    }
    return lasting > 0;
  }

  #enter(event: TraceEvent): void {
    if (event.kind === "process up") {
      this.lives.set(event.process, {
        up: event,
        down: undefined,
        stops: [],
        loaded: false,
        killed: false,
        drainingAt: undefined,
      });
      return;
    }
    if (event.kind === "drain told") {
      const told = this.lives.get(event.container);
      if (told !== undefined) told.drainingAt ??= event.at;
      return;
    }
    if (!("process" in event)) return;
    const life = this.lives.get(event.process);
    if (life === undefined) return;
    if (event.kind === "process down") life.down = event;
    if (event.kind === "loaded") life.loaded = true;
    if (event.kind === "process killed") life.killed = true;
    if (event.kind === "process stopped") life.stops.push({ from: event.at, to: Number.POSITIVE_INFINITY });
    if (event.kind === "process goes on") {
      const last = life.stops.at(-1);
      if (last !== undefined) last.to = event.at;
    }
    if (event.kind === "draining") life.drainingAt ??= event.at;
  }
}

function isFault(event: TraceEvent): boolean {
  if (event.kind === "process down") return event.program === "container" && event.how !== "code 0";
  return event.kind === "fault on" || event.kind === "process blocked";
}

/** The limit of a node as its operator sees it, event by event. */
export class LimitInForce {
  readonly #initial: number;
  #sure: number;
  #told: number[] = [];

  constructor(initial: number) {
    this.#initial = initial;
    this.#sure = initial;
  }

  /** What was said to be in force last. */
  get sure(): number {
    return this.#sure;
  }

  /** The most that may be in force: an order that was told, and not answered, may have come to be or not. */
  get most(): number {
    return Math.max(this.#sure, ...this.#told);
  }

  /** `diskFull`: it could not be kept for the next governor. */
  onEvent({ kind, containers }: LimitTurn, diskFull: boolean): void {
    if (kind === "limit told") this.#told.push(containers);
    else {
      this.#told = diskFull ? [...this.#told, this.#sure] : [];
      this.#sure = containers;
    }
  }

  /** The node was started anew, by hand: with what it was started with at first. */
  onStart(): void {
    this.#sure = this.#initial;
    this.#told = [];
  }
}
