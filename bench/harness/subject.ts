// One system under measurement: its processes, and what one round of calls cost it.

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import type { Done, Load } from "./load.ts";

export interface Round extends Done {
  /** Calls whose function ran on the called side during the round. */
  readonly served: number;
  /** Processor time of the calling process, and of the called one where it is another. */
  readonly callingCpuUs: number;
  readonly calledCpuUs: number;
}

export interface Subject {
  readonly name: string;
  measure(load: Load, withinMs: number): Promise<Round>;
  end(): Promise<void>;
}

export interface Pair extends Subject {
  readonly calling: Child;
  readonly called: Child;
}

/** Caller and called in two processes. */
export async function startPair(name: string, nodeArguments: readonly string[] = []): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), "unum-bench-"));
  const forget = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", forget);
  const called = new Child({ system: name, nodeArguments });
  const calling = new Child({ system: name, nodeArguments });
  const end = async () => {
    await calling.end();
    await called.end();
    process.off("exit", forget);
    forget();
  };
  try {
    const address = await called.ask("serve", { folder });
    await calling.ask("connect", { address });
  } catch (thrown) {
    await end();
    throw thrown;
  }
  return { name, calling, called, end, measure: (load, withinMs) => measure({ calling, called }, load, withinMs) };
}

/** Caller and called in one process. */
export async function startLocal(name: string, nodeArguments: readonly string[] = []): Promise<Subject> {
  const child = new Child({ system: name, nodeArguments });
  try {
    await child.ask("local", null);
  } catch (thrown) {
    await child.end();
    throw thrown;
  }
  return {
    name,
    end: () => child.end(),
    measure: (load, withinMs) => measure({ calling: child, called: child }, load, withinMs),
  };
}

async function measure(sides: { calling: Child; called: Child }, load: Load, withinMs: number): Promise<Round> {
  const { calling, called } = sides;
  const calledBefore = await called.ask("count", null);
  const callingBefore = await calling.ask("count", null);
  const done = await calling.ask("load", load, withinMs);
  const callingAfter = await calling.ask("count", null);
  const calledAfter = await called.ask("count", null);
  return {
    ...done,
    served: calledAfter.served - calledBefore.served,
    callingCpuUs: callingAfter.cpuUs - callingBefore.cpuUs,
    calledCpuUs: calling === called ? 0 : calledAfter.cpuUs - calledBefore.cpuUs,
  };
}
