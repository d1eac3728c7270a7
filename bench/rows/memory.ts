// Memory: of a process that serves and has nothing to do, and of each side per 1,000 calls that are under way.

import type { Memory } from "../harness/memory.ts";
import { type Pair, startPair } from "../harness/subject.ts";

const STEPS = [2_000, 4_000, 8_000];
const SIZE_BYTES = 200;
const ARRIVE_MS = 20_000;

export interface MemoryFigures {
  readonly idleCalled: Memory;
  readonly idleCalling: Memory;
  /** Private memory per 1,000 calls under way, each side; NaN where none can be held. */
  readonly calledKbPer1000: number;
  readonly callingKbPer1000: number;
}

export type MemoryOutcome =
  | { readonly kind: "measured"; readonly figures: MemoryFigures }
  | { readonly kind: "refused"; readonly reason: string };

export async function memoryOf(name: string): Promise<MemoryOutcome> {
  let pair: Pair | undefined;
  try {
    // The first start fills Node's cache of compiled code.
    await (await startPair(name)).end();
    pair = await startPair(name);
    return { kind: "measured", figures: await measure(pair, name !== "bare") };
  } catch (thrown) {
    return { kind: "refused", reason: thrown instanceof Error ? thrown.message : String(thrown) };
  } finally {
    await pair?.end();
  }
}

async function measure({ calling, called }: Pair, holds: boolean): Promise<MemoryFigures> {
  const idleCalled = await called.ask("memory", null);
  const idleCalling = await calling.ask("memory", null);
  if (!holds) return { idleCalled, idleCalling, calledKbPer1000: Number.NaN, callingKbPer1000: Number.NaN };
  // The first calls load code and grow heaps; they are no part of what a call costs.
  let last = 0;
  const points: { held: number; called: Memory; calling: Memory }[] = [];
  for (const held of STEPS) {
    await calling.ask("hold", { calls: held - last, sizeBytes: SIZE_BYTES });
    await arrived(called, held);
    points.push({ held, called: await called.ask("memory", null), calling: await calling.ask("memory", null) });
    last = held;
  }
  await called.ask("release", null);
  await arrived(calling, 0);
  return {
    idleCalled,
    idleCalling,
    calledKbPer1000: slope(points.map(({ held, called: { privateKb } }) => [held, privateKb])) * 1_000,
    callingKbPer1000: slope(points.map(({ held, calling: { privateKb } }) => [held, privateKb])) * 1_000,
  };
}

/** Asks until the side has exactly so many calls under way. */
async function arrived(side: Pair["called"], wanted: number): Promise<void> {
  const until = performance.now() + ARRIVE_MS;
  for (;;) {
    const held = await side.ask("held", null);
    if (held === wanted) return;
    if (performance.now() > until) throw new Error(`${held} calls under way where ${wanted} were intended`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Of the line that fits best. */
function slope(points: readonly (readonly [number, number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return over / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}
