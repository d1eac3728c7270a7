// A figure of the bench of the log index, and the processor time that it is mostly of.

import { type Spread, spreadOf } from "../harness/statistics.ts";

export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly goal?: string;
  readonly values: Readonly<Record<string, Spread>>;
}

export const single = (value: number): Spread => spreadOf([value]);

/** Milliseconds of processor, of all threads of this process. */
export async function timed<T>(act: () => T | Promise<T>): Promise<{ ms: number; result: T }> {
  const before = process.cpuUsage();
  const result = await act();
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1000, result };
}
