// Keeps the islands of an archipelago going on their hosts until the search is over, or is told to stop.

import type { Proposal } from "../proposer.ts";
import type { Archipelago } from "./archipelago.ts";
import type { Hosts, SliceReply } from "./host.ts";
import type { Question } from "./questions.ts";

export interface Driving {
  readonly archipelago: Archipelago;
  readonly hosts: Hosts;
  /** Stops after the slices under way. */
  readonly signal: AbortSignal;
  /** Asked before each slice, in ms. Default 200. */
  readonly sliceMs?: () => number;
  /** Slices at one time. Default all islands'. */
  readonly width?: number;
  /** Told after each slice. */
  readonly told?: (island: number, reply: SliceReply) => void;
  /** Asked where the plan has a proposer. Rejects where the signal aborts, or with what ends the search. */
  readonly propose?: ((question: Question, signal: AbortSignal) => Promise<Proposal>) | undefined;
}

const SLICE_MS = 200;

/** Settles when the search is over or was stopped; rejects with what ended it. */
export function drive(driving: Driving): Promise<void> {
  const { archipelago, hosts, signal, sliceMs = () => SLICE_MS, told = () => {}, propose } = driving;
  const width = driving.width ?? archipelago.seats.length;
  const running = new Set<number>();
  /** Islands that wait for an answer: they take no place of one that evolves. */
  const asking = new Set<number>();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let failed = false;

  const step = () => {
    if (failed) return;
    if (archipelago.over || signal.aborted) {
      if (running.size === 0 && asking.size === 0) resolve();
      return;
    }
    // Those behind first: others wait for them.
    const order = archipelago.seats
      .map((seat, i) => ({ i, epochs: seat.epochs }))
      .sort((a, b) => a.epochs - b.epochs || a.i - b.i);
    for (const { i } of order) {
      if (running.size >= width && propose === undefined) break;
      if (running.has(i) || asking.has(i) || !archipelago.mayBegin(i)) continue;
      const question = archipelago.question(i);
      if (question !== undefined && propose !== undefined) void during(asking, i, () => ask(question, propose));
      else if (running.size < width) void during(running, i, () => begin(i));
    }
  };

  const ask = async (question: Question, asked: NonNullable<typeof propose>) => {
    archipelago.answered(question, await asked(question, signal));
  };

  const begin = async (i: number) => {
    const reply = await hosts.evolve(archipelago.request(i, sliceMs()), signal);
    archipelago.took(i, reply);
    told(i, reply);
  };

  const during = async (busy: Set<number>, i: number, work: () => Promise<void>) => {
    busy.add(i);
    try {
      await work();
    } catch (thrown) {
      if (!signal.aborted) {
        failed = true;
        reject(thrown);
      }
    } finally {
      busy.delete(i);
      step();
    }
  };

  const onAbort = () => {
    if (running.size === 0 && asking.size === 0) resolve();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  step();
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}
