// Does to a world what a plan says, and counts what of it took effect.

import type { Conditions } from "../transports/memory/conditions.ts";
import type { LinkCounts } from "../transports/memory/lane.ts";
import type { MemoryNetwork } from "../transports/memory/memory-network.ts";
import { FAULT_KINDS, type FaultKind, type PlannedFault } from "./faults.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Trace } from "./trace.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** A container as faults meet it. */
export interface FaultyContainer {
  readonly name: string;
  readonly process: SimulatedProcess;
  slowMs: number;
  readonly slowed: number;
  crash(): boolean;
  start(): Promise<void>;
}

export interface Faulty {
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly network: MemoryNetwork;
  readonly containers: readonly FaultyContainer[];
  readonly clients: readonly SimulatedProcess[];
}

/** Undoes it, and answers how often it took effect. */
type End = () => number;

const NO_EFFECT: End = () => 0;

type Way = readonly [from: string, to: string];

export class FaultEngine {
  readonly #world: Faulty;
  readonly #lasting = new Set<() => void>();
  /** Changes to each way that last now, in the order they began. */
  readonly #changes = new Map<string, Partial<Conditions>[]>();
  readonly fired: Record<FaultKind, number>;
  /** Makes the calls of an overload. */
  onOverload: (fault: PlannedFault) => void = () => {};

  constructor(world: Faulty) {
    this.#world = world;
    // Every kind there is, as the type says.
    this.fired = Object.fromEntries(Object.keys(FAULT_KINDS).map((kind) => [kind, 0])) as Record<FaultKind, number>;
  }

  schedule(plan: readonly PlannedFault[]): void {
    const { clock } = this.#world;
    for (const fault of plan) clock.after(fault.at - clock.now(), () => this.#begin(fault));
  }

  endAll(): void {
    for (const end of [...this.#lasting]) end();
  }

  #begin(fault: PlannedFault): void {
    const { clock, trace } = this.#world;
    const name = `${fault.kind} ${fault.from}>${fault.to}`;
    trace.add({ kind: "fault on", at: clock.now(), fault: name });
    const undo = this.#apply(fault);
    const end = () => {
      if (!this.#lasting.delete(end)) return;
      this.fired[fault.kind] += undo();
      trace.add({ kind: "fault off", at: clock.now(), fault: name });
    };
    this.#lasting.add(end);
    clock.after(fault.forMs, end);
  }

  #apply(fault: PlannedFault): End {
    const { from, to, amount } = fault;
    const direct: readonly Way[] = [[from, to]];
    switch (fault.kind) {
      case "loss":
        return this.#change(direct, { lossRate: amount }, ({ lost }) => lost);
      case "duplicates":
        return this.#change(direct, { duplicateRate: amount }, ({ duplicated }) => duplicated);
      case "delay":
        return this.#change(direct, { jitterMs: amount }, ({ entered }) => entered);
      case "reorder":
        return this.#change(this.#waysTo(to), { jitterMs: amount }, ({ overtaken }) => overtaken);
      case "cut":
        return this.#change(direct, { cut: true }, ({ held }) => held);
      case "partition":
        return this.#change([...this.#waysTo(to), ...this.#waysFrom(to)], { cut: true }, ({ held }) => held);
      case "crash":
        return this.#crash(this.#container(to));
      case "pause":
        return pause(this.#container(to)?.process);
      case "skew":
        return skew(this.#process(to), amount);
      case "slow":
        return slow(this.#container(to), amount);
      case "overload":
        this.onOverload(fault);
        return () => amount;
    }
  }

  #change(ways: readonly Way[], change: Partial<Conditions>, effect: (counts: LinkCounts) => number): End {
    const { network } = this.#world;
    const sum = () => ways.reduce((total, [from, to]) => total + effect(network.countsOf(from, to)), 0);
    const before = sum();
    for (const way of ways) this.#set(way, (lasting) => [...lasting, change]);
    return () => {
      const after = sum();
      for (const way of ways) this.#set(way, (lasting) => lasting.filter((each) => each !== change));
      return after - before;
    };
  }

  #set([from, to]: Way, next: (lasting: readonly Partial<Conditions>[]) => Partial<Conditions>[]): void {
    const key = `${from}>${to}`;
    const changes = next(this.#changes.get(key) ?? []);
    this.#changes.set(key, changes);
    const { network } = this.#world;
    network.set(from, to, Object.assign({ ...network.usual }, ...changes));
  }

  #crash(container: FaultyContainer | undefined): End {
    if (container === undefined || !container.crash()) return NO_EFFECT;
    return () => {
      void container.start();
      return 1;
    };
  }

  #waysTo(name: string): Way[] {
    return this.#names().flatMap((other): Way[] => (other === name ? [] : [[other, name]]));
  }

  #waysFrom(name: string): Way[] {
    return this.#waysTo(name).map(([other]): Way => [name, other]);
  }

  #names(): string[] {
    const { containers, clients } = this.#world;
    return [...containers.map(({ name }) => name), ...clients.map(({ name }) => name)];
  }

  #container(name: string): FaultyContainer | undefined {
    return this.#world.containers.find((container) => container.name === name);
  }

  #process(name: string): SimulatedProcess | undefined {
    return this.#container(name)?.process ?? this.#world.clients.find((client) => client.name === name);
  }
}

function pause(process: SimulatedProcess | undefined): End {
  if (process === undefined || !process.alive) return NO_EFFECT;
  const before = process.heldBack;
  process.pause();
  return () => {
    process.resume();
    return process.heldBack > before ? 1 : 0;
  };
}

function skew(process: SimulatedProcess | undefined, rate: number): End {
  if (process === undefined || !process.alive) return NO_EFFECT;
  process.setRate(rate);
  return () => {
    process.setRate(1);
    return 1;
  };
}

function slow(container: FaultyContainer | undefined, ms: number): End {
  if (container === undefined) return NO_EFFECT;
  const before = container.slowed;
  container.slowMs = ms;
  return () => {
    container.slowMs = 0;
    return container.slowed - before;
  };
}
