// The programs of a simulated node: what `unum up` starts, with the same entries, on simulated computers.
//
//   keeper ──▶ governor: runNode ──▶ container: runGovernedContainer
//
// Each does what its process does in the command (src/cli/process); nothing of the node itself is simulated.

import { sleep } from "../../base/clock.ts";
import type { Env } from "../../base/env.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Processes, ProcessId, SpawnSettings } from "../../base/processes.ts";
import type { LimitsChange } from "../../capacity/limits.ts";
import type { Component } from "../../container/component.ts";
import type { ContainerStart } from "../../governor/fleet-settings.ts";
import { Keeper } from "../../governor/keeper.ts";
import { type Note, writeNote } from "../../governor/note.ts";
import { runGovernedContainer } from "../../node/run-governed-container.ts";
import { type NodeSettings, runNode } from "../../node/run-node.ts";
import type { Address, Transport } from "../../transports/transport.ts";
import type { Host } from "./host.ts";
import type { HostProcess, OwnProcess } from "./host-process.ts";
import type { Program } from "./process-table.ts";

/** The code of nodes; another copy where a test has planted a mistake in it. */
export interface NodeCode {
  readonly runNode: typeof runNode;
  readonly runGovernedContainer: typeof runGovernedContainer;
  readonly Keeper: typeof Keeper;
}

export const REAL_CODE: NodeCode = { runNode, runGovernedContainer, Keeper };

/** What a component of a simulated node may use, in place of timers, Math.random and process. */
export interface ComponentParts extends Pick<Env, "clock" | "random">, OwnProcess {
  /** Of the container. */
  readonly name: string;
}

/** What a components folder holds: makes its components anew in each container. One that throws is code that does not load. */
export type Code = (parts: ComponentParts) => readonly Component[];

/** What a node is started with. */
export interface NodePlan {
  readonly limits?: LimitsChange;
  /** Default 5,000. */
  readonly graceMs?: number;
}

/** Where the nodes of a world find each other. */
export interface Joining {
  /** The computer's address. */
  readonly ip: string;
  /** HOST:PORT of nodes to ask first. */
  readonly seeds: readonly string[];
}

/** Of a node that is part of a machine: others know it by TLS, under its computer's name. */
export interface MachinePart {
  readonly gossipKey: Uint8Array;
  /** `keeper`: with whom it ends. */
  settings(process: HostProcess, keeper: ProcessId): NonNullable<NodeSettings["machine"]>;
}

/** What a world gives to the programs of one computer. */
export interface ProgramWorld {
  readonly host: Host;
  readonly plan: NodePlan;
  /** Undefined for one that runs alone. */
  readonly joining: () => Joining | undefined;
  /** Undefined for a node that is part of none. */
  readonly machine?: MachinePart;
  readonly code: NodeCode;
  /** By name, as a file of the components folder says it. */
  readonly components: Readonly<Record<string, Code>>;
  envOf(process: HostProcess): Env;
  /** As the trace notes it. */
  noted(component: Component, process: HostProcess): Component;
  watched(transport: Transport, process: HostProcess): Transport;
  /** `granted`: to the program that it is of; empty where it is of none. */
  loaded(process: HostProcess, code: string, granted: readonly string[]): void;
}

/** Where things lie on a simulated computer. */
export const FOLDERS = { run: "/run", logs: "/logs", components: "/components", work: "/" } as const;
export const CODE_FILE = `${FOLDERS.components}/code`;
const CODE_LIMIT_BYTES = 256;
const INTENT_LIMIT_BYTES = 64 * 1024;

export interface GovernorStart {
  readonly restarts: number;
  readonly keeper: ProcessId;
}

/** For who is on the same computer. */
export function doorOf(host: string): Address {
  return `ipc://${FOLDERS.run}/${host}-door.sock`;
}

export const GOSSIP_PORT = 7_100;
const DOOR_PORT = 7_000;
/** The pretended network asks for none: who is called by TLS is told the name that its caller shows. */
const NO_KEYS = { key: "", cert: "", ca: "" };

export function programsOf(world: ProgramWorld): Readonly<Record<string, Program>> {
  return {
    keeper: (process) => keeper(world, process),
    governor: (process, settings) => governor(world, process, told(settings)),
    container: (process, settings) => container(world, process, told(settings)),
  };
}

/** As `unum up` in the foreground. */
async function keeper(world: ProgramWorld, process: HostProcess): Promise<number> {
  const { host, code } = world;
  const env = world.envOf(process);
  const kept = new code.Keeper({
    ...{ clock: env.clock, random: env.random, log: env.log, processes: host.table.of(process) },
    governor: (restarts) => settingsOf("governor", { restarts, keeper: process.id } satisfies GovernorStart),
  });
  process.on("SIGTERM", () => {
    kept.end();
    kept.governor?.signal("SIGTERM");
  });
  await kept.start();
  const { code: exit } = await kept.keep();
  return exit ?? 1;
}

async function governor(world: ProgramWorld, process: HostProcess, start: GovernorStart): Promise<number> {
  const { host, plan, code } = world;
  const env = world.envOf(process);
  const processes: Processes = host.table.of(process);
  const graceMs = plan.graceMs ?? 5_000;
  const joining = world.joining();
  const { machine } = world;
  const shown = machine === undefined ? [] : [host.name];
  const { open, reached } =
    machine === undefined
      ? { open: `tcp://${host.name}:${DOOR_PORT}`, reached: { addresses: [`tcp://${host.name}:0`] } }
      : // As 'unum up --open' has it: one port for its door and for gossip.
        {
          open: `tls://${joining?.ip}:${GOSSIP_PORT}`,
          reached: { addresses: [`tls://${host.name}:0`], tls: NO_KEYS },
        };
  const node = await code.runNode({
    ...{
      env,
      id: host.name,
      host: host.name,
      run: FOLDERS.run,
      logs: FOLDERS.logs,
      folder: FOLDERS.components,
      graceMs,
    },
    parts: { disk: host.disk.of(process.sim), processes, resources: host.resources },
    transport: () => world.watched(host.transport(process, ...shown), process),
    pid: process.id.pid,
    restarts: start.restarts,
    limits: plan.limits ?? {},
    workingFolder: FOLDERS.work,
    doors: [doorOf(host.name), ...(joining === undefined ? [] : [open])],
    ...(joining === undefined
      ? {}
      : {
          network: {
            ...{ datagrams: host.datagramsOf(process), seeds: joining.seeds },
            gossip: { host: joining.ip, port: GOSSIP_PORT },
            ...(machine === undefined ? {} : { key: machine.gossipKey }),
          },
          reach: reached,
        }),
    ...(machine === undefined ? {} : { machine: machine.settings(process, start.keeper) }),
    command: (container) => ({ program: "container", arguments: [JSON.stringify(container)] }),
    environment: {},
  });
  const by = processes.adopt(start.keeper);
  const drain = () => void node.drain(graceMs);
  if (by === undefined) drain();
  else void by.exited.then(drain);
  process.on("SIGTERM", drain);
  process.on("SIGINT", () => {});
  await node.closed;
  return 0;
}

async function container(world: ProgramWorld, process: HostProcess, start: ContainerStart): Promise<number> {
  const { host, code } = world;
  const env = world.envOf(process);
  const disk = host.disk.of(process.sim);
  if ((await disk.read(start.intent, INTENT_LIMIT_BYTES)) === undefined) return 0;
  const began = new Set<Note["began"][number]>();
  let endedAtWallMs = 0;
  const write = () => {
    try {
      writeNote(disk, start.note, { began: [...began], endedAtWallMs, running: [] });
    } catch (error) {
      env.log.write("error", `the note for the governor cannot be written: ${asError(error).message}`);
    }
  };
  const running = await code.runGovernedContainer({
    ...{ env, id: start.id, node: start.node, nonce: start.nonce, listen: [start.address], host: start.host },
    secure: () => {},
    transports: [world.watched(host.transport(process, ...(world.machine === undefined ? [] : [host.name])), process)],
    load: async (folder, _, hosting) => {
      const found = await disk.read(`${folder}/code`, CODE_LIMIT_BYTES);
      const name = found === undefined ? "" : new TextDecoder().decode(found);
      world.loaded(process, name, hosting?.granted ?? []);
      return loaded(world, process, env, name);
    },
    began: (component, budgetMs) => {
      const one = { component, atWallMs: env.clock.wallNow(), budgetMs };
      began.add(one);
      write();
      return () => {
        began.delete(one);
        endedAtWallMs = env.clock.wallNow();
        write();
      };
    },
  });
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => void running.drain(0));
  await running.closed;
  return 0;
}

function loaded(world: ProgramWorld, process: HostProcess, env: Env, name: string) {
  const code = world.components[name];
  if (code === undefined) return { components: [], failures: name === "" ? [] : [`there is no code '${name}'`] };
  const own = {
    block: (ms: number) => process.block(ms),
    exit: (status: number) => process.exit(status),
    use: (bytes: number) => process.use(bytes),
  };
  try {
    const components = code({ ...own, name: process.name, clock: env.clock, random: env.random });
    return { components: components.map((each) => world.noted(each, process)), failures: [] };
  } catch (error) {
    if (error instanceof Fault) throw error;
    return { components: [], failures: [asError(error).message] };
  }
}

export function settingsOf(program: string, start: object): SpawnSettings {
  const logPath = `${FOLDERS.logs}/${program}.log`;
  return { program, arguments: [JSON.stringify(start)], environment: {}, folder: FOLDERS.work, logPath };
}

/** Written by a program above. */
function told<T>({ arguments: [text = "{}"] }: SpawnSettings): T {
  return JSON.parse(text) as T;
}

/** Waits on a process's clock: for programs that have nothing to do but to be there. */
export function forEver(env: Pick<Env, "clock">): Promise<void> {
  return sleep(env.clock, 864_000_000);
}
