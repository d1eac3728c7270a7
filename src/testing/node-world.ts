// A simulated network of whole nodes: computers with keepers, governors and containers, and clients, from one seed.
//
//   nodeWorld({ seed, nodes, components, clients, faults })
//     ├─ a, b, …     computers: a disk, processes, memory; on each `unum up` with runNode and runGovernedContainer
//     ├─ c1, c2, …   newNodeClient, in processes of these computers
//     ├─ network     between the computers, and within each
//     └─ trace       what happened; its hash is the same in every run
//
// Invariants
//   W1. What happens follows from the settings alone: no other time, randomness or order gets in.
//   W2. Each process draws its randomness from its own generator: what one does leaves the others' draws as they are.

import { Fault } from "../base/fault.ts";
import type { LogLevel } from "../base/log.ts";
import type { SpawnSettings } from "../base/processes.ts";
import { type Random, seededRandom } from "../base/random.ts";
import type { Client } from "../client/client.ts";
import { newNodeClient } from "../client/node-client.ts";
import type { Conditions, MemoryLimits } from "../transports/memory/conditions.ts";
import { MemoryNetwork } from "../transports/memory/memory-network.ts";
import type { Address } from "../transports/transport.ts";
import { DatagramNetwork } from "./datagram-network.ts";
import { Host, type HostPlan } from "./hosts/host.ts";
import type { Line, NodeState, OwnTurn, ProcessTurn } from "./hosts/host-events.ts";
import type { HostProcess } from "./hosts/host-process.ts";
import { noSockets } from "./hosts/host-transport.ts";
import type { Program } from "./hosts/process-table.ts";
import {
  type Code,
  doorOf,
  forEver,
  GOSSIP_PORT,
  type Joining,
  type NodeCode,
  type NodePlan,
  programsOf,
  REAL_CODE,
  settingsOf,
} from "./hosts/programs.ts";
import { SimulatedNode } from "./hosts/simulated-node.ts";
import type { Violation } from "./invariants.ts";
import { NodeFaultEngine } from "./node-fault-engine.ts";
import type { NodeFaultKind, PlannedNodeFault } from "./node-faults.ts";
import { type NodeJudged, type NodeRule, nodeViolations } from "./node-invariants.ts";
import { settledOn } from "./promises/settled.ts";
import { Trace } from "./trace.ts";
import { TracedClient } from "./traced-calls.ts";
import { tracedComponent } from "./traced-component.ts";
import { tracedTransport } from "./traced-transport.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface WorldNode extends HostPlan, NodePlan {
  /** Of `components`: what lies in its components folder at first. Default: the first. */
  readonly code?: string;
}

export interface NodeWorldSettings {
  readonly seed: number;
  readonly nodes: readonly WorldNode[];
  /** What may lie in a components folder, by name; `deploy` puts another there. */
  readonly components: Readonly<Record<string, Code>>;
  /** The node on whose computer each runs: c1, c2, … Default: one at the first node. */
  readonly clients?: readonly string[];
  readonly faults?: readonly PlannedNodeFault[];
  readonly conditions?: Partial<Conditions>;
  /** Whether the nodes are to know nothing of each other. Default false. */
  readonly alone?: boolean;
  /** Told each line of every process's log. */
  readonly onLine?: (line: Line) => void;
  /** The code of nodes, where it is not the real one. */
  readonly nodeCode?: NodeCode;
}

/** As between real sockets. */
const LIMITS: Partial<MemoryLimits> = { connectMs: 5_000, silenceMs: 10_000 };
const START_LIMIT_MS = 30_000;
/** What a node may need to be well again: a pause before the next start, a budget, a grace, for several containers in turn. */
const CALM_MS = 60_000;
const LOOK_AGAIN_MS = 1_000;

/** Settles when every node serves and every client has come in. */
export async function nodeWorld(settings: NodeWorldSettings): Promise<NodeWorld> {
  const made = new NodeWorld(settings);
  await made.start();
  return made;
}

export class NodeWorld {
  readonly clock = new VirtualClock();
  readonly trace = new Trace();
  readonly network: MemoryNetwork;
  readonly datagrams: DatagramNetwork;
  readonly nodes: readonly SimulatedNode[];
  readonly #settings: NodeWorldSettings;
  readonly #random: Random;
  readonly #faults: NodeFaultEngine;
  readonly #clients = new Map<string, Client>();
  readonly #started = new Map<string, number>();
  readonly #rules = new Map<string, NodeRule>();
  /** For who notes calls. */
  readonly #world = {
    now: () => this.clock.now(),
    nameOf: (address: Address) => this.#containerAt.get(address),
  };
  readonly #containerAt = new Map<Address, string>();

  constructor(settings: NodeWorldSettings) {
    this.#settings = settings;
    this.#random = seededRandom(settings.seed);
    const { clock } = this;
    this.network = new MemoryNetwork({
      ...{ clock, random: this.#random.fork(), limits: LIMITS },
      ...(settings.conditions === undefined ? undefined : { conditions: settings.conditions }),
    });
    this.datagrams = new DatagramNetwork({ clock, random: this.#random.fork() });
    this.nodes = settings.nodes.map((plan, index) => this.#newNode(plan, index));
    this.#faults = new NodeFaultEngine(this);
  }

  async start(): Promise<void> {
    const [first = ""] = Object.keys(this.#settings.components);
    for (const [index, node] of this.nodes.entries()) {
      node.deploy(this.#settings.nodes[index]?.code ?? first);
      node.up();
    }
    await this.settled(Promise.all(this.nodes.map((node) => this.#serves(node))), START_LIMIT_MS);
    for (const [index, on] of this.#clientHomes.entries()) this.#startClient(`c${index + 1}`, on);
    await this.clock.runUntil(() => this.#clients.size === this.#clientHomes.length, START_LIMIT_MS);
    this.#faults.schedule(this.#settings.faults ?? []);
  }

  node(name: string): SimulatedNode {
    const found = this.nodes.find((node) => node.name === name);
    if (found !== undefined) return found;
    throw new Fault(
      "not-found",
      `there is no node '${name}'; there are ${this.nodes.map((each) => each.name).join(", ")}`,
    );
  }

  /** c1 is 0. The one that runs now: another after its computer's power was gone. */
  client(index: number): Client {
    const found = this.#clients.get(`c${index + 1}`);
    if (found === undefined)
      throw new Fault("not-found", `there is no client ${index}; give more of them in 'clients'`);
    return found;
  }

  /** Lets time pass. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Lets time pass until the promise settles, and settles as it does. */
  settled<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    return settledOn(this.clock, promise, withinMs);
  }

  /** Takes effect at once and lasts for `forMs`; `at` counts for nothing. */
  begin(fault: PlannedNodeFault): void {
    this.#faults.begin(fault);
  }

  /** How often each kind of fault took effect. */
  get fired(): Readonly<Record<NodeFaultKind, number>> {
    return this.#faults.fired;
  }

  /** Ends every fault that still lasts. */
  heal(): void {
    this.#faults.endAll();
  }

  /**
   * Lets time pass until every node that has power is what it should be when nothing is done to it any more, or `withinMs`
   * are over; then notes for the invariants what each says of itself.
   */
  async calm(withinMs = CALM_MS): Promise<void> {
    const until = this.clock.now() + withinMs;
    for (;;) {
      const states = await this.settled(
        Promise.all(this.nodes.filter(({ host }) => host.hasPower).map((node) => node.inspect())),
      );
      const isOver = this.clock.now() >= until || states.every((state) => isWell(state, states, this.#isJoined));
      if (isOver) for (const state of states) this.trace.add(state);
      if (isOver) return;
      await this.advance(LOOK_AGAIN_MS);
    }
  }

  /** What does not hold of what has happened so far; to be asked when all is over. */
  violations(): Violation[] {
    return nodeViolations(this.#judged());
  }

  /** Starts the clients of a computer whose power has come back. */
  restartClients(host: string): void {
    for (const [index, on] of this.#clientHomes.entries()) if (on === host) this.#startClient(`c${index + 1}`, on);
  }

  /** Whether its nodes are to find each other. */
  get #isJoined(): boolean {
    return this.nodes.length > 1 && this.#settings.alone !== true;
  }

  get #clientHomes(): readonly string[] {
    return this.#settings.clients ?? [this.#settings.nodes[0]?.name ?? ""];
  }

  #judged(): NodeJudged {
    return {
      events: this.trace.events,
      at: this.clock.now(),
      leastMs: this.network.usual.delayMs,
      rules: this.#rules,
      joined: this.#isJoined,
      nodes: this.nodes.map(({ name, host }, index) => {
        const { limits, graceMs = 5_000 } = this.#settings.nodes[index] ?? {};
        const { cpus, memoryBytes } = host.resources.available();
        const containers = limits?.node?.containers ?? Math.max(1, Math.ceil(2 * cpus));
        return { name, containers, graceMs, memoryBytes };
      }),
    };
  }

  #newNode(plan: WorldNode, index: number): SimulatedNode {
    const { clock, trace, network, datagrams } = this;
    const random = this.#random.fork();
    // The programs are of their computer, and are looked up when the first of them starts.
    const programs: Record<string, Program> = {};
    const host: Host = new Host(plan, {
      ...{ clock, random, network, datagrams, programs, ip: `127.0.${Math.floor(index / 250)}.${(index % 250) + 1}` },
      addresses: {
        nameOf: (name) => this.nodes.find(({ host: each }) => each.name === name || each.ip === name)?.name,
        freePort: () => 7_000 + random.below(50_000),
      },
      nameOf: (settings) => this.#nameOf(plan.name, settings),
      started: (process, _, by) => this.#note("process up", host, process, by?.name ?? ""),
      killed: (process, by) => this.#note("process killed", host, process, by.name),
      grew: (process) => this.#say("process grew", host, process, String(process.memoryBytes)),
      blocked: (process) => this.#note("process blocked", host, process, ""),
      ended: (process, { code, signal }) => {
        if (process.program === "container" || process.program === "client") {
          const kind = code === 0 ? "drained" : "down";
          trace.add({ kind, at: clock.now(), process: process.name, graceMs: 0 });
        }
        this.#note("process down", host, process, signal ?? `code ${code ?? ""}`);
      },
    });
    Object.assign(programs, {
      ...programsOf({
        ...{ host, plan, code: this.#settings.nodeCode ?? REAL_CODE, components: this.#settings.components },
        joining: () => this.#joining(host),
        envOf: (process) => this.#envOf(process),
        noted: (component, process) => this.#noted(component, process),
        watched: (transport, process) => this.#watched(transport, process),
        loaded: (process, name) => this.#say("loaded", host, process, name),
      }),
      client: (process: HostProcess) => this.#runClient(process, host),
      operator: (process: HostProcess) => forEver(process.sim).then(() => 0),
    });
    return new SimulatedNode({ host, clock, trace });
  }

  /** Each asks the first two for who is there. */
  #joining({ ip }: Host): Joining | undefined {
    if (!this.#isJoined) return undefined;
    const seeds = this.nodes.slice(0, 2).map(({ host }) => `${host.ip}:${GOSSIP_PORT}`);
    return { ip, seeds };
  }

  /** A container's id; of others HOST/PROGRAM.N, of a client its name and .N. */
  #nameOf(host: string, { program, arguments: [text = "{}"] }: SpawnSettings): string {
    // Written by whoever started it, in this world.
    const told = JSON.parse(text) as { readonly id?: string; readonly name?: string };
    if (program === "container" && told.id !== undefined) return told.id;
    const name = told.name ?? `${host}/${program}`;
    const count = (this.#started.get(name) ?? 0) + 1;
    this.#started.set(name, count);
    return `${name}.${count}`;
  }

  #note(
    kind: Exclude<ProcessTurn["kind"], "process stopped" | "process goes on">,
    host: Host,
    process: HostProcess,
    how: string,
  ): void {
    const { program, name } = process;
    this.trace.add({ kind, at: this.clock.now(), host: host.name, program, process: name, how });
  }

  #say(kind: OwnTurn["kind"], { name: host }: Host, { name }: HostProcess, what: string): void {
    this.trace.add({ kind, at: this.clock.now(), host, process: name, what });
  }

  /** What a process writes is part of what happened. */
  #envOf(process: HostProcess) {
    const { clock, random } = process.sim;
    const write = (level: LogLevel, message: string) => {
      this.#sight(process, message);
      const line = { at: this.clock.now(), process: process.name, level, message };
      this.trace.mix(line);
      this.#settings.onLine?.(line);
    };
    return { clock, random, network: noSockets, log: { write } };
  }

  /** What a governor says of other nodes, as its operator reads it. */
  #sight({ program, name }: HostProcess, message: string): void {
    const [, of, what] = (program === "governor" && /^node (\S+) (is in|is gone|has left)\b/.exec(message)) || [];
    if (of === undefined || what === undefined) return;
    const state = what === "is in" ? "alive" : what === "is gone" ? "dead" : "left";
    const by = name.slice(0, name.indexOf("/"));
    this.trace.add({ kind: "seen", at: this.clock.now(), by, of, state });
  }

  #noted(component: Parameters<typeof tracedComponent>[0], { name }: HostProcess) {
    const { contract, concurrency, reentrant, budgetMs } = component;
    this.#rules.set(contract.typeName, { concurrency, reentrant, budgetMs });
    return tracedComponent(component, {
      ...{ trace: this.trace, process: name, ...this.#world },
      slowness: () => undefined,
    });
  }

  #watched(transport: Parameters<typeof tracedTransport>[0], { name, program }: HostProcess) {
    const traced = tracedTransport(transport, this.trace, name, () => this.clock.now());
    if (program !== "container") return traced;
    const listen: typeof traced.listen = (at, receive) =>
      traced.listen(at, receive)?.then((listener) => {
        this.#containerAt.set(listener.address, name);
        return listener;
      });
    return { ...traced, listen };
  }

  async #serves(node: SimulatedNode): Promise<void> {
    for (;;) {
      const status = await node.status().catch(() => undefined);
      if (status?.containers.some(({ state }) => state === "serving") === true) return;
      if ((status?.problems.length ?? 0) > 0 || status?.limits?.containers === 0) return;
      await new Promise<void>((resolve) => this.clock.after(50, resolve));
    }
  }

  #startClient(name: string, on: string): void {
    this.#clients.delete(name);
    this.node(on).host.table.start(settingsOf("client", { name }));
  }

  async #runClient(process: HostProcess, host: Host): Promise<number> {
    const env = this.#envOf(process);
    const name = process.name.slice(0, process.name.lastIndexOf("."));
    const transport = this.#watched(host.transport(process), process);
    const client = await newNodeClient({
      ...{ env, id: process.name, transports: [transport], seeds: [doorOf(host.name)], withinMs: START_LIMIT_MS },
    });
    const maker = { trace: this.trace, process: process.name, parent: 0, parentRun: 0, ...this.#world };
    this.#clients.set(name, new TracedClient(client, maker));
    await forEver(env);
    return 0;
  }
}

function isWell(state: NodeState, all: readonly NodeState[], joined: boolean): boolean {
  const { governor, serving, problems, codes, replacing, behind, knows } = state;
  const expected = all.map(({ host }) => host).sort();
  const isKnown = !joined || knows === expected.join(" ");
  return (
    governor === 1 &&
    serving + problems > 0 &&
    (codes <= 1 || replacing === 2) &&
    replacing !== 1 &&
    behind === 0 &&
    isKnown
  );
}
