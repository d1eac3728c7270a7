// The benchmark of the outbox: messages kept for a node that is away, and how soon it has them when it is back.
// Real nodes: two governors and a container, mutual TLS between them, every message on two disks.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newClient } from "../src/client/client.ts";
import { newNodeClient } from "../src/client/node-client.ts";
import { Node } from "../src/messages/gen/unum/control/v1/node_pb.ts";
import { Machine } from "../src/messages/gen/unum/machine/v1/machine_pb.ts";
import { systemEnv } from "../src/system/env.ts";
import { zmtpTransport } from "../src/transports/zmtp/index.ts";
import { Letters } from "../test/gen/unum/test/v1/letters_pb.ts";
import { thisMachine } from "./harness/machine.ts";
import { BenchNode } from "./outbox/nodes.ts";

const HELP = `usage: npm run bench -- outbox [options]

Messages kept a second for a node that is away, and how many a second it has taken in and worked on when it is back.

  --quick         10,000 messages, not 60,000
  --json          everything that was measured, on standard output
  --help          this text`;

const METHOD = `Two nodes of one machine on this computer, each with its governor; 200 B of text a message. Kept: 256 sends of one client under way,
each answered when its message is on disk. Catch-up: from the first message that reaches the container of the node that came back to the last;
each is then on the second node's disk too, its function has run, once and in order, and both disks know it gone. Memory: the most that each governor
had in RAM (VmHWM) at the end, beside what it had before the first message (VmRSS).`;

const UNDER_WAY = 256;
const LOOK_EVERY_MS = 20;
const TTL = { ttlMs: 30_000 };
const GOAL_PER_SECOND = 50_000;

interface Figures {
  readonly messages: number;
  readonly keptPerSecond: number;
  readonly caughtUpPerSecond: number;
  /** Of the sender's and the receiver's governor, in MiB. */
  readonly memoryMib: { readonly sender: readonly [number, number]; readonly receiver: readonly [number, number] };
}

const env = systemEnv();

async function measured(messages: number, folder: string): Promise<Figures> {
  const [here, there] = [new BenchNode(join(folder, "here")), new BenchNode(join(folder, "there"))];
  const transports = [zmtpTransport({ env })];
  const at = ({ door }: BenchNode) => newClient({ env, transports, to: [door] });
  const show = (node: BenchNode) => at(node).of(Machine).show({}, TTL);
  const pidOf = async (node: BenchNode) => (await at(node).of(Node).status({}, TTL)).pid;
  const until = async <T>(ask: () => Promise<T>, holds: (answer: T) => boolean) => {
    for (;;) {
      const answer = await ask();
      if (holds(answer)) return answer;
      await new Promise((soon) => setTimeout(soon, LOOK_EVERY_MS));
    }
  };
  try {
    await here.found();
    await there.join(here);
    const { node } = await show(there);
    await until(
      () => show(here),
      ({ nodes }) => nodes.length === 2,
    );
    await there.down();
    const sender = await pidOf(here);
    const senderBefore = memory(sender, "VmRSS");

    const client = await newNodeClient({ env, transports: [zmtpTransport({ env })], seeds: [here.door] });
    let next = 0;
    const text = "x".repeat(200);
    const keep = async () => {
      for (let each = next++; each < messages; each = next++)
        await client.send(Letters.method.put, { text: `${text}${each}` }, { durable: { node } });
    };
    const keptSince = performance.now();
    await Promise.all(Array.from({ length: UNDER_WAY }, keep));
    const keptMs = performance.now() - keptSince;
    await client.close();

    await there.again();
    const passed = async () => Number((await show(there)).boxes.find(({ inward }) => inward)?.passed ?? 0);
    const receiver = await pidOf(there);
    const receiverBefore = memory(receiver, "VmRSS");
    const first = await until(passed, (count) => count > 0);
    const since = performance.now();
    await until(passed, (count) => count >= messages);
    const caughtUpMs = performance.now() - since;
    const memoryMib = {
      sender: [senderBefore, memory(sender, "VmHWM")],
      receiver: [receiverBefore, memory(receiver, "VmHWM")],
    } as const;
    return {
      messages,
      keptPerSecond: (messages / keptMs) * 1_000,
      caughtUpPerSecond: ((messages - first) / caughtUpMs) * 1_000,
      memoryMib,
    };
  } finally {
    await Promise.allSettled([here, there].map((node) => node.down()));
    await Promise.all(transports.map((transport) => transport.close()));
  }
}

/** In MiB; of a process of this computer. */
function memory(pid: number, what: "VmRSS" | "VmHWM"): number {
  const found = new RegExp(`^${what}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Math.round(Number(found?.[1]) / 1_024);
}

function reportOf({ messages, keptPerSecond, caughtUpPerSecond, memoryMib }: Figures): string {
  const count = (value: number) => Math.round(value).toLocaleString("en");
  const { sender, receiver } = memoryMib;
  return [
    METHOD,
    "",
    "| what | measured | goal |",
    "| --- | --- | --- |",
    `| messages | ${count(messages)} | – |`,
    `| kept a second | ${count(keptPerSecond)} | – |`,
    `| caught up a second | ${count(caughtUpPerSecond)} | ${count(GOAL_PER_SECOND)} |`,
    `| sender's governor, MiB before → most | ${sender.join(" → ")} | bounded |`,
    `| receiver's governor, MiB before → most | ${receiver.join(" → ")} | bounded |`,
  ].join("\n");
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), "unum-outbox-"));
  try {
    const machine = thisMachine();
    const figures = await measured(values.quick ? 10_000 : 60_000, folder);
    process.stdout.write(
      `${values.json ? JSON.stringify({ method: METHOD, machine, figures }, null, 2) : reportOf(figures)}\n`,
    );
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
