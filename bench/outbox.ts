// The benchmark of the outbox: messages kept for a node that is away, and how soon it has them when it is back.
// Real nodes: two governors and a container, mutual TLS between them, every message on two disks.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newClient } from "../src/client/client.ts";
import { newNodeClient } from "../src/client/node-client.ts";
import { Node } from "../src/messages/gen/unum/control/v1/node_pb.ts";
import { Machine } from "../src/messages/gen/unum/machine/v1/machine_pb.ts";
import { systemEnv } from "../src/system/env.ts";
import { zmtpTransport } from "../src/transports/zmtp/index.ts";
import { Letters } from "../test/gen/unum/test/v1/letters_pb.ts";
import { bench, type Given } from "./harness/bench.ts";
import { cpuUsOf } from "./harness/processor.ts";
import { markdown } from "./harness/table.ts";
import { until } from "./harness/until.ts";
import { BenchNode } from "./outbox/nodes.ts";

const HELP = `usage: npm run bench -- outbox [options]

Messages kept a second for a node that is away, and how many a second it has taken in and worked on when it is back.

  --messages N    of the larger of two runs (default 90,000; a node keeps 100,000 for another at most); the smaller has a sixth
  --quick         2,000 and 12,000 messages
  --json          everything that was measured, on standard output
  --help          this text`;

const METHOD = `Two nodes of one machine on this computer, each with its governor; 200 B of text a message. Kept: 256 sends of one client under way,
each answered when its message is on disk. Catch-up: from the first message that reaches the container of the node that came back to the last;
each is then on the second node's disk too, its function has run, once and in order, and both disks know it gone. Processor time: of the sender's
governor, the receiver's and its containers, a message of the catch-up. Memory: the most that each governor had in RAM (VmHWM) at the end, beside
what it had before the first message (VmRSS). Two runs, each on nodes of its own: what does not grow with the number of messages is bounded.`;

const UNDER_WAY = 256;
const TTL = { ttlMs: 30_000 };
const GOAL_PER_SECOND = 50_000;
const CATCH_UP_LIMIT_MS = 180_000;

interface Figures {
  readonly messages: number;
  readonly keptPerSecond: number;
  readonly caughtUpPerSecond: number;
  /** Of the sender's governor, the receiver's, and the receiver's containers. */
  readonly cpuUsAMessage: readonly [number, number, number];
  /** Of the sender's and the receiver's governor, in MiB. */
  readonly memoryMib: { readonly sender: readonly [number, number]; readonly receiver: readonly [number, number] };
}

const env = systemEnv();

async function measured(messages: number, folder: string): Promise<Figures> {
  const [here, there] = [new BenchNode(join(folder, "here")), new BenchNode(join(folder, "there"))];
  const transports = [zmtpTransport({ env })];
  const at = ({ door }: BenchNode) => newClient({ env, transports, to: [door] });
  const show = (node: BenchNode) => at(node).of(Machine).show({}, TTL);
  const statusOf = (node: BenchNode) => at(node).of(Node).status({}, TTL);
  try {
    await here.found();
    await there.join(here);
    const { node } = await show(there);
    const isThere = ({ nodes }: Awaited<ReturnType<typeof show>>) => nodes.length === 2;
    await until("the second node is known", () => show(here), isThere);
    await there.down();
    const sender = (await statusOf(here)).pid;
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
    const { pid: receiver } = await statusOf(there);
    const receiverBefore = memory(receiver, "VmRSS");
    const first = await until("a message arrives", passed, (count) => count > 0);
    const since = performance.now();
    const containers = (await statusOf(there)).containers.map(({ pid }) => pid);
    const spent = () => [cpuUsOf(sender), cpuUsOf(receiver), containers.reduce((sum, pid) => sum + cpuUsOf(pid), 0)];
    const before = spent();
    await until("all have arrived", passed, (count) => count >= messages, CATCH_UP_LIMIT_MS);
    const caughtUpMs = performance.now() - since;
    const [outUs = 0, inUs = 0, workUs = 0] = spent().map(
      (us, index) => (us - (before[index] ?? 0)) / (messages - first),
    );
    return {
      messages,
      keptPerSecond: (messages / keptMs) * 1_000,
      caughtUpPerSecond: ((messages - first) / caughtUpMs) * 1_000,
      cpuUsAMessage: [outUs, inUs, workUs],
      memoryMib: {
        sender: [senderBefore, memory(sender, "VmHWM")],
        receiver: [receiverBefore, memory(receiver, "VmHWM")],
      },
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

async function runs({ quick, count }: Given): Promise<readonly Figures[]> {
  const most = quick ? 12_000 : count("messages");
  const all: Figures[] = [];
  for (const messages of [Math.ceil(most / 6), most]) {
    const folder = mkdtempSync(join(tmpdir(), "unum-outbox-"));
    try {
      all.push(await measured(messages, folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return all;
}

function reportOf(all: readonly Figures[]): string {
  const count = (value: number) => Math.round(value).toLocaleString("en");
  const lines = all.map(({ messages, keptPerSecond, caughtUpPerSecond, cpuUsAMessage, memoryMib }) => [
    ...[count(messages), count(keptPerSecond), count(caughtUpPerSecond), count(GOAL_PER_SECOND)],
    ...[
      cpuUsAMessage.map((us) => us.toFixed(1)).join(" + "),
      memoryMib.sender.join(" → "),
      memoryMib.receiver.join(" → "),
    ],
  ]);
  const memoryOf = (whose: string) => `${whose}'s governor, MiB before → most`;
  const head = [
    "messages",
    "kept/s",
    "caught up/s",
    "goal",
    "processor, µs a message",
    memoryOf("sender"),
    memoryOf("receiver"),
  ];
  return markdown(head, lines);
}

process.exitCode = await bench({
  ...{ help: HELP, method: METHOD, measure: runs, report: reportOf },
  options: { messages: { type: "string", default: "90000" } },
});
