// One program on a hundred nodes, on virtual time: from the command at a controller to the last node that serves it.

import { seededRandom } from "../../src/base/random.ts";
import { newSigningKey } from "../../src/machine/keys/signing-key.ts";
import { readRecord, signRecord } from "../../src/machine/records/signed-record.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { MemoryNetwork } from "../../src/transports/memory/memory-network.ts";
import { SOUND_CODE } from "../../test/simulation/machine/machine-code.ts";
import { MACHINE } from "../../test/simulation/machine/node-life.ts";
import { digestOf, SimulatedMachineNode } from "../../test/simulation/machine/simulated-machine-node.ts";

const PROGRAM = "keeps";
const SETTLE_MS = 10_000;
const LIMIT_MS = 120_000;

export interface Spreading {
  readonly nodes: number;
  /** From the command until half, and all, of them serve it; simulated. */
  readonly halfMs: number;
  readonly allMs: number;
  /** From the command to stop it until none does. */
  readonly stoppedMs: number;
}

/** `hopMs`: what a message takes from one node to another. */
export async function onManyNodes(count: number, { hopMs, seed }: { hopMs: number; seed: number }): Promise<Spreading> {
  const clock = new VirtualClock();
  const random = seededRandom(seed);
  const network = new MemoryNetwork({ clock, random: random.fork(), conditions: { delayMs: hopMs, jitterMs: hopMs } });
  const founder = newSigningKey();
  const serving = new Map<string, number>();
  const stopped = new Map<string, number>();
  const watcher = {
    delivered: () => {},
    serves: (node: string, program: string, digest: string | undefined) => {
      if (program !== PROGRAM) return;
      if (digest !== undefined) serving.set(node, clock.now());
      else if (serving.has(node)) stopped.set(node, clock.now());
    },
  };
  const names = Array.from({ length: count }, (_, index) => `n${index}`);
  const nodes = names.map(
    (name, index) =>
      new SimulatedMachineNode({
        ...{ name, clock, network, founder, watcher, random: random.fork(), code: SOUND_CODE },
        // Each knows the one it joined at, as after 'unum join'; of the others it hears.
        ...{ controller: index === 0, others: index === 0 ? [] : ["n0"] },
      }),
  );
  const started = Promise.all(nodes.map((node) => node.start()));
  let isStarted = false;
  void started.then(() => {
    isStarted = true;
  });
  await clock.runUntil(() => isStarted, LIMIT_MS);
  await started;
  await clock.advance(SETTLE_MS);
  const [controller] = nodes;
  const { machine } = controller?.life ?? {};
  if (machine === undefined) throw new Error("the controller does not run");
  const say = async (running: boolean): Promise<number> => {
    const digest = digestOf(PROGRAM, 1);
    const wanted = { loaded: [{ version: "1.0.0", digest, bytes: 1n }], digest, running, fallback: "", graceMs: 100 };
    const { records } = machine;
    const name = `program/${PROGRAM}`;
    const said = { machine: MACHINE, name, counter: records.counter + 1n, history: [...records.historyFor(name)] };
    void machine.take(readRecord(signRecord({ ...said, body: { case: "program", value: wanted } }, founder)));
    const at = clock.now();
    const seen = running ? serving : stopped;
    await clock.runUntil(() => seen.size === count, LIMIT_MS);
    if (seen.size < count) throw new Error(`${seen.size} of ${count} nodes after ${LIMIT_MS / 1_000} s`);
    return at;
  };
  const since = await say(true);
  const times = [...serving.values()].map((at) => at - since).sort((a, b) => a - b);
  const stop = await say(false);
  const stoppedMs = Math.max(...stopped.values()) - stop;
  for (const node of nodes) node.crash();
  return {
    nodes: count,
    halfMs: times[Math.floor(count / 2)] ?? Number.NaN,
    allMs: times.at(-1) ?? Number.NaN,
    stoppedMs,
  };
}
