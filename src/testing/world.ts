// A simulated world: containers and clients in one process, on a virtual clock and a pretended network, from one seed.
//
//   world({ seed, containers, clients, faults })
//     ├─ k1, k2, …   runContainer, as a real process runs it; started again after a crash as k1.2, k1.3, …
//     ├─ c1, c2, …   newClient
//     ├─ network     memory://k1, …
//     └─ trace       what happened; its hash is the same in every run
//
// Invariants
//   W1. What happens follows from the settings alone: no other time, randomness or order gets in.
//   W2. Each process draws its randomness from its own generator: what one does leaves the others' draws as they are.

import { type Random, seededRandom } from "../base/random.ts";
import { type Client, newClient } from "../client/client.ts";
import type { RunningContainer } from "../node/run-container.ts";
import type { Conditions, MemoryLimits } from "../transports/memory/conditions.ts";
import { MemoryNetwork } from "../transports/memory/memory-network.ts";
import type { Address } from "../transports/transport.ts";
import { FaultEngine } from "./fault-engine.ts";
import type { FaultKind, PlannedFault } from "./faults.ts";
import { type Judged, type Rule, type Violation, violations } from "./invariants.ts";
import { settledOn } from "./promises/settled.ts";
import { type Seams, SOUND } from "./seams.ts";
import { type ContainerPlan, SimulatedContainer, transportOf, type WorldParts } from "./simulated-container.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { Trace } from "./trace.ts";
import { TracedClient } from "./traced-calls.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface WorldSettings {
  readonly seed: number;
  readonly containers: readonly ContainerPlan[];
  /** How many: c1, c2, … */
  readonly clients: number;
  readonly faults?: readonly PlannedFault[];
  readonly conditions?: Partial<Conditions>;
  readonly network?: Partial<MemoryLimits>;
  /** Whether messages travel as the bytes of the wire. Default true. */
  readonly encode?: boolean;
  /** Whether to note what happens. Default true; without it there is nothing to check and no hash. */
  readonly trace?: boolean;
  /** Where a test puts a deliberate defect. */
  readonly seams?: Partial<Seams>;
}

export interface WorldContainer {
  readonly name: string;
  readonly address: Address;
  readonly process: SimulatedProcess;
  /** Undefined between a crash and the next start. */
  readonly running: RunningContainer | undefined;
}

/** Settles when every container listens. */
export async function world(settings: WorldSettings): Promise<World> {
  const made = new World(settings);
  await made.start();
  return made;
}

export class World {
  readonly clock = new VirtualClock();
  readonly trace = new Trace();
  readonly network: MemoryNetwork;
  readonly clients: readonly Client[];
  readonly containers: readonly WorldContainer[];
  readonly #settings: WorldSettings;
  readonly #random: Random;
  readonly #faults: FaultEngine;
  readonly #simulated: SimulatedContainer[];
  readonly #found = new Map<string, readonly Address[]>();
  #started = false;
  readonly #clientProcesses: SimulatedProcess[] = [];

  constructor(settings: WorldSettings) {
    this.#settings = settings;
    this.#random = seededRandom(settings.seed);
    this.network = new MemoryNetwork({
      clock: this.clock,
      random: this.#random.fork(),
      ...(settings.conditions === undefined ? undefined : { conditions: settings.conditions }),
      ...(settings.network === undefined ? undefined : { limits: settings.network }),
      encode: settings.encode ?? true,
    });
    this.#simulated = settings.containers.map((plan) => new SimulatedContainer(this.#parts(), plan));
    this.containers = this.#simulated;
    this.clients = Array.from({ length: settings.clients }, (_, index) => this.#client(`c${index + 1}`));
    this.#faults = new FaultEngine({
      clock: this.clock,
      trace: this.trace,
      network: this.network,
      containers: this.#simulated,
      clients: this.#clientProcesses,
    });
  }

  async start(): Promise<void> {
    await this.settled(Promise.all(this.#simulated.map((container) => container.start())), 1_000);
    this.#started = true;
    this.#faults.schedule(this.#settings.faults ?? []);
  }

  /** Lets time pass. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Lets time pass until the promise settles, and settles as it does. */
  settled<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    return settledOn(this.clock, promise, withinMs);
  }

  /** How often each kind of fault took effect: messages lost, processes killed, …, not only planned. */
  get fired(): Readonly<Record<FaultKind, number>> {
    return this.#faults.fired;
  }

  /** What does not hold of what has happened so far; to be asked when all is over. */
  violations(): Violation[] {
    return violations(this.#judged());
  }

  /** Ends every fault that still lasts: the network is whole, everybody runs. */
  heal(): void {
    this.#faults.endAll();
  }

  /** The burst of a planned overload is the workload's to make. */
  onOverload(burst: (fault: PlannedFault) => void): void {
    this.#faults.onOverload = burst;
  }

  /** Drains a container, then starts it anew. */
  async replace(name: string, graceMs: number): Promise<void> {
    await this.#simulated.find((container) => container.name === name)?.replace(graceMs);
  }

  /** Addresses of the containers that serve a method's contract. */
  readonly find = (path: string): readonly Address[] => {
    const known = this.#found.get(path);
    if (known !== undefined) return known;
    const contract = path.slice(0, path.indexOf("/"));
    const found = this.#simulated.filter((container) => container.serves(contract)).map(({ address }) => address);
    // What a container serves follows from its plan, so it is known for good once it was started.
    if (this.#started) this.#found.set(path, found);
    return found;
  };

  #judged(): Judged {
    const rules = new Map<string, Rule>(this.#simulated.flatMap((container) => [...container.rules]));
    return {
      events: this.trace.events,
      rules,
      inboxLimits: new Map(this.#simulated.map(({ name, inboxLimit }) => [name, inboxLimit])),
      leastMs: this.network.usual.delayMs,
      left: this.#simulated.flatMap(({ process, running }) =>
        running === undefined
          ? []
          : [{ process: process.id, waiting: running.load.waiting, running: running.load.running }],
      ),
    };
  }

  #client(name: string): Client {
    const parts = this.#parts();
    const process = new SimulatedProcess(this.clock, parts.random, `${name}.1`, name, parts.seams.clock);
    this.#clientProcesses.push(process);
    const client = newClient({
      env: process,
      id: process.id,
      transports: [transportOf(parts, process)],
      to: this.find,
    });
    if (parts.trace === undefined) return client;
    return new TracedClient(client, {
      trace: parts.trace,
      process: process.id,
      parent: 0,
      parentRun: 0,
      now: () => this.clock.now(),
    });
  }

  #parts(): WorldParts {
    return {
      clock: this.clock,
      network: this.network,
      random: this.#random.fork(),
      trace: this.#settings.trace === false ? undefined : this.trace,
      seams: { ...SOUND, ...this.#settings.seams },
      find: this.find,
    };
  }
}
