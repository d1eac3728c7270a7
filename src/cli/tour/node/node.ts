// The chapter of the node: files through `unum up`, whose container and governor are killed and whose code changes meanwhile.

import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newClient } from "../../../client/client.ts";
import { type NodeClient, newNodeClient } from "../../../client/node-client.ts";
import type { UnaryMethod } from "../../../messages/contract.ts";
import type { Address, Transport } from "../../../transports/transport.ts";
import { zmtpTransport } from "../../../transports/zmtp/index.ts";
import { openDoor } from "../../door.ts";
import { describeEach, findTarget } from "../../remote.ts";
import type { Chapter, ChapterEnd, ChapterStage } from "../chapter.ts";
import { type Choice, chooseFiles } from "./choose-files.ts";
import { compare } from "./compare.ts";
import { metered } from "./meter.ts";
import { Milestones } from "./milestones.ts";
import { type NodeProcess, startNode } from "./node-process.ts";
import { costsOf, countsOf, type NodeReport } from "./node-report.ts";
import { isSound, openingText, reportLines } from "./report.ts";
import { spread } from "./spread.ts";
import { makeTrouble } from "./troubles.ts";

export const node: Chapter = {
  name: "node",
  description:
    "files are worked on by a node, while one of its containers is killed, then its governor, then its code changes",
  async run(stage): Promise<ChapterEnd> {
    const report = await runNodeChapter(stage);
    return { sound: isSound(report), lines: reportLines(report), report };
  },
};

/** Calls under way at a time: a few for each container. */
const AT_ONCE = 24;
const METHOD = "demo.v1.Digest/OfFile";
const DESCRIBE_MS = 10_000;

async function runNodeChapter(stage: ChapterStage): Promise<NodeReport> {
  const { options, signal, say } = stage;
  const choice = await chooseFiles(options.files, options.limitBytes);
  say(openingText(choice));
  const home = await mkdtemp(join(tmpdir(), "unum-tour-"));
  let running: NodeProcess | undefined;
  try {
    // A copy, since it is changed.
    const components = join(home, "components");
    await cp(options.components, components, { recursive: true });
    running = await startNode({ components, root: options.files, home, signal });
    const worked = await work(choice, running, await sourceIn(components), stage);
    const code = await running.stop();
    return { ...worked, drained: code === 0 };
  } finally {
    await running?.stop();
    await rm(home, { recursive: true, force: true });
  }
}

/** The first component's file, which is the one that is changed. */
async function sourceIn(components: string): Promise<string> {
  const files = await readdir(components, { recursive: true });
  const source = files.filter((file) => file.endsWith(".ts") && !/(?:^|[/\\])gen[/\\]/.test(file)).sort()[0];
  if (source === undefined) throw new Error(`no component lies in ${components}`);
  return join(components, source);
}

async function work(
  choice: Choice,
  { door: address }: NodeProcess,
  source: string,
  stage: ChapterStage,
): Promise<Omit<NodeReport, "drained">> {
  const { env, options, signal, say, progress } = stage;
  const { clock } = env;
  const transport = metered(zmtpTransport({ env }));
  const client = await newNodeClient({ env, transports: [transport], seeds: [address] });
  const door = await openDoor({ to: address });
  try {
    const method = await methodAt(client, transport, stage);
    const inFlight = (container: string) =>
      addressesOf(client, container).reduce((sum, each) => sum + transport.inFlight(each), 0);
    const milestones = new Milestones();
    let over = false;
    const startedAt = clock.now();
    const trouble = makeTrouble({ door, signal, source, say, inFlight, done: (part) => milestones.reached(part) });
    const parts = { client, method, clock, signal, atOnce: AT_ONCE };
    const working = spread(choice.chosen, {
      ...parts,
      more: () => !over,
      progress: (_, bytes) => {
        const part = choice.bytes === 0 ? 1 : Math.min(1, bytes / choice.bytes);
        milestones.pass(part);
        progress("through the node", part);
      },
    });
    const [answered, troubles] = await Promise.all([
      working,
      trouble.finally(() => {
        over = true;
      }),
    ]);
    signal.throwIfAborted();
    const spreadMs = clock.now() - startedAt;
    const plainStartedAt = clock.now();
    const differences = await compare(answered, {
      ...{ root: options.files, signal },
      again: async (first) =>
        (await spread([first.file], { ...parts, more: () => false, progress: () => {} }))[0] ?? first,
      progress: (part) => progress("the same without Unum", part),
    });
    return {
      ...{ files: choice.chosen.length, bytes: choice.bytes, left: choice.left },
      ...{ spreadMs, plainMs: clock.now() - plainStartedAt, differences },
      ...countsOf(answered),
      ...costsOf(answered, troubles, startedAt),
    };
  } finally {
    await Promise.all([client.close(), door.close()]);
  }
}

/** As the containers describe it. */
async function methodAt(client: NodeClient, transport: Transport, { env, signal }: ChapterStage): Promise<UnaryMethod> {
  const clientFor = (to: readonly Address[]) => newClient({ env, transports: [transport], to });
  const survey = await describeEach(addressesOf(client), clientFor, { ttlMs: DESCRIBE_MS, signal });
  // The contract says so, and describing checked that it is this contract.
  return findTarget(METHOD, survey).method as UnaryMethod;
}

/** Where one container listens, or all do. */
function addressesOf(client: NodeClient, container?: string): readonly Address[] {
  return client
    .nodes()
    .flatMap(({ containers }) => containers)
    .filter(({ id }) => container === undefined || id === container)
    .flatMap(({ addresses }) => addresses);
}
