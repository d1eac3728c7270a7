// Flows in the simulator: containers with the steps of the tests, a journal in memory, time that is virtual.

import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { component } from "unum";
import {
  callWorkers,
  type Flow,
  type FlowRun,
  type Journals,
  memoryJournals,
  type RunSettings,
  runFlow,
} from "unum/flows";
import { type PlannedFault, type ProcessParts, type World, world } from "unum/testing";
import { sleep } from "../../src/base/clock.ts";
import { seededRandom } from "../../src/base/random.ts";
import { type ItemSchema, Steps } from "../gen/unum/test/v1/flows_pb.ts";

type Item = MessageShape<typeof ItemSchema>;

/** How often each step ran to its end, by item and step: what duplicates and losses show in. */
export class Ran {
  readonly counts = new Map<string, number>();
  readonly attempts = new Map<string, number>();
  /** What was undone, in its order: the trail of what the step had put out. */
  readonly undone: string[] = [];
  /** What the first step of each item was called with as its key, in the order of the calls. */
  readonly keys: { readonly name: string; readonly key: string }[] = [];
  /** Attempts to undo that fail, of each thing. */
  undoFails = 0;

  note(counts: Map<string, number>, what: string): number {
    const count = (counts.get(what) ?? 0) + 1;
    counts.set(what, count);
    return count;
  }
}

export function steps(ran: Ran, { clock }: ProcessParts) {
  const act = async (item: Item, name: string): Promise<MessageInitShape<typeof ItemSchema>> => {
    const attempt = ran.note(ran.attempts, `${item.name}/${name}`);
    if (item.workMs > 0) await sleep(clock, item.workMs);
    if (attempt <= item.fails) throw new RangeError(`told to fail ${item.fails} times, this is attempt ${attempt}`);
    ran.note(ran.counts, `${item.name}/${name}`);
    return { ...item, trail: `${item.trail}${name} ` };
  };
  return component(
    Steps,
    {
      work: (item, call) => {
        ran.keys.push({ name: item.name, key: call.meta["flow-key"] ?? "" });
        return act(item, "work");
      },
      // Never fails, whatever the item says.
      other: (item) => act({ ...item, fails: 0 }, "other").then((done) => ({ ...done, fails: item.fails })),
      undo: async ({ name, trail, ...item }) => {
        await sleep(clock, item.workMs);
        const attempt = ran.note(ran.attempts, `${name}/undo ${trail}`);
        if (attempt <= ran.undoFails) throw new RangeError(`told not to undo ${ran.undoFails} times`);
        ran.undone.push(`${name}: ${trail.trim()}`);
        return { ...item, name, trail };
      },
      spread: async function* (item) {
        await act(item, "spread");
        for (let part = 0; part < item.number; part++) {
          yield { ...item, name: `${item.name}.${part}`, number: part, trail: `${item.trail}spread ` };
        }
      },
      report: (sum) => {
        ran.note(ran.counts, `${sum.name}/report`);
        return sum;
      },
    },
    { concurrency: 50 },
  );
}

export interface FlowWorldSettings {
  readonly seed?: number;
  readonly containers?: number;
  readonly faults?: readonly PlannedFault[];
  readonly syncMs?: number;
  readonly places?: number;
}

export class FlowWorld {
  readonly world: World;
  readonly ran: Ran;
  readonly journals: Journals;
  readonly outputs: { readonly sink: string; readonly value: Item; readonly task: number }[] = [];
  readonly #places: number;

  constructor(made: World, ran: Ran, journals: Journals, places: number) {
    this.world = made;
    this.ran = ran;
    this.journals = journals;
    this.#places = places;
  }

  /** A router of its own; one that ran this run before is as dead as after a crash. */
  run<I extends DescMessage>(
    flow: Flow<I>,
    id = "run",
    client = 0,
    more: Pick<RunSettings, "withinMs" | "renamed"> = {},
  ): Promise<FlowRun<I>> {
    const calls = this.world.clients[client];
    if (calls === undefined) throw new Error(`there is no client ${client}`);
    const starting = runFlow(flow, {
      env: { clock: this.world.clock, random: seededRandom(7 + client) },
      journals: this.journals,
      workers: callWorkers({ client: calls, places: this.#places }),
      id,
      ...more,
      output: (sink, value, task) => this.outputs.push({ sink, value: value as Item, task }),
    });
    return this.settled(starting);
  }

  settled<T>(promise: Promise<T>, withinMs = 10 * 60_000): Promise<T> {
    return this.world.settled(promise, withinMs);
  }

  /** Names of what came to a sink, in their order. */
  came(sink: string): string[] {
    return this.outputs.filter((output) => output.sink === sink).map(({ value }) => value.name);
  }
}

export async function flowWorld(settings: FlowWorldSettings = {}): Promise<FlowWorld> {
  const { seed = 1, containers = 2, faults = [], syncMs = 2, places = 64 } = settings;
  const ran = new Ran();
  const made = await world({
    seed,
    clients: 4,
    faults,
    containers: Array.from({ length: containers }, (_, index) => ({
      name: `k${index + 1}`,
      components: (process: ProcessParts) => [steps(ran, process)],
    })),
    trace: false,
  });
  return new FlowWorld(made, ran, memoryJournals({ clock: made.clock, syncMs }), places);
}
