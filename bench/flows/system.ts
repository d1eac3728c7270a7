// What the bench of flows asks of each system: the same chains and fan-outs, with proof that the work was done.

/** Steps of a chain; each adds one to `hops`. */
export const STEPS = 7;
/** Parts that one item is split into, and joined again. */
export const PARTS = 100;

export interface ChainRound {
  /** From the first item's submission to the last one's end. */
  readonly ms: number;
  /** Of each item, ms. */
  readonly latencies: readonly number[];
  /** What is known of it besides, in words. */
  readonly note: string;
}

export interface FlowSystem {
  readonly name: string;
  /** Items of STEPS steps each, so many under way at one time. Rejects where one did not take all its steps. */
  chain(items: number, inFlight: number): Promise<ChainRound>;
  /** One item after the other, split into PARTS and joined; the ms of each. Undefined where the system has no join. */
  readonly fan: ((items: number) => Promise<readonly number[]>) | undefined;
  close(): Promise<void>;
}

/** `one` is called `count` times, at most `inFlight` at a time; the ms that each took. */
export async function inTurns(count: number, inFlight: number, one: () => Promise<void>): Promise<ChainRound> {
  const latencies: number[] = [];
  let next = 0;
  const startedAt = performance.now();
  const go = async () => {
    while (next++ < count) {
      const began = performance.now();
      await one();
      latencies.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, go));
  return { ms: performance.now() - startedAt, latencies, note: "" };
}

export function verified(hops: unknown, of: string): void {
  if (hops !== STEPS) throw new Error(`${of}: an item came out with ${String(hops)} hops instead of ${STEPS}`);
}
