// Keeps the islands of an archipelago going on their hosts until the search is over, or is told to stop.

import type { Archipelago } from "./archipelago.ts";
import type { Hosts, SliceReply } from "./host.ts";

export interface Driving {
  readonly archipelago: Archipelago;
  readonly hosts: Hosts;
  /** Stops after the slices under way. */
  readonly signal: AbortSignal;
  readonly sliceMs?: number;
  /** Slices at one time. Default all islands'. */
  readonly width?: number;
  /** Told after each slice. */
  readonly told?: (island: number, reply: SliceReply) => void;
}

const SLICE_MS = 200;

/** Settles when the search is over or was stopped; rejects with what ended it. */
export function drive(driving: Driving): Promise<void> {
  const { archipelago, hosts, signal, sliceMs = SLICE_MS, told = () => {} } = driving;
  const width = driving.width ?? archipelago.seats.length;
  const running = new Set<number>();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let failed = false;

  const step = () => {
    if (failed) return;
    if (archipelago.over || signal.aborted) {
      if (running.size === 0) resolve();
      return;
    }
    // Those behind first: others wait for them.
    const order = archipelago.seats
      .map((seat, i) => ({ i, epochs: seat.epochs }))
      .sort((a, b) => a.epochs - b.epochs || a.i - b.i);
    for (const { i } of order) {
      if (running.size >= width) break;
      if (!running.has(i) && archipelago.mayBegin(i)) void begin(i);
    }
  };

  const begin = async (i: number) => {
    running.add(i);
    try {
      const reply = await hosts.evolve(archipelago.request(i, sliceMs), signal);
      archipelago.took(i, reply);
      told(i, reply);
    } catch (thrown) {
      if (!signal.aborted) {
        failed = true;
        reject(thrown);
      }
    } finally {
      running.delete(i);
      step();
    }
  };

  const onAbort = () => {
    if (running.size === 0) resolve();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  step();
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}
