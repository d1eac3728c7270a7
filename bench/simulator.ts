// How many times faster than real time the simulator runs 7 nodes, each sending 100 messages a second.
//
//   npm run bench -- simulator [--rounds N] [--json] [--quick]
//
// A node is a container and a client that calls the others: it sends 50 calls and 50 replies a second, each of 200 bytes
// and each through the network, with a deadline. "bare" copies envelopes instead of encoding them and keeps no trace;
// "as in tests" does both, as the runs do that look for mistakes.

import { parseArgs } from "node:util";
import { component } from "../src/container/component.ts";
import { type World, world } from "../src/testing/world.ts";
import { Echo } from "./contract/gen/bench/v1/echo_pb.ts";
import { thisMachine } from "./harness/machine.ts";
import { type Spread, spreadOf } from "./harness/statistics.ts";

const NODES = 7;
const CALLS_PER_SECOND = 50;
const GOAL = 1_000;
const NAMES = Array.from({ length: NODES }, (_, i) => `k${i + 1}`);
const PAYLOAD = new Uint8Array(200).fill(7);

interface Kind {
  readonly name: string;
  readonly encode: boolean;
  readonly trace: boolean;
  /** Virtual time of a round: a trace keeps every event. */
  readonly roundMs: number;
}

const KINDS: readonly Kind[] = [
  { name: "bare", encode: false, trace: false, roundMs: 120_000 },
  { name: "encoded", encode: true, trace: false, roundMs: 60_000 },
  { name: "as in tests: encoded, traced", encode: true, trace: true, roundMs: 20_000 },
];

interface Figure {
  readonly name: string;
  readonly timesRealTime: Spread;
  /** Of processor time, which what else the computer does disturbs less. */
  readonly timesByProcessor: Spread;
  readonly microsecondsACall: Spread;
}

/** One round in a world of its own; throws where any call did not succeed. */
async function round(kind: Kind): Promise<{ wallMs: number; processorMs: number; calls: number }> {
  const made = await world({
    seed: 1,
    encode: kind.encode,
    trace: kind.trace,
    clients: NODES,
    containers: NAMES.map((name) => ({
      name,
      components: () => [component(Echo, { text: (message) => message, bytes: (message) => message })],
    })),
  });
  const counts = start(made);
  await made.advance(1_000);
  const before = counts.done;
  const processor = process.cpuUsage();
  const wall = performance.now();
  await made.advance(kind.roundMs);
  const wallMs = performance.now() - wall;
  const { user, system } = process.cpuUsage(processor);
  const calls = counts.done - before;
  const intended = (kind.roundMs / 1_000) * CALLS_PER_SECOND * NODES;
  // Those under way at either end are not counted alike.
  if (counts.failed > 0 || Math.abs(calls - intended) > 2 * NODES) {
    throw new Error(`${calls} of ${intended} calls ended well, ${counts.failed} failed`);
  }
  return { wallMs, processorMs: (user + system) / 1_000, calls };
}

function start(made: World): { done: number; failed: number } {
  const counts = { done: 0, failed: 0 };
  const succeeded = () => {
    counts.done++;
  };
  const failed = () => {
    counts.failed++;
  };
  const pauseMs = 1_000 / CALLS_PER_SECOND;
  made.clients.forEach((client, index) => {
    const next = () => {
      made.clock.after(pauseMs, next);
      client.call(Echo.method.bytes, { bytes: PAYLOAD }, { ttlMs: 1_000 }).then(succeeded, failed);
    };
    made.clock.after((pauseMs * index) / NODES, next);
  });
  return counts;
}

async function measure(kind: Kind, rounds: number): Promise<Figure> {
  const results = [];
  // Two to warm up.
  for (let i = -2; i < rounds; i++) {
    const result = await round(kind);
    if (i >= 0) results.push(result);
  }
  return {
    name: kind.name,
    timesRealTime: spreadOf(results.map(({ wallMs }) => kind.roundMs / wallMs)),
    timesByProcessor: spreadOf(results.map(({ processorMs }) => kind.roundMs / processorMs)),
    microsecondsACall: spreadOf(results.map(({ wallMs, calls }) => (wallMs * 1_000) / calls)),
  };
}

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "9" }, json: { type: "boolean" }, quick: { type: "boolean" } },
});
const rounds = values.quick === true ? 2 : Number(values.rounds);
const figures: Figure[] = [];
for (const kind of KINDS) figures.push(await measure(kind, rounds));
if (values.json === true) console.log(JSON.stringify({ machine: thisMachine(), rounds, goal: GOAL, figures }, null, 2));
else {
  const show = ({ median, least, most }: Spread, digits: number) =>
    `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
  console.log(
    `7 nodes, 100 messages a second each; median of ${rounds} rounds (least–most); the goal is ${GOAL} × real time`,
  );
  for (const { name, timesRealTime, timesByProcessor, microsecondsACall } of figures) {
    const [real, processor] = [show(timesRealTime, 0), show(timesByProcessor, 0)];
    console.log(
      `${name.padEnd(30)} × ${real.padEnd(22)} by processor time × ${processor.padEnd(22)} ${show(microsecondsACall, 1)} µs a call`,
    );
  }
}
