// A container of a simulated world, by name, through all its starts, crashes and drains.

import { Fault } from "../base/fault.ts";
import { silentLog } from "../base/log.ts";
import type { Network } from "../base/network.ts";
import type { Random } from "../base/random.ts";
import type { Component } from "../container/component.ts";
import { type ContainerLimits, DEFAULT_LIMITS } from "../container/container.ts";
import { type RunningContainer, runContainer } from "../node/run-container.ts";
import type { MemoryNetwork } from "../transports/memory/memory-network.ts";
import type { Address, Transport } from "../transports/transport.ts";
import type { Rule } from "./invariants.ts";
import type { Seams } from "./seams.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import type { Trace } from "./trace.ts";
import { tracedComponent } from "./traced-component.ts";
import { tracedTransport } from "./traced-transport.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What a component of a simulated process may use: its clock instead of timers, its randomness instead of Math.random. */
export type ProcessParts = Pick<SimulatedProcess, "name" | "clock" | "random">;

export interface ContainerPlan {
  /** Its address is memory://NAME. */
  readonly name: string;
  /** Made anew each time the container starts. */
  readonly components: (process: ProcessParts) => readonly Component[];
  readonly limits?: Partial<ContainerLimits>;
}

/** What the processes of one world share; the generator is this one's own. */
export interface WorldParts {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly random: Random;
  readonly trace: Trace | undefined;
  readonly seams: Seams;
  readonly find: (path: string) => readonly Address[];
}

/** What a simulated process cannot do: everything goes over the pretended network's transport. */
const noNetwork: Network = {
  listen: () => Promise.reject(new Fault("invalid", "a simulated process has no sockets; listen at memory://NAME")),
  connect: () => Promise.reject(new Fault("undeliverable", "a simulated process has no sockets; use memory://NAME")),
};

/** How a process reaches the others, with its defects and what notes it. */
export function transportOf(parts: WorldParts, process: SimulatedProcess): Transport {
  const { seams, trace, network, clock } = parts;
  const wire = seams.wire(network.transport(process), process);
  const noted = trace === undefined ? wire : tracedTransport(wire, trace, process.id, () => clock.now());
  const sending = seams.sending(noted, process);
  return {
    schemes: sending.schemes,
    send: (to, request) => sending.send(to, request),
    listen: (at, receive) => noted.listen(at, seams.receiving(receive, process)),
    close: () => sending.close(),
  };
}

/** A container by name, through all its starts. */
export class SimulatedContainer {
  readonly name: string;
  readonly address: Address;
  readonly #parts: WorldParts;
  readonly #plan: ContainerPlan;
  readonly #rules = new Map<string, Rule>();
  #process: SimulatedProcess;
  #running: RunningContainer | undefined;
  #starts = 0;
  /** What functions take longer now. */
  slowMs = 0;
  slowed = 0;

  constructor(parts: WorldParts, plan: ContainerPlan) {
    this.#parts = parts;
    this.#plan = plan;
    this.name = plan.name;
    this.address = `memory://${plan.name}`;
    this.#process = this.#newProcess();
  }

  get process(): SimulatedProcess {
    return this.#process;
  }

  get running(): RunningContainer | undefined {
    return this.#running;
  }

  serves(contract: string): boolean {
    return this.#rules.has(contract);
  }

  /** By contract, what its components allow. */
  get rules(): ReadonlyMap<string, Rule> {
    return this.#rules;
  }

  get inboxLimit(): number {
    return this.#plan.limits?.inbox ?? DEFAULT_LIMITS.inbox;
  }

  async start(): Promise<void> {
    if (this.#starts > 0) this.#process = this.#newProcess();
    this.#starts++;
    const process = this.#process;
    const components = this.#plan.components(process);
    for (const { contract, concurrency, reentrant } of components) {
      this.#rules.set(contract.typeName, { concurrency, reentrant });
    }
    const running = await runContainer({
      env: { clock: process.clock, random: process.random, log: silentLog, network: noNetwork },
      id: process.id,
      components: components.map((each) => this.#noted(each, process)),
      transports: [transportOf(this.#parts, process)],
      listen: [this.address],
      find: this.#parts.find,
      ...(this.#plan.limits === undefined ? undefined : { limits: this.#plan.limits }),
      ...this.#parts.seams.container(process),
    });
    // Killed while it started.
    if (!process.alive) return;
    this.#running = running;
    this.#note("up", 0);
  }

  /** Gone without a word. False: it was not running. */
  crash(): boolean {
    if (this.#running === undefined) return false;
    this.#note("down", 0);
    this.#running = undefined;
    this.#process.kill();
    this.#parts.network.crash(this.#process);
    return true;
  }

  async replace(graceMs: number): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const process = this.#process;
    this.#note("draining", graceMs);
    // Told to the process, so that one that stands still hears of it afterwards.
    process.deliver(() => void running.drain(this.#parts.seams.grace(graceMs)));
    await running.closed;
    // Unless it crashed, and was started again, meanwhile.
    if (this.#process !== process || this.#running !== running) return;
    this.#note("drained", graceMs);
    this.#running = undefined;
    process.kill();
    this.#parts.network.crash(process);
    await this.start();
  }

  #newProcess(): SimulatedProcess {
    const { clock, random, seams } = this.#parts;
    return new SimulatedProcess(clock, random.fork(), `${this.name}.${this.#starts + 1}`, this.name, seams.clock);
  }

  #noted(component: Component, process: SimulatedProcess): Component {
    const made = this.#parts.seams.component(component, process);
    const { trace, clock } = this.#parts;
    if (trace === undefined) return made;
    const slowness = () => {
      if (this.slowMs === 0) return undefined;
      this.slowed++;
      return new Promise<void>((resolve) => process.clock.after(this.slowMs, resolve));
    };
    return tracedComponent(made, { trace, process: process.id, now: () => clock.now(), slowness });
  }

  #note(kind: "up" | "down" | "draining" | "drained", graceMs: number): void {
    this.#parts.trace?.add({ kind, at: this.#parts.clock.now(), process: this.#process.id, graceMs });
  }
}
