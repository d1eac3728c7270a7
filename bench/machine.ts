// The benchmark of the machine: a program from loading to running, many lives of one and what they leave, a hundred nodes, and what
// TLS costs a call.

import { join } from "node:path";
import { Greeter } from "../examples/01-one-process/components/greeter/gen/greeter_pb.ts";
import { newClient } from "../src/client/client.ts";
import { loadComponents } from "../src/node/load-components.ts";
import { runContainer } from "../src/node/run-container.ts";
import { systemEnv } from "../src/system/env.ts";
import { zmtpTransport } from "../src/transports/zmtp/index.ts";
import { type LocalNode, localMachine } from "../test/machine/local-machine.ts";
import { bench, type Given } from "./harness/bench.ts";
import { type CallFigures, callFigures } from "./harness/calls.ts";
import { number, range } from "./harness/table.ts";
import { type Lives, livesOf } from "./machine/lives.ts";
import { onManyNodes, type Spreading } from "./machine/simulated.ts";

const HELP = `usage: npm run bench -- machine [options]

Load to running on one node, lives of a program and what they leave behind, a program on a hundred simulated nodes, and calls over TLS
beside plain TCP.

  --cycles N      lives of the program (default 100; 1000 for the slope of memory, some minutes more)
  --quick         3 lives, fewer calls
  --json          everything that was measured, on standard output
  --help          this text`;

const METHOD = `One node in this process with its governor, door and certificate; containers are processes, one is kept warm, as on any node. A life: the archive
put, loaded, started, running, stopped, unloaded, nothing left. Load to running: from the first byte put to "running". Heap: of this process, which is
governor and controller, after collection, at 20 of the lives, its slope over the last four fifths, and after 75 s of rest, since a connection is kept for
60 s. A hundred nodes: the machine's own code on virtual time, each hop 20 ms and as much again at random; from the command at the controller to the
last node that serves the program; reading of archives and starts of containers take no time there. TLS: a container and its client in this
process, over loopback, three rounds in turn, of which the last counts.`;

const ROOT = join(import.meta.dirname, "..");
const TTL = { ttlMs: 60_000 };
const UNDER_WAY = 64;
const MANY_NODES = 100;
const HOP_MS = 20;

interface Road extends CallFigures {
  readonly name: string;
}

interface Figures {
  readonly lives: Lives;
  readonly spreading: Spreading;
  readonly ways: readonly Road[];
}

async function measured({ quick, count }: Given): Promise<Figures> {
  const cycles = quick ? 3 : count("cycles");
  const spreading = await onManyNodes(MANY_NODES, { hopMs: HOP_MS, seed: 1 });
  const machine = await localMachine();
  try {
    const node = await machine.add({ containers: 3, spares: 1 });
    const ways = await roads(node, quick ? 500 : 5_000);
    return { lives: await livesOf(machine, node, cycles), spreading, ways };
  } finally {
    await machine.end();
  }
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
    rows.set(name, { name, ...(await callFigures(one, { calls, underWay: UNDER_WAY })) });
    await client.close();
    await container.drain(0);
  }
  return [...rows.values()];
}

function reportOf({ lives, spreading, ways }: Figures): string {
  const { runningMs, wholeMs, heapSlopeBytes, heapAfterRestBytes, before, after } = lives;
  const left = (["handles", "sockets", "processes"] as const).map((what) => `${before[what]} → ${after[what]} ${what}`);
  return [
    `load to running   ${range(runningMs)} ms; goal 300 ms`,
    `a whole life      ${range(wholeMs)} ms, of ${lives.lives}`,
    `heap              ${heapSlopeBytes.toFixed(0)} bytes more a life; ${heapAfterRestBytes} bytes more than after the first when all has rested; goal about 0`,
    `left              ${left.join(", ")}; files: ${after.files.join(", ") || "none"}`,
    `${spreading.nodes} nodes         ${number(spreading.allMs)} ms simulated until all serve it, ${number(spreading.halfMs)} until half do; ${number(spreading.stoppedMs)} until none does any more; goal 3,000 ms`,
    ...ways.map(
      ({ name, roundTripUsP50, callsPerSecond }) =>
        `${name.padEnd(18)}${number(roundTripUsP50)} µs (p50); ${number(callsPerSecond)} calls/s, ${UNDER_WAY} under way`,
    ),
  ].join("\n");
}

process.exitCode = await bench({
  ...{ help: HELP, method: METHOD, measure: measured, report: reportOf },
  options: { cycles: { type: "string", default: "100" } },
  failure: ({ lives: { hasRested, before, after } }) => {
    if (!hasRested) return undefined;
    const more = after.processes > before.processes || after.sockets > before.sockets || after.files.length > 0;
    return more ? `something is left: ${JSON.stringify(after)}, before ${JSON.stringify(before)}` : undefined;
  },
});
