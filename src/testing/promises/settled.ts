// Waiting for a promise with an end, in real time and in a world whose time is virtual.

import { Fault } from "../../base/fault.ts";
import type { VirtualClock } from "../virtual-clock.ts";

function late(withinMs: number): Fault {
  return new Fault("expired", `a promise did not settle within ${withinMs} ms`);
}

/** Settles as the promise does; rejects with `expired` after `withinMs` of real time. */
export async function settledWithin<T>(withinMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late(withinMs)), withinMs);
  });
  try {
    return await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets virtual time pass, event by event, until the promise settles; rejects with `expired` after `withinMs` of it. */
export async function settledOn<T>(clock: VirtualClock, promise: Promise<T>, withinMs: number): Promise<T> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  if (await clock.runUntil(() => settled, withinMs)) return promise;
  throw late(withinMs);
}
