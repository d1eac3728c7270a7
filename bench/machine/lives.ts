// Many lives of one program on one node, and what they leave behind: memory, handles, files, processes, sockets.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gather } from "../../src/cli/machine/gather.ts";
import { signFile } from "../../src/machine/archive/minisign.ts";
import { packArchive } from "../../src/machine/archive/pack.ts";
import { trustBy } from "../../src/machine/privileges/trust.ts";
import { systemEnv } from "../../src/system/env.ts";
import type { LocalMachine, LocalNode } from "../../test/machine/local-machine.ts";
import { type Spread, slopeOf, spreadOf } from "../harness/statistics.ts";
import { until } from "../harness/until.ts";

const ROOT = join(import.meta.dirname, "../..");
const TTL = { ttlMs: 60_000 };
/** A connection is kept for a minute after its last use. */
const REST_MS = 75_000;
/** Fewer are no slope. */
const LEAST_FOR_REST = 10;
const SAMPLES = 20;

export interface Left {
  readonly handles: number;
  /** Of this process. */
  readonly sockets: number;
  /** Children of this process: containers. */
  readonly processes: number;
  readonly files: readonly string[];
}

export interface Lives {
  readonly lives: number;
  readonly runningMs: Spread;
  readonly wholeMs: Spread;
  readonly heapSlopeBytes: number;
  /** After connections to ended containers have ended, against the first sample. */
  readonly heapAfterRestBytes: number;
  /** Fewer lives than ten are not waited for: their connections are still there. */
  readonly hasRested: boolean;
  readonly before: Left;
  readonly after: Left;
}

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

export async function livesOf(machine: LocalMachine, node: LocalNode, count: number): Promise<Lives> {
  const life = await lifeOf(machine, node);
  const running: number[] = [];
  const whole: number[] = [];
  const heaps: number[] = [];
  for (let each = 0; each < 3; each++) await life(); // what is loaded and compiled once
  const before = leftIn(node);
  for (let each = 0; each < count; each++) {
    const took = await life();
    running.push(took.runningMs);
    whole.push(took.wholeMs);
    if (each % Math.ceil(count / SAMPLES) !== 0) continue;
    heaps.push(heapNow());
    process.stderr.write(`life ${each + 1} of ${count}: ${Math.round((heaps.at(-1) ?? 0) / 1_024)} KiB of heap\n`);
  }
  const hasRested = count >= LEAST_FOR_REST;
  if (hasRested) await new Promise((over) => setTimeout(over, REST_MS));
  const heapAfterRestBytes = heapNow() - (heaps[0] ?? 0);
  const slope = slopeOf(heaps.slice(Math.floor(heaps.length / 5)));
  return {
    ...{ lives: count, runningMs: spreadOf(running), wholeMs: spreadOf(whole) },
    ...{ heapSlopeBytes: slope / Math.ceil(count / SAMPLES), heapAfterRestBytes, hasRested },
    ...{ before, after: leftIn(node) },
  };
}

/** One life: from the first byte put until nothing is left. */
async function lifeOf(machine: LocalMachine, node: LocalNode) {
  const packing = await gather(join(ROOT, "examples/04-program"), systemEnv().clock);
  const parts = [{ kind: "component", folder: "components" } as const];
  const serves = packing.serves.filter((name) => name.endsWith(".Shrink"));
  const description = { ...packing.description, parts, trust: "operator" as const };
  const { bytes, archive } = await packArchive({ ...packing, description, serves }, machine.founder);
  const { digest, manifest } = archive;
  const [name, signature] = [manifest.name, signFile(bytes, machine.founder, "bench")];
  const trust = trustBy(machine.founder, { machine: machine.id, program: name, digest });
  const version = { version: manifest.version, digest, bytes: BigInt(bytes.length), trust };
  const say = (isRunning: boolean) =>
    node.propose(`program/${name}`, {
      case: "program",
      value: { loaded: [version], running: isRunning, digest, graceMs: 1_000 },
    });
  const stateIs = (wanted: string) =>
    until(
      `the program is ${wanted}`,
      () => node.show(),
      ({ programs }) => (programs[0]?.state ?? "unloaded") === wanted,
    );
  return async () => {
    await until(
      "a container is warm",
      () => node.node.status({}, TTL),
      ({ containers }) => containers.some(({ state }) => state === "spare"),
    );
    const since = performance.now();
    await node.machine.putArchive({ digest, offset: 0n, total: BigInt(bytes.length), bytes, signature }, TTL);
    await say(true);
    await stateIs("running");
    const runningMs = performance.now() - since;
    await say(false);
    await stateIs("stopped");
    await node.propose(`program/${name}`, { case: "removed", value: {} });
    await stateIs("unloaded");
    return { runningMs, wholeMs: performance.now() - since };
  };
}

function heapNow(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

function leftIn(node: LocalNode): Left {
  const files = ["programs", "archives", "stores"].flatMap((folder) =>
    listed(join(node.folder, folder)).map((file) => `machine/${folder}/${file}`),
  );
  const open = listed("/proc/self/fd").map(targetOf);
  return {
    handles: process.getActiveResourcesInfo().length,
    sockets: open.filter((target) => target.startsWith("socket:")).length,
    processes: listed("/proc").filter((pid) => parentOf(pid) === process.pid).length,
    files,
  };
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it was never made
  }
}

function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return ""; // that of the listing itself
  }
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined; // no process, or over
  }
}
