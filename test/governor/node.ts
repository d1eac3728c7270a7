// A real node for tests: a governor's process and its containers, in folders of their own, gone at the end.

import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LimitsChange } from "../../src/capacity/limits.ts";
import { GOVERNOR_PROGRAM, type GovernorStart, QUICKLY } from "../../src/cli/process/governor-start.ts";
import { newClient } from "../../src/client/client.ts";
import { type NodeClient, newNodeClient, systemEnv, zmtpTransport } from "../../src/index.ts";
import { Node, type NodeStatus } from "../../src/messages/gen/unum/control/v1/node_pb.ts";
import { systemProcesses } from "../../src/system/processes.ts";
import { endLoads } from "./load.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Ten times what the slowest of them takes. */
const UNTIL_MS = 60_000;

export interface TestNode {
  readonly folder: string;
  readonly home: string;
  readonly door: string;
  readonly client: NodeClient;
  status(): Promise<NodeStatus>;
  setLimits(change: {
    containers?: number;
    spares?: number;
    inbox?: number;
    containerMemoryBytes?: bigint;
    concurrency?: Record<string, number>;
  }): Promise<void>;
  drain(container: string, graceMs: number): Promise<number>;
  /** Settles when the status is as wanted; rejects with the last one when so much time has passed. */
  until(wanted: (status: NodeStatus) => boolean, withinMs?: number): Promise<NodeStatus>;
  /** SIGKILL, and a new one as soon as what is to happen in between is done. */
  killGovernor(meanwhile?: () => Promise<void>): Promise<void>;
  /** SIGKILL to the governor and to all containers. */
  crash(): Promise<void>;
  /** Of the containers' processes that run. */
  processes(): Promise<readonly number[]>;
  /** To the governor's process. */
  signalGovernor(signal: NodeJS.Signals): void;
  /** What its governors have written. */
  said(): Promise<string>;
  /** The keys of what its components have begun to work on, in order. */
  begun(): Promise<readonly string[]>;
  end(): Promise<void>;
}

/** `via`: what the governor's process is started by, as `ip netns exec NAME`. `place`: where its home is made. */
export async function startNode(
  limits: LimitsChange = {},
  set: Partial<GovernorStart> = {},
  via: readonly string[] = [],
  place = tmpdir(),
): Promise<TestNode> {
  const home = await mkdtemp(join(place, "unum-node-"));
  // Components import their generated code from beside them, and Unum from the checkout.
  const folder = join(home, "test", "governor", "components");
  const [run, logs] = [join(home, "run"), join(home, "log")];
  await mkdir(run, { mode: 0o700 });
  await mkdir(logs);
  await cp(join(HERE, "components"), folder, { recursive: true });
  await cp(join(ROOT, "test", "gen"), join(home, "test", "gen"), { recursive: true });
  await mkdir(join(home, "src", "messages"), { recursive: true });
  await symlink(join(ROOT, "src", "messages", "gen"), join(home, "src", "messages", "gen"));
  await symlink(join(ROOT, "node_modules"), join(home, "node_modules"));
  const env = systemEnv();
  const startTime = systemProcesses(env.clock).startTimeOf(process.pid) ?? "";
  const log = createWriteStream(join(home, "governor.log"), { flags: "a" });
  await new Promise((resolve) => log.once("open", resolve));
  let restarts = 0;
  const startGovernor = () => {
    const start: GovernorStart = {
      ...{ id: "n1", run, logs, folder, listen: [], limits, graceMs: 5_000, restarts: restarts++ },
      keeper: { pid: process.pid, startTime },
      log: "debug",
      ...set,
    };
    const [program = "", ...words] = [...via, process.execPath, ...QUICKLY, GOVERNOR_PROGRAM, JSON.stringify(start)];
    return spawn(program, words, {
      stdio: ["ignore", log, log],
      env: { ...process.env, UNUM_TEST_JOURNAL: join(home, "journal") },
    });
  };
  let governor: ChildProcess = startGovernor();
  const door = `ipc://${run}/door.sock`;
  const atDoor = newClient({ env, transports: [zmtpTransport({ env })], to: [door] });
  const client = await newNodeClient({
    env,
    transports: [zmtpTransport({ env })],
    seeds: [door],
    withinMs: 5 * UNTIL_MS,
  }).catch(async (error) => {
    governor.kill("SIGKILL");
    throw new Error(`${error.message}\n${await readFile(join(home, "governor.log"), "utf8")}`, { cause: error });
  });
  let ending: Promise<void> | undefined;
  const end = async () => {
    await client.close();
    await atDoor
      .of(Node)
      .drain({ graceMs: 2_000 }, { ttlMs: 60_000 })
      .catch(() => {});
    await atDoor.close();
    governor.kill("SIGKILL");
    for (const pid of await pidsOf(run)) kill(pid);
    log.end();
    await rm(home, { recursive: true, force: true });
  };
  const status = () => atDoor.of(Node).status({}, { ttlMs: UNTIL_MS, idempotencyKey: `${Math.random()}` });
  return {
    folder,
    home,
    door,
    client,
    status,
    setLimits: async (change) => void (await atDoor.of(Node).setLimits(change)),
    drain: async (container, graceMs) =>
      (await atDoor.of(Node).drain({ container, graceMs }, { ttlMs: graceMs + 60_000 })).left,
    until: async (wanted, withinMs = UNTIL_MS) => {
      const end = performance.now() + withinMs;
      for (;;) {
        const now = await status();
        if (wanted(now) && knows(client, now)) return now;
        if (performance.now() > end) {
          const said = await readFile(join(home, "governor.log"), "utf8").catch(String);
          throw new Error(
            `not so after ${withinMs / 1_000} s: ${JSON.stringify(now, (_, value) => (typeof value === "bigint" ? Number(value) : value))}\n${said}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    killGovernor: async (meanwhile) => {
      const gone = new Promise((resolve) => governor.once("exit", resolve));
      governor.kill("SIGKILL");
      await gone;
      await meanwhile?.();
      governor = startGovernor();
    },
    crash: async () => {
      const gone = new Promise((resolve) => governor.once("exit", resolve));
      governor.kill("SIGKILL");
      await gone;
      for (const pid of await pidsOf(run)) kill(pid);
    },
    processes: async () => (await pidsOf(run)).filter(isRunning),
    said: () => readFile(join(home, "governor.log"), "utf8"),
    signalGovernor: (signal) => void governor.kill(signal),
    begun: async () => (await readFile(join(home, "journal"), "utf8").catch(() => "")).split("\n").slice(0, -1),
    end: () => {
      ending ??= end();
      return ending;
    },
  };
}

/** For `afterEach`: what the governors of a test that failed have written; then none of the nodes is left. */
export async function endAll(test: object, nodes: TestNode[]): Promise<void> {
  endLoads();
  const ended = nodes.splice(0);
  if ("passed" in test && test.passed === false) for (const node of ended) process.stderr.write(await node.said());
  await Promise.all(ended.map((node) => node.end()));
}

/** The client goes by what it was told last: of all that serve it knows, or calls would go to some of them alone. */
function knows(client: NodeClient, { containers }: NodeStatus): boolean {
  const known = client.nodes().flatMap((each) => each.containers.map(({ id }) => id));
  return containers.every(({ id, state }) => state !== "serving" || known.includes(id));
}

/** The processes of the containers that are written down in a run folder. */
async function pidsOf(run: string): Promise<number[]> {
  const folder = join(run, "containers");
  const names = await readdir(folder).catch(() => []);
  const records = names.filter((name) => name.endsWith(".json")).map((name) => join(folder, name));
  // One that ends meanwhile takes its record with it.
  const texts = await Promise.all(records.map((record) => readFile(record, "utf8").catch(() => undefined)));
  return texts.flatMap((text) => (text === undefined ? [] : [Number(JSON.parse(text).pid)]));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
