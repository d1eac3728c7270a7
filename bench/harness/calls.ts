// What a call costs: one at a time, then many under way.

import { quantile } from "./statistics.ts";

export interface CallFigures {
  readonly roundTripUsP50: number;
  readonly roundTripUsP99: number;
  /** With `underWay` calls at a time. */
  readonly callsPerSecond: number;
}

/** A quarter of `calls` to compile the code, `calls` one at a time, four times as many `underWay` at a time. */
export async function callFigures(
  one: () => Promise<unknown>,
  { calls, underWay }: { calls: number; underWay: number },
): Promise<CallFigures> {
  const many = async (count: number) => {
    let left = count;
    const worker = async () => {
      while (left-- > 0) await one();
    };
    await Promise.all(Array.from({ length: underWay }, worker));
  };
  for (let call = 0; call < calls / 4; call++) await one();
  const trips: number[] = [];
  for (let call = 0; call < calls; call++) {
    const since = performance.now();
    await one();
    trips.push((performance.now() - since) * 1_000);
  }
  // Its own road is compiled too before it counts.
  await many(calls);
  const since = performance.now();
  await many(calls * 4);
  const seconds = (performance.now() - since) / 1_000;
  return {
    roundTripUsP50: quantile(trips, 0.5),
    roundTripUsP99: quantile(trips, 0.99),
    callsPerSecond: (calls * 4) / seconds,
  };
}
