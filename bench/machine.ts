// The benchmark of the machine: a program from loading to running, many lives of one and what they leave, and what TLS costs a call.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Greeter } from "../examples/01-one-process/components/greeter/gen/greeter_pb.ts";
import { gather } from "../src/cli/machine/gather.ts";
import { newClient } from "../src/client/client.ts";
import { signFile } from "../src/machine/archive/minisign.ts";
import { packArchive } from "../src/machine/archive/pack.ts";
import { trustBy } from "../src/machine/privileges/trust.ts";
import { loadComponents } from "../src/node/load-components.ts";
import { runContainer } from "../src/node/run-container.ts";
import { systemEnv } from "../src/system/env.ts";
import { zmtpTransport } from "../src/transports/zmtp/index.ts";
import { type LocalMachine, type LocalNode, localMachine } from "../test/machine/local-machine.ts";
import { thisMachine } from "./harness/machine.ts";

const HELP = `usage: npm run bench -- machine [options]

Load to running on one node, lives of a program and what they leave behind, and calls over TLS beside plain TCP.

  --cycles N      lives of the program (default 30; 1000 for the slope of memory)
  --json          everything that was measured, on standard output
  --help          this text`;

const METHOD = `One node in this process with its governor, door and certificate; containers are processes, one is kept warm, as on any node. A life: the archive
put, loaded, started, running, stopped, unloaded, nothing left. Load to running: from the first byte put to "running". Heap: of this process after
collection, every tenth life, its slope over the last four fifths, and after 75 s of rest, since a connection is kept for 60 s. TLS: a container and its client in this process, over loopback.`;

const ROOT = join(import.meta.dirname, "..");
const TTL = { ttlMs: 60_000 };
const UNDER_WAY = 64;
const LOOK_EVERY_MS = 5;
/** A connection is kept for a minute after its last use. */
const REST_MS = 75_000;

interface Lives {
  readonly lives: number;
  readonly runningMsP50: number;
  readonly runningMsMost: number;
  readonly wholeMsP50: number;
  readonly heapSlopeBytes: number;
  /** After connections to ended containers have ended, against the first sample. */
  readonly heapAfterRestBytes: number;
  readonly handlesBefore: number;
  readonly handlesAfter: number;
  readonly filesLeft: readonly string[];
}

interface Road {
  readonly name: string;
  readonly roundTripUsP50: number;
  readonly callsPerSecond: number;
}

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

async function livesOf(machine: LocalMachine, node: LocalNode, count: number): Promise<Lives> {
  const packing = await gather(join(ROOT, "examples/04-program"), systemEnv().clock);
  const parts = [{ kind: "component", folder: "components" } as const];
  const serves = packing.serves.filter((name) => name.endsWith(".Shrink"));
  const description = { ...packing.description, parts, trust: "operator" as const };
  const { bytes, archive } = await packArchive({ ...packing, description, serves }, machine.founder);
  const { digest, manifest } = archive;
  const [name, signature] = [manifest.name, signFile(bytes, machine.founder, "bench")];
  const trust = trustBy(machine.founder, { machine: machine.id, program: name, digest });
  const version = { version: manifest.version, digest, bytes: BigInt(bytes.length), trust };
  const say = (running: boolean) =>
    node.propose(`program/${name}`, {
      case: "program",
      value: { loaded: [version], running, digest, graceMs: 1_000 },
    });
  const until = async (holds: (state: string) => boolean) => {
    for (const end = performance.now() + 60_000; ; ) {
      const { programs } = await node.show();
      if (holds(programs[0]?.state ?? "unloaded")) return;
      if (performance.now() > end) throw new Error(`it is ${programs[0]?.state} after a minute`);
      await new Promise((soon) => setTimeout(soon, LOOK_EVERY_MS));
    }
  };
  const running: number[] = [];
  const whole: number[] = [];
  const heaps: number[] = [];
  const warm = async () => {
    for (const end = performance.now() + 60_000; performance.now() < end; ) {
      const { containers } = await node.node.status({}, TTL);
      if (
        containers.some(
          ({ state, program, components }) => state === "warm" || (program === "" && components.length === 0),
        )
      )
        return;
      await new Promise((soon) => setTimeout(soon, LOOK_EVERY_MS));
    }
    throw new Error("no container is warm after a minute");
  };
  const life = async () => {
    await warm();
    const since = performance.now();
    await node.machine.putArchive({ digest, offset: 0n, total: BigInt(bytes.length), bytes, signature }, TTL);
    await say(true);
    await until((state) => state === "running");
    running.push(performance.now() - since);
    await say(false);
    await until((state) => state === "stopped");
    await node.propose(`program/${name}`, { case: "removed", value: {} });
    await until((state) => state === "unloaded");
    whole.push(performance.now() - since);
  };
  await life(); // what is loaded once
  running.length = whole.length = 0;
  const handlesBefore = process.getActiveResourcesInfo().length;
  for (let each = 0; each < count; each++) {
    await life();
    if (each % 10 !== 0) continue;
    collect();
    heaps.push(process.memoryUsage().heapUsed);
  }
  await new Promise((over) => setTimeout(over, count >= 10 ? REST_MS : 0));
  collect();
  const heapAfterRestBytes = process.memoryUsage().heapUsed - (heaps[0] ?? 0);
  const home = join(node.folder, "..");
  const filesLeft = ["machine/programs", "machine/archives", "machine/stores"].flatMap((folder) =>
    listed(join(home, folder)).map((file) => `${folder}/${file}`),
  );
  return {
    ...{ lives: count, runningMsP50: quantile(running, 0.5), runningMsMost: Math.max(...running) },
    ...{ wholeMsP50: quantile(whole, 0.5), heapSlopeBytes: slopeOf(heaps.slice(Math.floor(heaps.length / 5))) / 10 },
    ...{ heapAfterRestBytes, handlesBefore, handlesAfter: process.getActiveResourcesInfo().length, filesLeft },
  };
}

async function roads(node: LocalNode, calls: number): Promise<readonly Road[]> {
  const env = systemEnv();
  const { components } = await loadComponents(join(ROOT, "examples/01-one-process/components"), env);
  const served = components.map(({ component }) => component);
  const rows = new Map<string, Road>();
  const both = [
    ["plain", "tcp://127.0.0.1:0"],
    ["TLS 1.3", "tls://127.0.0.1:0"],
  ] as const;
  // The first round compiles for both; what counts is the last.
  for (const [name, address] of [...both, ...both, ...both]) {
    const transport = () => zmtpTransport({ env, tls: node.tls });
    const container = await runContainer({ env, components: served, transports: [transport()], listen: [address] });
    const client = newClient({ env, transports: [transport()], to: [...container.addresses] });
    const one = () => client.of(Greeter).greet({ name: "Ada" }, TTL);
    for (let each = 0; each < calls / 4; each++) await one();
    const trips: number[] = [];
    for (let each = 0; each < calls; each++) {
      const since = performance.now();
      await one();
      trips.push((performance.now() - since) * 1_000);
    }
    let left = calls * 4;
    const since = performance.now();
    const worker = async () => {
      while (left-- > 0) await one();
    };
    await Promise.all(Array.from({ length: UNDER_WAY }, worker));
    const seconds = (performance.now() - since) / 1_000;
    rows.set(name, { name, roundTripUsP50: quantile(trips, 0.5), callsPerSecond: (calls * 4) / seconds });
    await client.close();
    await container.drain(0);
  }
  return [...rows.values()];
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it was never made
  }
}

/** Least squares, a step of one between values. */
function slopeOf(values: readonly number[]): number {
  const [mean, middle] = [values.reduce((sum, value) => sum + value, 0) / values.length, (values.length - 1) / 2];
  const above = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0);
  return above / values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function reportOf(lives: Lives, ways: readonly Road[]): string {
  const {
    runningMsP50,
    runningMsMost,
    wholeMsP50,
    heapSlopeBytes,
    heapAfterRestBytes,
    handlesBefore,
    handlesAfter,
    filesLeft,
  } = lives;
  return [
    METHOD,
    "",
    `load to running   ${runningMsP50.toFixed(0)} ms (p50), at most ${runningMsMost.toFixed(0)} ms; goal 300 ms`,
    `a whole life      ${wholeMsP50.toFixed(0)} ms (p50) of ${lives.lives}`,
    `heap              ${heapSlopeBytes.toFixed(0)} bytes more a life; ${heapAfterRestBytes} bytes more than after the first when all has rested; goal about 0`,
    `handles           ${handlesBefore} before, ${handlesAfter} after; files left: ${filesLeft.join(", ") || "none"}`,
    ...ways.map(
      ({ name, roundTripUsP50, callsPerSecond }) =>
        `${name.padEnd(18)}${roundTripUsP50.toFixed(0)} µs (p50); ${Math.round(callsPerSecond).toLocaleString("en")} calls/s, ${UNDER_WAY} under way`,
    ),
  ].join("\n");
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cycles: { type: "string", default: "30" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const cycles = values.quick ? 3 : Number(values.cycles);
  if (values.help || !Number.isInteger(cycles) || cycles < 1) {
    process.stdout.write(`${HELP}\n`);
    return values.help ? 0 : 2;
  }
  const where = thisMachine();
  const machine = await localMachine();
  try {
    const node = await machine.add({ containers: 3, spares: 1 });
    const lives = await livesOf(machine, node, cycles);
    const ways = await roads(node, values.quick ? 500 : 5_000);
    const all = { method: METHOD, machine: where, lives, ways };
    process.stdout.write(`${values.json ? JSON.stringify(all, null, 2) : reportOf(lives, ways)}\n`);
    return lives.filesLeft.length === 0 ? 0 : 1;
  } finally {
    await machine.end();
  }
}

process.exitCode = await main();
