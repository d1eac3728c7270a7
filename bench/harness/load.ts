// A closed loop: so many calls are under way at every moment until the intended number is done.

import type { Exchange } from "../systems/system.ts";
import { Histogram } from "./histogram.ts";

export interface Load {
  readonly sizeBytes: number;
  readonly inFlight: number;
  readonly calls: number;
  /** The latency of every so-manieth call is taken; 1 except where reading the clock would weigh as much as the call. */
  readonly sampleEvery: number;
}

export interface Done {
  readonly completed: number;
  /** Replies that were not what was sent. */
  readonly wrong: number;
  readonly failed: number;
  readonly firstFailure: string | undefined;
  readonly elapsedMs: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export async function run(exchange: Exchange<unknown>, { inFlight, calls, sampleEvery }: Load): Promise<Done> {
  const latencies = new Histogram();
  let next = 0;
  let completed = 0;
  let wrong = 0;
  let failed = 0;
  let firstFailure: string | undefined;

  const oneAfterAnother = async () => {
    while (next < calls) {
      const index = next++;
      const sampled = index % sampleEvery === 0;
      const startedAt = sampled ? performance.now() : 0;
      try {
        const reply = await exchange.call(index);
        if (sampled) latencies.record(performance.now() - startedAt);
        if (!exchange.right(reply, index)) wrong++;
        completed++;
      } catch (thrown) {
        failed++;
        firstFailure ??= String(thrown);
      }
    }
  };

  const startedAt = performance.now();
  await Promise.all(Array.from({ length: Math.min(inFlight, calls) }, oneAfterAnother));
  const elapsedMs = performance.now() - startedAt;
  return {
    completed,
    wrong,
    failed,
    firstFailure,
    elapsedMs,
    p50Us: latencies.quantileUs(0.5),
    p99Us: latencies.quantileUs(0.99),
  };
}
