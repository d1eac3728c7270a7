// Judges what callers were told: that they were told, once, in time, and the truth.

import { FAULTS, isFaultCode } from "../../base/fault.ts";
import { Mode } from "../../messages/envelope.ts";
import { MOST_DRIFT } from "../faults.ts";
import type { OutcomeCode } from "../trace.ts";
import { type CallFacts, type Facts, nameOf, ROUNDING_MS, type Run } from "./facts.ts";

/** How long a program takes to note an outcome after its deadline's timer. */
const NOTING_MS = 1;

export function* oneOutcome(facts: Facts): Iterable<string> {
  for (const [call, { called, outcomes, parts }] of facts.calls) {
    const first = outcomes[0];
    const { process, path, at, ttlMs, mode, parent } = called;
    if (outcomes.length > 1) yield `call ${call} of ${process} to ${path} has ${outcomes.length} outcomes`;
    if (first === undefined) {
      if (!facts.gone(process)) yield `call ${call} of ${process} to ${path} has no outcome`;
      continue;
    }
    const latest = at + ttlMs * (1 + 2 * MOST_DRIFT) + NOTING_MS;
    // A component may be paused with its container, and a reader of a stream reads when it likes.
    if (parent === 0 && mode !== Mode.STREAM && first.at > latest) {
      yield `call ${call} to ${path} had its outcome at ${first.at}, its ttl ended at ${at + ttlMs}`;
    }
    const addresses = new Set(parts.map(({ to }) => to));
    if (addresses.size < parts.length) yield `broadcast ${call} has two outcomes for one container`;
  }
}

/** A code that says "not started" is only said of what did not start. */
export function* notStartedWhereSaid(facts: Facts): Iterable<string> {
  for (const [call, { outcomes, parts, runs }] of facts.calls) {
    for (const { code } of outcomes) {
      const run = runs[0];
      if (saysNotStarted(code) && run !== undefined) {
        yield `call ${call} was reported '${code}' and ran in ${run.started.process} at ${run.started.at}`;
      }
    }
    for (const { code, to } of parts) {
      const run = runs.find(({ started }) => isAt(started.process, to));
      if (saysNotStarted(code) && run !== undefined) {
        yield `broadcast ${call} was reported '${code}' for ${to} and ran in ${run.started.process} at ${run.started.at}`;
      }
    }
  }
}

function saysNotStarted(code: OutcomeCode): boolean {
  return isFaultCode(code) && FAULTS[code].started === "no";
}

/** A value comes from a run that ended with it, before it was told, where it is said to come from. */
export function* okOnlyIfRun(facts: Facts): Iterable<string> {
  for (const [call, each] of facts.calls) {
    const { called, outcomes, parts, results } = each;
    const runs = facts.runsFor(call);
    for (const { code, by, value, at, stateKept } of outcomes) {
      if (code !== "ok") continue;
      if (!stateKept) yield `call ${call} to ${called.path} came back with another state`;
      if (called.mode !== Mode.SYNC) continue;
      if (!runs.some((run) => run.started.process === by && answers(run, value, at))) {
        yield `call ${call} to ${called.path} is ok by ${by} at ${at}, where no run ended with that value`;
      }
    }
    for (const { code, value, at, to } of [...parts, ...results]) {
      if (code === "ok" && !runs.some((run) => isAt(run.started.process, to) && answers(run, value, at))) {
        yield `call ${call} to ${called.path} has a result of ${to} at ${at} with which no run there ended`;
      }
    }
  }
}

/** `to` is a process, or a container's name where no process is known to have answered. */
function isAt(process: string, to: string): boolean {
  return process === to || nameOf(process) === to;
}

function answers(run: Run, value: number, at: number): boolean {
  return run.ended?.code === "ok" && run.ended.value === value && run.ended.at <= at;
}

/** What was withdrawn, late, full or going in a circle is told so; nothing else is. */
export function* faultsAreTrue(facts: Facts): Iterable<string> {
  for (const [call, each] of facts.calls) {
    for (const { code, at } of [...each.outcomes, ...each.results]) {
      const why = untruth(facts, call, each, code, at);
      if (why !== undefined) yield `call ${call} to ${each.called.path} was reported '${code}' at ${at}: ${why}`;
    }
  }
}

function untruth(facts: Facts, call: number, each: CallFacts, code: OutcomeCode, at: number): string | undefined {
  const { called, withdrawn, runs } = each;
  const lateFrom = facts.firstLateAt(call);
  switch (code) {
    case "expired":
      return at < lateFrom ? `its time to live had until ${lateFrom}` : undefined;
    case "unknown":
      // Who waits inside for the result of an ASYNC call to itself is told no more than this.
      if (called.mode === Mode.ASYNC && isCycle(facts, call)) return undefined;
      return at < lateFrom && facts.firstBreakAt > at ? "its time was not over and nothing had broken" : undefined;
    case "cancelled":
      return withdrawn === undefined && !facts.events.some((event) => event.kind === "draining" && event.at <= at)
        ? "nobody withdrew it"
        : undefined;
    case "cycle":
      return isCycle(facts, call) ? undefined : "no call above it is to the same component";
    case "application":
      // Of a key, another call's run answers.
      return runs.length === 0 && called.key === "" ? "it never ran" : undefined;
    case "internal":
      return "nothing in a simulated world is broken";
    case "denied":
    case "invalid":
      return "nothing in a simulated world is refused so";
    default:
      return undefined;
  }
}

function isCycle(facts: Facts, call: number): boolean {
  const path = facts.calls.get(call)?.called.path ?? "";
  return facts.runsAbove(call).some(({ started }) => path.startsWith(`${started.contract}/`));
}

export function* startedInTime(facts: Facts): Iterable<string> {
  for (const [call, { called, runs }] of facts.calls) {
    const last = facts.lastStartAt(call);
    for (const { started } of runs) {
      if (started.at > last + ROUNDING_MS) {
        yield `call ${call} (ttl ${called.ttlMs} ms from ${called.at}) was started by ${started.process} at ${started.at}, after ${last}`;
      }
    }
  }
}

export function* atMostOnce(facts: Facts): Iterable<string> {
  for (const [call, { called, runs }] of facts.calls) {
    if (called.key !== "") continue;
    const places = runs.map(({ started }) => started.process);
    const once = called.mode === Mode.BROADCAST ? new Set(places).size : Math.min(1, places.length);
    if (places.length > once) yield `call ${call} without a key ran ${places.length} times: ${places.join(", ")}`;
  }
}

export function* onceByKey(facts: Facts): Iterable<string> {
  const latest = new Map<string, Run>();
  const runs = [...facts.runs.values()].sort((a, b) => a.index - b.index);
  for (const run of runs) {
    const called = facts.calls.get(run.started.call)?.called;
    if (called === undefined || called.key === "") continue;
    const group = `${run.started.process} ${called.path} ${called.key}`;
    const before = latest.get(group);
    latest.set(group, run);
    if (before === undefined) continue;
    const windowEnd = facts.firstLateAt(before.started.call);
    if (run.started.at < windowEnd) {
      yield `key ${called.key} ran twice in ${run.started.process}: at ${before.started.at} and ${run.started.at}, its window ends at ${windowEnd}`;
    }
  }
}
