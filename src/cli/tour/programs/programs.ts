// The chapter of programs: one with a part in TypeScript, a native one and a WebAssembly one is packed, loaded and started on
// three nodes. One is cut off and gets messages meanwhile; it comes back; the next version comes in while calls go on; all goes.
//
//   pack ▸ load ▸ start on three ▸ SIGSTOP to a governor ▸ durable messages, some of which expire ▸ SIGCONT ▸ what arrived?
//        ▸ next version under calls ▸ stop ▸ unload ▸ what is left?

import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep } from "../../../base/clock.ts";
import { type Client, newClient } from "../../../client/client.ts";
import { newNodeClient } from "../../../client/node-client.ts";
import { Node } from "../../../messages/gen/unum/control/v1/node_pb.ts";
import { Machine, type MachineView } from "../../../messages/gen/unum/machine/v1/machine_pb.ts";
import { zmtpTransport } from "../../../transports/zmtp/index.ts";
import type { Chapter, ChapterEnd, ChapterStage } from "../chapter.ts";
import { EXAMPLE, exampleIn, isConfined, picture, VERSIONS } from "./program-files.ts";
import { CallsOn, Shrink } from "./shrink-calls.ts";
import { ThreeNodes, type TourNode } from "./three-nodes.ts";

export const programs: Chapter = {
  name: "programs",
  description:
    "a program of three kinds of parts on three nodes; one is cut off, gets messages meanwhile and comes back; the next version comes in under calls",
  run,
};

/** Of each kind: those that matter for ever, and those that are over before the node is back. */
const MESSAGES = 20;
const SHORT_TTL_MS = 200;
const CALLS_AT_ONCE = 4;
const LOOK_EVERY_MS = 50;
const HAS_NATIVE = process.platform === "linux" && process.arch === "x64";

interface Report {
  readonly nodes: number;
  readonly confined: boolean;
  /** Parts that worked on a picture. */
  readonly parts: readonly string[];
  /** Of the nodes' governors: the one that stood still. */
  readonly cut: number;
  readonly sent: number;
  readonly arrived: number;
  readonly inOrder: boolean;
  readonly expired: number;
  readonly upgrade: {
    readonly calls: number;
    readonly failed: readonly string[];
    readonly versions: readonly string[];
  };
  readonly left: readonly string[];
}

async function run(stage: ChapterStage): Promise<ChapterEnd> {
  if (!existsSync(EXAMPLE)) throw new Error(`there is no ${EXAMPLE}: the chapter needs a checkout`);
  const folder = await mkdtemp(join(tmpdir(), "unum-tour-programs-"));
  const nodes = new ThreeNodes(folder, stage.signal);
  try {
    return await work(folder, nodes, stage);
  } finally {
    await nodes.end();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function work(folder: string, three: ThreeNodes, stage: ChapterStage): Promise<ChapterEnd> {
  const { env, signal, say, progress } = stage;
  const files = join(folder, "pictures");
  await mkdir(files);
  const path = join(files, "sky.ppm");
  await picture(path);
  progress("three nodes become one machine", 0.05);
  const [first, second, third] = await three.start();
  const pack = async (version: string): Promise<string> => {
    const source = await exampleIn(folder, version);
    return JSON.parse(await first.unum("pack", source, "--out", join(folder, "dist"), "--json")).path;
  };
  progress("packed, loaded and started", 0.3);
  await first.unum("load", await pack(VERSIONS[0]));
  await first.unum("start", "thumbnails", "--grant", `fs:read=${files}`);
  say(
    `thumbnails ${VERSIONS[0]} runs on three nodes${isConfined() ? ", confined" : "; this system cannot confine it, so it is trusted"}`,
  );

  const transports = [zmtpTransport({ env })];
  const client = await newNodeClient({ env, transports, seeds: [doorOf(first)] });
  const at = (node: TourNode) => newClient({ env, transports, to: [doorOf(node)] });
  const show = (node: TourNode) => at(node).of(Machine).show({}, TTL);
  const until = async (what: string, holds: () => Promise<boolean>) => {
    while (!(await holds())) {
      progress(what, 0.5);
      await sleep(env.clock, LOOK_EVERY_MS, signal);
    }
  };
  try {
    const { id: cutId, pid, containers } = await at(third).of(Node).status({}, TTL);
    const address = containers.find(({ program }) => program === "thumbnails")?.addresses[0] ?? "";
    const container = newClient({ env, transports, to: [address] });
    const shrink = await Shrink.describedBy(container);
    const parts = await partsThatWork(shrink, client, path);

    process.kill(pid, "SIGSTOP");
    say(`SIGSTOP to process ${pid}, the governor of node ${cutId}: cut off`);
    for (let each = 1; each <= MESSAGES; each++) {
      await shrink.prepareAt(client, cutId, { path, longest: each });
      await shrink.prepareAt(client, cutId, { path, longest: 1_000 + each }, SHORT_TTL_MS);
    }
    const outward = async () => (await show(first)).boxes.find(({ inward, node }) => !inward && node === cutId);
    await until("some messages expire", async () => Number((await outward())?.expired ?? 0) >= 1);
    await sleep(env.clock, 2 * SHORT_TTL_MS, signal);
    process.kill(pid, "SIGCONT");
    say("SIGCONT: it is back");
    const inward = async () => (await show(third)).boxes.find((box) => box.inward);
    const settled = async () => {
      const [kept, came] = [await outward(), await inward()];
      return kept?.waiting === 0 && came?.waiting === 0 && Number(came.passed) >= MESSAGES;
    };
    await until("what was kept arrives", settled);
    const expired = Number((await outward())?.expired ?? 0) + Number((await inward())?.expired ?? 0);
    // The container itself says what it was given.
    const longest = await shrink.preparedBy(container);
    const inOrder = longest.every((side, index) => side === index + 1);

    progress("the next version, while calls go on", 0.7);
    const calls = new CallsOn(client, shrink, CALLS_AT_ONCE);
    await calls.more(50);
    await first.unum("load", await pack(VERSIONS[1]));
    await first.unum("start", "thumbnails", "--grant", `fs:read=${files}`);
    await calls.more(50);
    const upgrade = await calls.end();

    progress("stopped and unloaded", 0.9);
    await first.unum("stop", "thumbnails");
    await first.unum("unload", "thumbnails");
    const all = [first, second, third];
    await until("nothing of it is left", async () => (await leftOf(all, show)).length === 0);
    const report: Report = {
      ...{
        nodes: all.length,
        confined: isConfined(),
        parts,
        cut: pid,
        sent: 2 * MESSAGES,
        arrived: longest.length,
        inOrder,
        expired,
      },
      ...{ upgrade, left: await leftOf(all, show) },
    };
    return { sound: isSound(report), lines: linesOf(report), report };
  } finally {
    await client.close();
  }
}

const TTL = { ttlMs: 30_000 };

function doorOf({ home }: TourNode): string {
  return `ipc://${join(home, "run", "door.sock")}`;
}

/** Which parts had a hand in a small picture. */
async function partsThatWork(shrink: Shrink, client: Client, path: string): Promise<readonly string[]> {
  const parts = (await shrink.plan(client)) === VERSIONS[0] ? ["component"] : [];
  if (!HAS_NATIVE) return parts;
  const { accent, bytes } = await shrink.thumbnail(client, path);
  // Its pixels are the library's, its colour the module's.
  return [...parts, ...(bytes > 0 ? ["native"] : []), ...(/^#[0-9a-f]{6}$/.test(accent) ? ["wasm"] : [])];
}

async function leftOf(nodes: readonly TourNode[], show: (node: TourNode) => Promise<MachineView>): Promise<string[]> {
  const left: string[] = [];
  for (const node of nodes) {
    const { node: id, programs } = await show(node);
    if (programs.length > 0) left.push(`program on ${id}`);
    const folder = join(node.home, "machine", "programs");
    if (existsSync(folder)) left.push(...readdirSync(folder).map((name) => `${id}: ${name}`));
  }
  return left;
}

function isSound({ parts, arrived, inOrder, expired, upgrade, left }: Report): boolean {
  const all = HAS_NATIVE ? 3 : 1;
  const isUpgraded = upgrade.failed.length === 0 && upgrade.versions.join() === VERSIONS.join();
  return (
    parts.length === all && arrived === MESSAGES && inOrder && expired === MESSAGES && isUpgraded && left.length === 0
  );
}

function linesOf({ parts, cut, arrived, inOrder, expired, sent, upgrade, left }: Report): readonly string[] {
  const skipped = HAS_NATIVE
    ? ""
    : "; skipped: native, which is built for linux-x64, and wasm, which works on its pixels";
  return [
    `parts       ${parts.join(", ")} worked together${skipped}`,
    `messages    ${sent} were sent while governor ${cut} stood still: ${arrived} arrived${inOrder ? ", each once, in order" : ", NOT in order"}; ${expired} had expired and were purged`,
    `upgrade     ${upgrade.versions.join(" became ")} under ${upgrade.calls} calls; failed: ${upgrade.failed.length}${upgrade.failed[0] === undefined ? "" : ` (${upgrade.failed[0]})`}`,
    left.length === 0 ? "unloaded    nothing of it is left on any node" : `unloaded    LEFT: ${left.join(", ")}`,
  ];
}
