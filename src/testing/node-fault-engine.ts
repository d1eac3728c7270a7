// Does to simulated nodes what a plan says, and counts what of it took effect.

import { type Conditions, GOOD_CONDITIONS } from "../transports/memory/conditions.ts";
import type { MemoryNetwork } from "../transports/memory/memory-network.ts";
import { type DatagramNetwork, FAIR_WEATHER } from "./datagram-network.ts";
import type { HostProcess } from "./hosts/host-process.ts";
import { USUAL_SPAWN } from "./hosts/process-table.ts";
import type { SimulatedNode } from "./hosts/simulated-node.ts";
import { NODE_FAULT_KINDS, type NodeFaultKind, type PlannedNodeFault } from "./node-faults.ts";
import type { Trace } from "./trace.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** A world of nodes as faults meet it. */
export interface FaultyNodes {
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly network: MemoryNetwork;
  readonly datagrams: DatagramNetwork;
  readonly nodes: readonly SimulatedNode[];
  /** Its power has come back. */
  restartClients(host: string): void;
}

/** Undoes it, and answers how often it took effect. */
type End = () => number;

const NO_EFFECT: End = () => 0;
const ONCE: End = () => 1;

type Way = readonly [from: string, to: string];

export class NodeFaultEngine {
  readonly #world: FaultyNodes;
  readonly #lasting = new Set<() => void>();
  /** Changes to each way that last now, in the order they began. */
  readonly #changes = new Map<string, Partial<Conditions>[]>();
  readonly fired: Record<NodeFaultKind, number>;

  constructor(world: FaultyNodes) {
    this.#world = world;
    // Every kind there is, as the type says.
    this.fired = Object.fromEntries(Object.keys(NODE_FAULT_KINDS).map((kind) => [kind, 0])) as Record<
      NodeFaultKind,
      number
    >;
  }

  schedule(plan: readonly PlannedNodeFault[]): void {
    for (const fault of plan) this.#world.clock.after(fault.at, () => this.begin(fault));
  }

  begin(fault: PlannedNodeFault): void {
    const { clock, trace, nodes } = this.#world;
    const node = nodes.find(({ name }) => name === fault.node);
    if (node === undefined) return;
    const name = `${fault.kind} ${fault.node}${fault.to === "" ? "" : `>${fault.to}`}`;
    trace.add({ kind: "fault on", at: clock.now(), fault: name });
    const undo = this.#apply(fault, node);
    const end = () => {
      if (!this.#lasting.delete(end)) return;
      this.fired[fault.kind] += undo();
      trace.add({ kind: "fault off", at: clock.now(), fault: name });
    };
    this.#lasting.add(end);
    clock.after(fault.forMs, end);
  }

  endAll(): void {
    for (const end of [...this.#lasting]) end();
  }

  #apply({ kind, to, amount }: PlannedNodeFault, node: SimulatedNode): End {
    const { host } = node;
    const chosen = node.containers[Math.floor(amount * node.containers.length)];
    switch (kind) {
      case "container crash":
        return chosen?.signal("SIGKILL") === true ? ONCE : NO_EFFECT;
      case "container pause":
        return this.#pause(chosen, host.name);
      case "governor crash":
        return node.governor?.signal("SIGKILL") === true ? ONCE : NO_EFFECT;
      case "governor pause":
        return this.#pause(node.governor, host.name);
      case "keeper crash":
        return this.#endKeeper(node);
      case "slow spawn":
        return this.#spawning(node, "slow", { startMs: [500, 500 + 4_000 * amount] });
      case "refused spawn":
        return this.#spawning(node, "refused", { refusedRate: 0.5 + amount / 2 });
      case "stillborn":
        return this.#spawning(node, "stillborn", { stillbornRate: 0.3 + amount * 0.7 });
      case "power loss":
        return this.#losePower(node);
      case "full disk":
        return this.#disk(node, "refused", (disk) => {
          disk.full = !disk.full;
        });
      case "slow disk":
        return this.#disk(node, "slowed", (disk) => {
          disk.slowMs = disk.slowMs === 0 ? 20 + 300 * amount : 0;
        });
      case "hog":
        chosen?.use(2 ** 40);
        return chosen === undefined ? NO_EFFECT : ONCE;
      case "clock jump":
        return this.#jump(node, (amount - 0.5) * 7_200_000);
      case "cut":
        return this.#cut([[host.name, to]]);
      case "partition":
        return this.#cut(this.#waysOf(host.name));
      case "loss":
        return this.#loss(amount);
      case "delay":
        return this.#change(this.#waysOf(host.name), { jitterMs: 20 + 200 * amount });
    }
  }

  #pause(process: HostProcess | undefined, host: string): End {
    if (process === undefined || process.isStopped) return NO_EFFECT;
    const note = (kind: "process stopped" | "process goes on") =>
      this.#world.trace.add({
        ...{ kind, at: this.#world.clock.now(), host, program: process.program, process: process.name, how: "" },
      });
    const before = process.sim.heldBack;
    process.signal("SIGSTOP");
    note("process stopped");
    return () => {
      if (process.signal("SIGCONT")) note("process goes on");
      return process.sim.heldBack > before ? 1 : 0;
    };
  }

  #endKeeper(node: SimulatedNode): End {
    if (node.keeper?.signal("SIGKILL") !== true) return NO_EFFECT;
    return () => {
      node.upAgain();
      return 1;
    };
  }

  #spawning(
    { host: { table } }: SimulatedNode,
    count: "slow" | "refused" | "stillborn",
    change: Partial<typeof USUAL_SPAWN>,
  ): End {
    const before = table.counts[count];
    table.conditions = { ...table.conditions, ...change };
    return () => {
      // Of two at a time the first to end ends both.
      table.conditions = USUAL_SPAWN;
      return table.counts[count] - before;
    };
  }

  #disk(
    { host: { disk } }: SimulatedNode,
    count: "refused" | "slowed",
    turn: (disk: SimulatedNode["host"]["disk"]) => void,
  ): End {
    const before = disk.counts[count];
    turn(disk);
    return () => {
      turn(disk);
      return disk.counts[count] - before;
    };
  }

  /** Its connections are not ended: nobody is there to end them. */
  #losePower(node: SimulatedNode): End {
    const { clock, trace } = this.#world;
    const { host } = node;
    if (!host.hasPower) return NO_EFFECT;
    const end = this.#cut([...this.#waysOf(host.name), [host.name, host.name]]);
    host.losePower();
    trace.add({ kind: "power off", at: clock.now(), host: host.name });
    return () => {
      end();
      host.getPower();
      trace.add({ kind: "power on", at: clock.now(), host: host.name });
      node.up();
      this.#world.restartClients(host.name);
      return 1;
    };
  }

  #jump(node: SimulatedNode, byMs: number): End {
    node.host.table.setWall(byMs);
    return () => {
      node.host.table.setWall(0);
      return 1;
    };
  }

  #cut(ways: readonly Way[]): End {
    const { datagrams, nodes } = this.#world;
    const ipOf = (name: string) => nodes.find((node) => node.name === name)?.host.ip ?? name;
    const before = datagrams.counts.cut;
    for (const [from, to] of ways) datagrams.cut(ipOf(from), ipOf(to));
    const end = this.#change(ways, { cut: true });
    return () => {
      const held = end();
      for (const [from, to] of ways) if (!this.#isCut(from, to)) datagrams.mend(ipOf(from), ipOf(to));
      return held + datagrams.counts.cut - before;
    };
  }

  #loss(amount: number): End {
    const { datagrams } = this.#world;
    const before = datagrams.counts.lost;
    datagrams.weather = { ...FAIR_WEATHER, loss: 0.3 * amount, doubled: 0.3 * amount };
    return () => {
      datagrams.weather = FAIR_WEATHER;
      return datagrams.counts.lost - before;
    };
  }

  #change(ways: readonly Way[], change: Partial<Conditions>): End {
    const { network } = this.#world;
    const sum = () =>
      ways.reduce((total, [from, to]) => {
        const { held, entered } = network.countsOf(from, to);
        return total + (change.cut === true ? held : entered);
      }, 0);
    const before = sum();
    for (const way of ways) this.#set(way, (lasting) => [...lasting, change]);
    return () => {
      const after = sum();
      for (const way of ways) this.#set(way, (lasting) => lasting.filter((each) => each !== change));
      return after - before;
    };
  }

  #set([from, to]: Way, next: (lasting: readonly Partial<Conditions>[]) => Partial<Conditions>[]): void {
    const { network } = this.#world;
    const changes = next(this.#changes.get(`${from}>${to}`) ?? []);
    this.#changes.set(`${from}>${to}`, changes);
    network.set(from, to, Object.assign({ ...GOOD_CONDITIONS, ...network.usual }, ...changes));
  }

  #isCut(from: string, to: string): boolean {
    return (this.#changes.get(`${from}>${to}`) ?? []).some(({ cut }) => cut === true);
  }

  #waysOf(name: string): Way[] {
    return this.#world.nodes
      .filter((other) => other.name !== name)
      .flatMap((other): Way[] => [
        [other.name, name],
        [name, other.name],
      ]);
  }
}
