// A user's flow in the simulator: its own components in pretended containers, its router, a journal in memory; time is virtual, and what
// goes wrong follows from a seed.
//
// Invariants
//   T1. The same settings give the same run, event by event, on every computer.
//   T2. A router that is killed writes nothing any more: another one goes on from what its journal had acknowledged.

import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type Component, Fault } from "unum";
import { type FaultKind, faultPlan, type ProcessParts, seededRandom, type World, world } from "unum/testing";
import type { Flow } from "../flow.ts";
import { type FlowRun, runFlow } from "../flow-run.ts";
import type { Journals } from "../journal/journal.ts";
import { memoryJournals } from "../journal/memory-journal.ts";
import { historyOf } from "../run-reader.ts";
import type { Schedule } from "../schedule.ts";
import type { TaskStatus } from "../subscriptions.ts";
import { callWorkers } from "../workers/call-workers.ts";

export interface SimulationSettings {
  /** The components of each container; their time and randomness are the process's. */
  readonly components: (process: ProcessParts) => readonly Component[];
  /** Decides everything that is left to chance. Default 1. */
  readonly seed?: number;
  /** Default 2. */
  readonly containers?: number;
  /** How many troubles of containers and network, of which kinds, that begin within so many ms. Default: none. */
  readonly faults?: { readonly count: number; readonly withinMs: number; readonly kinds?: readonly FaultKind[] };
  /** Moments at which the router is killed, in ms from the beginning. */
  readonly routerKills?: readonly number[];
  /** What a write to disk takes. Default 2. */
  readonly syncMs?: number;
  /** Calls under way at one time. Default 64. */
  readonly places?: number;
}

export interface SimulatedOutput {
  readonly sink: string;
  readonly value: MessageShape<DescMessage>;
  readonly task: number;
  /** In ms from the beginning. */
  readonly at: number;
}

const RUN = "simulated";
/** Virtual: what has not come by then will not. */
const YEAR_MS = 366 * 24 * 3_600_000;
const ROUTERS = 64;

/** Settles when its containers serve and its first router runs. Throws the Fault `invalid` where a kill has no router to follow it. */
export async function simulateFlow<I extends DescMessage>(
  flow: Flow<I>,
  settings: SimulationSettings,
): Promise<FlowSimulation<I>> {
  const { seed = 1, containers = 2, faults, routerKills = [], components } = settings;
  if (routerKills.length >= ROUTERS)
    throw new Fault("invalid", `${routerKills.length} kills of the router; at most ${ROUTERS - 1} are simulated`);
  const names = Array.from({ length: containers }, (_, index) => `k${index + 1}`);
  const clients = Array.from({ length: routerKills.length + 1 }, (_, index) => `c${index + 1}`);
  const { count = 0, withinMs = 1, kinds = ["crash", "partition", "loss", "delay", "pause"] } = faults ?? {};
  const plan = { containers: names, clients, untilMs: withinMs, count, kinds };
  const made = await world({
    ...{ seed, clients: clients.length, trace: false },
    faults: faultPlan(seededRandom(seed), plan),
    containers: names.map((name) => ({ name, components })),
  });
  const simulation = new FlowSimulation(flow, made, settings);
  await simulation.begin();
  return simulation;
}

export class FlowSimulation<I extends DescMessage = DescMessage> {
  readonly world: World;
  readonly journals: Journals;
  /** What came to sinks, in its order; once more perhaps after the router was killed, as a flow promises. */
  readonly outputs: SimulatedOutput[] = [];
  readonly #flow: Flow<I>;
  readonly #settings: SimulationSettings;
  readonly #startedAt: number;
  readonly #schedules: { readonly schedule: Schedule<I>; readonly source: string | undefined }[] = [];
  #run: FlowRun<I> | undefined;
  #routers = 0;
  #closed = false;

  constructor(flow: Flow<I>, made: World, settings: SimulationSettings) {
    this.world = made;
    this.#flow = flow;
    this.#settings = settings;
    this.#startedAt = made.clock.now();
    this.journals = memoryJournals({ clock: made.clock, syncMs: settings.syncMs ?? 2 });
  }

  /** Of the router that runs now. */
  get run(): FlowRun<I> {
    if (this.#run === undefined) throw new Fault("internal", "the simulation has not begun");
    return this.#run;
  }

  /** Ms from the beginning. */
  get now(): number {
    return this.world.clock.now() - this.#startedAt;
  }

  /** @internal */
  async begin(): Promise<void> {
    await this.#route();
    for (const at of this.#settings.routerKills ?? []) {
      this.world.clock.after(Math.max(0, at - this.now), () => void this.#killed());
    }
  }

  /** Settles with its task once it is on the pretended disk; time passes until then. */
  submit(value: MessageInitShape<I>, key?: string): Promise<number> {
    const options = key === undefined ? {} : { key };
    return this.settled(this.run.submit(value, options));
  }

  /** Items by the clock, whichever router runs. */
  schedule(schedule: Schedule<I>, source?: string): void {
    this.#schedules.push({ schedule, source });
    this.run.schedule(schedule, source);
  }

  advance(ms: number): Promise<void> {
    return this.world.advance(ms);
  }

  /** Lets time pass until the promise settles, and settles as it does. */
  settled<T>(promise: Promise<T>): Promise<T> {
    return this.world.settled(promise, YEAR_MS);
  }

  /** Nothing more comes in; settles with how the run ends, whatever its routers live through. */
  async finish(): Promise<"done" | "failed" | "cancelled"> {
    this.#closed = true;
    await this.settled(this.run.close().catch(() => {}));
    for (;;) {
      const routed = this.run;
      const end = await this.settled(routed.finished.catch((error: Error) => error));
      if (!(end instanceof Error)) return end;
      if (this.run === routed) throw end;
    }
  }

  /** The router is gone without a word; another one goes on. */
  async killRouter(): Promise<void> {
    await this.settled(this.#killed());
  }

  /** Every change of a task. */
  async history(task: number): Promise<readonly TaskStatus[]> {
    return this.settled(this.journals.read(RUN).then((reader) => historyOf(reader, task)));
  }

  async #killed(): Promise<void> {
    const before = this.run;
    await this.#route();
    // Whatever it still does is refused by its journal (T2).
    await before.stop().catch(() => {});
    if (this.#closed) await this.run.close();
  }

  async #route(): Promise<void> {
    const client = this.world.clients[Math.min(this.#routers++, this.world.clients.length - 1)];
    if (client === undefined) throw new Fault("internal", "the world has no client");
    const starting = runFlow(this.#flow, {
      env: { clock: this.world.clock, random: seededRandom((this.#settings.seed ?? 1) * ROUTERS + this.#routers) },
      journals: this.journals,
      workers: callWorkers({ client, places: this.#settings.places ?? 64 }),
      id: RUN,
      output: (sink, value, task) => this.outputs.push({ sink, value, task, at: this.now }),
    });
    // While time already passes, who passes it waits for this too.
    this.#run = this.#run === undefined ? await this.settled(starting) : await starting;
    for (const { schedule, source } of this.#schedules) this.#run.schedule(schedule, source);
  }
}
