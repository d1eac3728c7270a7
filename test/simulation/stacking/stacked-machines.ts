// Three machines on five simulated computers, each a node of the one before it: everything above sockets, disks and clocks is the
// code of real nodes, containers and gateways.
//
//   top  ntop1 ntop2  ◀── gateway on nmiddle1 ──  middle  nmiddle1 nmiddle2  ◀── gateway on nbottom1 ──  bottom  nbottom1

import { Fault } from "../../../src/base/fault.ts";
import type { ProcessId, SpawnSettings } from "../../../src/base/processes.ts";
import { type Random, seededRandom } from "../../../src/base/random.ts";
import { type Client, newClient } from "../../../src/client/client.ts";
import { type NodeClient, newNodeClient } from "../../../src/client/node-client.ts";
import type { letIn } from "../../../src/machine/identity/joining.ts";
import { publicKeyOf, readSigningKey } from "../../../src/machine/keys/signing-key.ts";
import type { MachineNode } from "../../../src/machine/machine-node.ts";
import type { runGateway } from "../../../src/node/run-gateway.ts";
import { DatagramNetwork } from "../../../src/testing/datagram-network.ts";
import { Host } from "../../../src/testing/hosts/host.ts";
import type { HostProcess } from "../../../src/testing/hosts/host-process.ts";
import { noSockets } from "../../../src/testing/hosts/host-transport.ts";
import type { Program } from "../../../src/testing/hosts/process-table.ts";
import {
  CODE_FILE,
  type Code,
  doorOf,
  FOLDERS,
  forEver,
  GOSSIP_PORT,
  type MachinePart,
  type NodeCode,
  programsOf,
  settingsOf,
} from "../../../src/testing/hosts/programs.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";
import { MemoryNetwork } from "../../../src/transports/memory/memory-network.ts";
import type { Identities, MachineIdentity } from "./identities.ts";
import { ALL_NODES, ID, type MachineName, machineOf, NODES, nodesOf } from "./stacking-plan.ts";

export interface StackingCode extends NodeCode {
  readonly runGateway: typeof runGateway;
  readonly letIn: typeof letIn;
}

export interface WorldParts {
  readonly seed: number;
  readonly identities: Identities;
  readonly code: StackingCode;
  /** What lies in components folders, by name, as it runs on that computer. */
  readonly components: (node: string) => Readonly<Record<string, Code>>;
  /** Told each line of every process's log. */
  readonly onLine?: ((process: string, text: string) => void) | undefined;
  /** A governor has come up on that computer. */
  readonly up: (node: string, machine: MachineNode) => void;
}

/** What a computer's folder says of the machine that its own is a node of. */
interface ParentFile {
  readonly machine: MachineName;
  /** PEM. */
  readonly commands: string;
}

/** What a container has: the name of its code, and what its program is granted. */
interface Loaded {
  readonly name: string;
  readonly granted: readonly string[];
}

const PARENT_FILE = "/parent/parent.json";
const GATEWAY_PORT = 7_300;
const LIMIT_BYTES = 65_536;
const START_LIMIT_MS = 30_000;
const CONTAINERS = 4;
const UP_AGAIN_MS = 500;

export class StackedMachines {
  readonly clock = new VirtualClock({ ownRounds: true });
  readonly network: MemoryNetwork;
  readonly datagrams: DatagramNetwork;
  readonly #parts: WorldParts;
  readonly #random: Random;
  readonly #hosts = new Map<string, Host>();
  readonly #callers = new Map<string, NodeClient>();
  readonly #operators = new Map<string, { readonly process: HostProcess; readonly client: Client }>();
  /** By node, while its governor runs. */
  readonly #machines = new Map<string, { readonly process: HostProcess; readonly machine: MachineNode }>();
  /** By container's process, what it has loaded. */
  readonly #loaded = new Map<HostProcess, Loaded>();

  constructor(parts: WorldParts) {
    this.#parts = parts;
    this.#random = seededRandom(parts.seed ^ 0x57ac);
    const { clock } = this;
    const limits = { connectMs: 5_000, silenceMs: 10_000 };
    this.network = new MemoryNetwork({ clock, limits, random: this.#random.fork() });
    this.datagrams = new DatagramNetwork({ clock, random: this.#random.fork() });
    for (const [index, node] of ALL_NODES.entries()) this.#hosts.set(node, this.#newHost(node, index));
  }

  up(node: string): void {
    const host = this.host(node);
    if (!host.hasPower || this.processes(node, "keeper").length > 0) return;
    // As long as what an earlier keeper left has not ended.
    if (this.processes(node, "governor").length > 0) return void this.clock.after(UP_AGAIN_MS, () => this.up(node));
    for (const folder of [FOLDERS.run, FOLDERS.logs, FOLDERS.components, "/parent"]) host.disk.makeFolder(folder);
    if (host.disk.text(CODE_FILE) === undefined) host.disk.put(CODE_FILE, machineOf(node));
    const keeper = host.table.start(settingsOf("keeper", {}));
    keeper.watch(({ code }) => {
      if (code !== undefined && code !== 0) this.clock.after(UP_AGAIN_MS, () => this.up(node));
    });
    if (this.processes(node, "caller").length === 0) host.table.start(settingsOf("caller", {}));
  }

  losePower(node: string): void {
    this.host(node).losePower();
  }

  getPower(node: string): void {
    this.host(node).getPower();
    this.up(node);
  }

  /** One way. */
  set(from: string, to: string, isCut: boolean): void {
    this.network.set(from, to, { cut: isCut });
    const [one, other] = [this.host(from).ip, this.host(to).ip];
    if (isCut) this.datagrams.cut(one, other);
    else this.datagrams.mend(one, other);
  }

  host(node: string): Host {
    const found = this.#hosts.get(node);
    if (found === undefined) throw new Error(`there is no computer ${node}`);
    return found;
  }

  /** Those that run there, oldest first. */
  processes(node: string, program: string): readonly HostProcess[] {
    return this.host(node).table.running.filter((process) => process.program === program);
  }

  /** Undefined while its governor does not run, or has not come up yet. */
  machine(node: string): MachineNode | undefined {
    const known = this.#machines.get(node);
    return known?.process.isRunning === true ? known.machine : undefined;
  }

  /** Whether a governor runs there, and answers. */
  isFree(node: string): boolean {
    const known = this.#machines.get(node);
    return known?.process.isRunning === true && known.process.sim.free;
  }

  /** What containers that run there have loaded. */
  loaded(node: string): readonly Loaded[] {
    return this.processes(node, "container").flatMap((process) => this.#loaded.get(process) ?? []);
  }

  /** Undefined until it has come in by its node's door. */
  caller(node: string): NodeClient | undefined {
    return this.processes(node, "caller").length === 0 ? undefined : this.#callers.get(node);
  }

  /** Who sits before the computer. */
  operator(node: string): Client {
    const known = this.#operators.get(node);
    if (known?.process.isRunning === true) return known.client;
    const host = this.host(node);
    const process = host.table.start(settingsOf("operator", {}));
    const client = newClient({ env: process.sim, transports: [host.transport(process)], to: [doorOf(node)] });
    this.#operators.set(node, { process, client });
    return client;
  }

  identity(machine: MachineName): MachineIdentity {
    return this.#parts.identities.machines[machine];
  }

  /** As `unum stack` leaves it, once the parent has let it in. */
  joins(node: string, parent: MachineName): void {
    const commands = this.identity(machineOf(node)).commands.secretPem;
    this.host(node).disk.put(PARENT_FILE, JSON.stringify({ machine: parent, commands } satisfies ParentFile));
  }

  /** As `unum unstack` leaves it. */
  leaves(node: string): void {
    const { disk } = this.host(node);
    for (const path of disk.paths) if (path.startsWith("/parent/")) disk.remove(path);
  }

  /** Whether every process there that a fault may stop runs and answers. */
  isWell(node: string): boolean {
    const running = this.host(node).table.running.filter(({ program }) => program !== "operator");
    return this.isFree(node) && running.every(({ sim }) => sim.free);
  }

  /** Everything ends. */
  end(): void {
    for (const node of ALL_NODES) this.losePower(node);
  }

  #newHost(node: string, index: number): Host {
    const { clock, network, datagrams } = this;
    const programs: Record<string, Program> = {};
    const random = this.#random.fork();
    const hosts = this.#hosts;
    let count = 0;
    const host: Host = new Host(
      { name: node },
      {
        ...{ clock, random, network, datagrams, programs, ip: `127.0.0.${index + 1}` },
        addresses: {
          nameOf: (name) => [...hosts.values()].find((each) => each.name === name || each.ip === name)?.name,
          freePort: () => 10_000 + random.below(50_000),
        },
        nameOf: ({ program }) => `${node}/${program}.${++count}`,
        ...{ started: () => {}, killed: () => {}, grew: () => {}, blocked: () => {} },
        ended: (process) => void this.#loaded.delete(process),
      },
    );
    const { components, code } = this.#parts;
    Object.assign(programs, {
      ...programsOf({
        ...{ host, code, plan: { limits: { node: { containers: CONTAINERS, spares: 0 } } }, machine: this.#part(host) },
        joining: () => ({ ip: host.ip, seeds: this.#seeds(machineOf(node)) }),
        components: components(node),
        envOf: (process) => this.#envOf(process),
        noted: (component) => component,
        watched: (transport) => transport,
        loaded: (process, name, granted) => void this.#loaded.set(process, { name, granted }),
      }),
      gateway: (process: HostProcess, settings: SpawnSettings) => this.#gateway(host, process, settings),
      caller: (process: HostProcess) => this.#caller(host, process),
      operator: (process: HostProcess) => forEver(process.sim).then(() => 0),
    });
    return host;
  }

  #seeds(machine: MachineName): readonly string[] {
    return nodesOf(machine).map((node) => `${this.host(node).ip}:${GOSSIP_PORT}`);
  }

  #part(host: Host): MachinePart {
    const machine = machineOf(host.name);
    const identity = this.identity(machine);
    const { founder, gossipKey, certificates } = identity;
    const own = certificates.get(host.name);
    const isFirst = host.name === NODES[machine][0];
    return {
      gossipKey,
      settings: (process: HostProcess, keeper: ProcessId) => ({
        ...{ folder: "/m", machine: ID[machine], controller: isFirst || machine === "top", founder, gossipKey },
        ...(own === undefined ? {} : { own }),
        seeds: this.#seeds(machine).map((seed) => `tls://${seed}`),
        ...(isFirst ? { gateway: settingsOf("gateway", { keeper }) } : {}),
        joining: {
          serve: async (node: MachineNode) => {
            this.#machines.set(host.name, { process, machine: node });
            this.#parts.up(host.name, node);
            return { speak: () => {}, close: async () => {} };
          },
        },
      }),
    };
  }

  #envOf({ name, sim: { clock, random } }: HostProcess) {
    const write = (level: string, text: string) => this.#parts.onLine?.(name, `${level} ${text}`);
    return { clock, random, network: noSockets, log: { write } };
  }

  /** As src/cli/process/gateway.ts. */
  async #gateway(host: Host, process: HostProcess, settings: SpawnSettings): Promise<number> {
    const env = this.#envOf(process);
    const disk = host.disk.of(process.sim);
    const processes = host.table.of(process);
    const told = await disk.read(PARENT_FILE, LIMIT_BYTES);
    if (told === undefined) throw new Fault("invalid", "nothing says which machine this one is a node of");
    // Written by this world.
    const parent = JSON.parse(new TextDecoder().decode(told)) as ParentFile;
    const { keeper } = JSON.parse(settings.arguments[0] ?? "") as { readonly keeper: ProcessId };
    const id = ID[machineOf(host.name)];
    const above = this.identity(parent.machine);
    const own = above.certificates.get(id);
    if (own === undefined) throw new Fault("invalid", `${parent.machine} has let no ${id} in`);
    const gateway = await this.#parts.code.runGateway({
      ...{ env, disk, datagrams: host.datagramsOf(process), machine: id, key: readSigningKey(parent.commands) },
      ...{ folder: "/parent", host: host.name, pid: process.id.pid, startTime: process.id.startTime },
      inside: {
        door: doorOf(host.name),
        listen: [`ipc://${FOLDERS.run}/gateway.sock`, `tls://${host.name}:0`],
        transport: () => host.transport(process, host.name),
      },
      outside: {
        ...{ machine: ID[parent.machine], founder: publicKeyOf(above.founder.raw), gossipKey: above.gossipKey, own },
        open: `tls://${host.ip}:${GATEWAY_PORT}`,
        gossip: { host: host.ip, port: GATEWAY_PORT },
        seeds: this.#seeds(parent.machine),
        transport: () => host.transport(process, id),
      },
    });
    const by = processes.adopt(keeper);
    const end = () => void gateway.close();
    if (by === undefined) end();
    else void by.exited.then(end);
    process.on("SIGTERM", end);
    process.on("SIGINT", () => {});
    await gateway.closed;
    return 0;
  }

  async #caller(host: Host, process: HostProcess): Promise<number> {
    const env = this.#envOf(process);
    this.#callers.delete(host.name);
    const client = await newNodeClient({
      ...{ env, id: process.name, transports: [host.transport(process, host.name)], seeds: [doorOf(host.name)] },
      withinMs: START_LIMIT_MS,
    });
    this.#callers.set(host.name, client);
    await forEver(env);
    return 0;
  }
}
