// Judges limits: who runs beside whom, and how many wait.

import { Mode } from "../../messages/envelope.ts";
import { type Facts, nameOf } from "./facts.ts";

interface Running {
  readonly run: number;
  readonly call: number;
  readonly contract: string;
}

/** One at a time, but for what a component opted into and what a waiting frame called. */
export function* oneAtATime(facts: Facts): Iterable<string> {
  const running = new Map<string, Map<number, Running>>();
  for (const event of facts.events) {
    if (event.kind === "ended") running.get(event.process)?.delete(event.run);
    if (event.kind !== "started") continue;
    const here = running.get(event.process) ?? new Map<number, Running>();
    running.set(event.process, here);
    const others = [...here.values()];
    const above = new Set(facts.runsAbove(event.call).map(({ started }) => started.run));
    const asInner = besideWhat(facts, event, others, above);
    // Who sends an ASYNC call does not wait for it, unless it asks for the result.
    const isAsync = facts.calls.get(event.call)?.called.mode === Mode.ASYNC;
    const why = asInner !== undefined && isAsync ? besideWhat(facts, event, others, new Set()) : asInner;
    if (why !== undefined) yield `${event.process} runs call ${event.call} of ${event.contract} at ${event.at} ${why}`;
    here.set(event.run, event);
  }
}

/** Why a call may not run with the others, of which those above it wait for it. */
function besideWhat(
  facts: Facts,
  { contract }: Running,
  all: Running[],
  above: ReadonlySet<number>,
): string | undefined {
  const others = all.filter(({ run }) => !above.has(run));
  const itself = all.find((other) => above.has(other.run) && other.contract === contract);
  const { concurrency, reentrant } = facts.rule(contract);
  if (itself !== undefined && !reentrant) return `inside call ${itself.call}, and is not reentrant`;
  const same = others.filter((other) => other.contract === contract).length;
  if (same >= concurrency) return `beside ${same} others, and takes ${concurrency}`;
  const entersAgain = others.length < all.length;
  const foreign = others.find(
    (other) => other.contract !== contract && !(entersAgain && facts.rule(other.contract).concurrency > 1),
  );
  return foreign === undefined ? undefined : `beside call ${foreign.call} of ${foreign.contract}`;
}

/** At most as many wait as may, and `overloaded` is only said when as many do. */
export function* inboxLimit(facts: Facts): Iterable<string> {
  const waiting = new Map<string, { surely: Set<number>; perhaps: Set<number>; own: Set<number> }>();
  const of = (process: string) => {
    const found = waiting.get(process) ?? { surely: new Set(), perhaps: new Set(), own: new Set() };
    waiting.set(process, found);
    return found;
  };
  for (const event of facts.events) {
    if (event.kind === "called") of(event.process).own.add(event.call);
    else if (event.kind === "outcome") {
      const maker = facts.calls.get(event.call)?.called;
      if (maker !== undefined && maker.mode !== Mode.ASYNC) of(maker.process).own.delete(event.call);
    } else if (event.kind === "started") {
      of(event.process).surely.delete(event.call);
      of(event.process).perhaps.delete(event.call);
    } else if (event.kind === "received" && event.envelope === "CALL") {
      const here = of(event.process);
      const limit = facts.judged.inboxLimits.get(nameOf(event.process)) ?? Number.POSITIVE_INFINITY;
      if (here.surely.size > limit) {
        yield `${here.surely.size} calls wait in ${event.process} at ${event.at}, the limit is ${limit}`;
      }
      const called = facts.calls.get(event.call)?.called;
      here.perhaps.add(event.call);
      // A keyed call may wait for another one's run instead, an ASYNC one is answered before its turn, a STREAM's refusal later.
      const isPlain = called?.mode === Mode.SYNC || called?.mode === Mode.BROADCAST;
      if (isPlain && called.key === "") here.surely.add(event.call);
    } else if (event.kind === "replied") {
      const receipt = facts.events[event.receipt];
      if (receipt?.kind !== "received" || receipt.envelope !== "CALL") continue;
      const here = of(event.process);
      here.surely.delete(receipt.call);
      const mode = facts.calls.get(receipt.call)?.called.mode;
      const isAccepted = mode === Mode.ASYNC && event.code === "ok";
      if (isAccepted) continue;
      here.perhaps.delete(receipt.call);
      // A STREAM's refusal leaves a turn later, when others may have gone.
      if (mode === Mode.STREAM) continue;
      const limit = facts.judged.inboxLimits.get(nameOf(event.process)) ?? 0;
      const most = here.perhaps.size + here.own.size;
      if (event.code === "overloaded" && most < limit) {
        yield `${event.process} refused call ${receipt.call} as overloaded at ${event.at}, when at most ${most} of ${limit} waited`;
      }
    }
  }
}
