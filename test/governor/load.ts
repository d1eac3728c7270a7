// Callers and readers who go on until they are told to stop, and what became of every one of their calls.

import { Work } from "../gen/unum/test/v1/work_pb.ts";
import type { TestNode } from "./node.ts";

export interface Load {
  /** How many have ended well so far. */
  readonly done: number;
  /** Settles when each of the calls under way has its outcome. */
  stop(): Promise<Outcome>;
}

export interface Outcome {
  readonly failures: readonly string[];
  /** Keys of the calls and items that came back. */
  readonly keys: readonly string[];
}

export interface LoadSettings {
  readonly callers?: number;
  readonly readers?: number;
  readonly waitMs: number;
  /** Whether each call is written down when it begins. */
  readonly isNoted?: boolean;
}

const TTL_MS = 60_000;

/** Those that nobody has told to stop. */
const running = new Set<() => void>();

/** After a test that failed before it stopped its own: they would call for ever, and keep the process from its end. */
export function endLoads(): void {
  for (const stop of running) stop();
}

/** `callers` of the SYNC method, `readers` of the STREAM method, each one call after the other. */
export function load(
  client: TestNode["client"],
  { callers = 0, readers = 0, waitMs, isNoted = true }: LoadSettings,
): Load {
  let stopped = false;
  const end = () => {
    stopped = true;
    running.delete(end);
  };
  running.add(end);
  let calls = 0;
  const failures: string[] = [];
  const keys: string[] = [];
  const goOn = async (ask: (key: string) => Promise<void>) => {
    while (!stopped) await ask(`call-${calls++}`).catch((error) => failures.push(String(error)));
  };
  const call = async (key: string) => {
    await client.call(Work.method.do, { waitMs, key: isNoted ? key : "" }, { ttlMs: TTL_MS, withinMs: TTL_MS });
    keys.push(key);
  };
  const read = async (key: string) => {
    const items = client.stream(Work.method.count, { items: 5, waitMs, key: "" }, { ttlMs: TTL_MS, withinMs: TTL_MS });
    let got = 0;
    for await (const _ of items) got++;
    if (got !== 5) throw new Error(`${got} items of 5`);
    keys.push(key);
  };
  const all = [
    ...Array.from({ length: callers }, () => goOn(call)),
    ...Array.from({ length: readers }, () => goOn(read)),
  ];
  return {
    get done() {
      return keys.length;
    },
    stop: async () => {
      end();
      await Promise.all(all);
      return { failures, keys };
    },
  };
}

/** Calls that begin so often, however long each takes. Settles when `until` has and each has its outcome. */
export async function callEvery(
  client: TestNode["client"],
  { everyMs, waitMs }: { everyMs: number; waitMs: number },
  until: Promise<unknown>,
): Promise<Outcome> {
  const failures: string[] = [];
  const keys: string[] = [];
  const calls: Promise<unknown>[] = [];
  const startedAt = performance.now();
  let over = false;
  const ending = until.finally(() => {
    over = true;
  });
  while (!over) {
    while (calls.length * everyMs < performance.now() - startedAt) {
      const key = `call-${calls.length}`;
      const reply = client.call(Work.method.do, { waitMs, key }, { ttlMs: TTL_MS, withinMs: TTL_MS });
      calls.push(
        reply.then(
          () => keys.push(key),
          (error) => failures.push(`${key}: ${error}`),
        ),
      );
    }
    await new Promise((soon) => setTimeout(soon, everyMs));
  }
  await ending;
  await Promise.all(calls);
  return { failures, keys };
}

/** Those that are there more than once. */
export function twice(keys: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return keys.filter((key) => seen.has(key) || !seen.add(key));
}
