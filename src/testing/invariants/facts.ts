// A trace put in order for those who judge it: what became of each call, each run and each process.

import { MOST_DRIFT } from "../faults.ts";
import type { Called, Ended, Life, Outcome, Part, Started, TraceEvent, Withdrawn } from "../trace.ts";

/** What a component was declared to allow. */
export interface Rule {
  readonly concurrency: number;
  readonly reentrant: boolean;
}

/** What a judge must know beside the trace. */
export interface Judged {
  readonly events: readonly TraceEvent[];
  /** By contract. */
  readonly rules: ReadonlyMap<string, Rule>;
  /** By container's name: calls that may wait. */
  readonly inboxLimits: ReadonlyMap<string, number>;
  /** The network's least delay, which receivers do not count. */
  readonly leastMs: number;
  /** When all was over: what containers still held. */
  readonly left: readonly { readonly process: string; readonly waiting: number; readonly running: number }[];
}

export interface Run {
  readonly started: Started;
  /** Place in the trace. */
  readonly index: number;
  ended: Ended | undefined;
  readonly made: number[];
}

export interface CallFacts {
  readonly called: Called;
  readonly outcomes: Outcome[];
  readonly parts: Part[];
  readonly results: Part[];
  readonly runs: Run[];
  readonly read: number[];
  withdrawn: Withdrawn | undefined;
}

/** Rounding of times to the wire's microseconds and the clock's ticks, over several hops. */
export const ROUNDING_MS = 0.05;

export class Facts {
  readonly judged: Judged;
  readonly events: readonly TraceEvent[];
  readonly calls = new Map<number, CallFacts>();
  readonly runs = new Map<number, Run>();
  readonly lives = new Map<string, Life[]>();
  /** Calls by who sent them and their id on the wire. */
  readonly callOf = new Map<string, number>();
  /** When something first happened that breaks connections. */
  readonly firstBreakAt: number;

  constructor(judged: Judged) {
    this.judged = judged;
    this.events = judged.events;
    let firstBreakAt = Number.POSITIVE_INFINITY;
    judged.events.forEach((event, index) => {
      this.#enter(event, index);
      if (breaks(event)) firstBreakAt = Math.min(firstBreakAt, event.at);
    });
    this.firstBreakAt = firstBreakAt;
  }

  /** Whether `process` was killed, so that nobody may expect anything of it. */
  crashed(process: string): boolean {
    return this.lives.get(process)?.some(({ kind }) => kind === "down") ?? false;
  }

  gone(process: string): boolean {
    return this.lives.get(process)?.some(({ kind }) => kind === "down" || kind === "drained") ?? false;
  }

  rule(contract: string): Rule {
    return this.judged.rules.get(contract) ?? { concurrency: 1, reentrant: false };
  }

  /** No process may start it later than this: its ttl and that of every call above, and the stated bound. */
  lastStartAt(call: number): number {
    const facts = this.calls.get(call);
    if (facts === undefined) return Number.POSITIVE_INFINITY;
    const { at, ttlMs, parent } = facts.called;
    const bound = this.judged.leastMs + ROUNDING_MS;
    return Math.min(
      at + ttlMs * (1 + 2 * MOST_DRIFT) + bound,
      parent === 0 ? Number.POSITIVE_INFINITY : this.lastStartAt(parent) + bound,
    );
  }

  /** Nobody may say before this that its time is over. */
  firstLateAt(call: number): number {
    const facts = this.calls.get(call);
    if (facts === undefined) return Number.NEGATIVE_INFINITY;
    const { at, ttlMs, parent } = facts.called;
    const own = at + ttlMs * (1 - 2 * MOST_DRIFT) - ROUNDING_MS;
    return parent === 0 ? own : Math.min(own, this.firstLateAt(parent));
  }

  /** The runs in which a call was made, nearest first. */
  runsAbove(call: number): Run[] {
    const found: Run[] = [];
    let run = this.runs.get(this.calls.get(call)?.called.parentRun ?? 0);
    while (run !== undefined) {
      found.push(run);
      run = this.runs.get(this.calls.get(run.started.call)?.called.parentRun ?? 0);
    }
    return found;
  }

  /** The runs that may answer a call: its own, and those of calls with its key. */
  runsFor(call: number): Run[] {
    const facts = this.calls.get(call);
    if (facts === undefined || facts.called.key === "") return facts?.runs ?? [];
    const { key, path } = facts.called;
    return [...this.calls.values()]
      .filter(({ called }) => called.key === key && called.path === path)
      .flatMap(({ runs }) => runs);
  }

  #enter(event: TraceEvent, index: number): void {
    switch (event.kind) {
      case "called":
        this.calls.set(event.call, {
          called: event,
          outcomes: [],
          parts: [],
          results: [],
          runs: [],
          read: [],
          withdrawn: undefined,
        });
        break;
      case "outcome":
        this.calls.get(event.call)?.outcomes.push(event);
        break;
      case "part":
        this.calls.get(event.call)?.parts.push(event);
        break;
      case "result":
        this.calls.get(event.call)?.results.push(event);
        break;
      case "read":
        this.calls.get(event.call)?.read.push(event.value);
        break;
      case "withdrawn": {
        const call = this.calls.get(event.call);
        if (call !== undefined) call.withdrawn ??= event;
        break;
      }
      case "started": {
        const run: Run = { started: event, index, ended: undefined, made: [] };
        this.runs.set(event.run, run);
        this.calls.get(event.call)?.runs.push(run);
        break;
      }
      case "ended": {
        const run = this.runs.get(event.run);
        if (run !== undefined) run.ended = event;
        break;
      }
      case "made":
        this.runs.get(event.run)?.made.push(event.value);
        break;
      case "sent":
        if (event.envelope === "CALL" && event.call !== 0) this.callOf.set(wireKey(event), event.call);
        break;
      case "up":
      case "draining":
      case "drained":
      case "down":
        this.lives.set(event.process, [...(this.lives.get(event.process) ?? []), event]);
        break;
    }
  }
}

/** A message's caller and id, by which CANCEL and MORE name their call. */
export function wireKey({ from, id }: { readonly from: string; readonly id: number }): string {
  return `${from}/${id}`;
}

/** NAME of NAME.N. */
export function nameOf(process: string): string {
  return process.slice(0, process.lastIndexOf("."));
}

function breaks(event: TraceEvent): boolean {
  if (event.kind === "fault on") return /^(?:cut|partition|crash)/.test(event.fault);
  return event.kind === "draining" || event.kind === "down";
}
