// Containers that serve the worker component: fast steps go to them in batches, slow ones call by call, and those that must report
// are followed.
//
// Each outcome comes as soon as it is there: a slow task holds up the batches behind it, never what is done beside it.
//
//   perform ──▶ which container ──▶ its line of that step ──▶ a batch when fewer than two are under way there
//
// Invariants
//   C1. A container has at most two batches of fast steps under way: one that is worked on, one that waits beside it.
//   C2. What was sent to a container that is gone settles as failed, and the router decides what follows.

import { type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Address, type Client, Fault, type FaultCode, type StreamMethod, type UnaryMethod } from "unum";
import type { Clock } from "../../base/clock.ts";
import { asError } from "../../base/fault.ts";
import type { Outcome } from "../decide.ts";
import { type BatchItem, Worker } from "../gen/unum/flows/v1/worker_pb.ts";
import type { StepNode } from "../graph.ts";
import { batchSize, isSlow, type Pace, paceAfter, UNSEEN } from "./batch-size.ts";
import { failureOf } from "./call-workers.ts";
import { type Given, Windows } from "./windows.ts";
import type { Settling, Work, Workers } from "./workers.ts";

export interface ContainerWorkersSettings {
  readonly clock: Clock;
  /** A client of one container. Closed by `close`, not by who asked for it. */
  readonly clientOf: (address: Address) => Pick<Client, "call" | "stream">;
  readonly close: () => Promise<void>;
  /** package.Contract of everything that is served, and how many calls of it one container works on at one time. */
  readonly contracts: ReadonlyMap<string, number>;
  /** Tasks under way in one container at one time. Default 512. */
  readonly places?: number;
}

const BATCHES_UNDER_WAY = 2;
/** Items a worker may be ahead: each has all that came since the one before. */
const CREDIT = 4;

interface Open {
  readonly container: Container;
  readonly settling: Settling;
  readonly given: Given;
  controller?: AbortController;
  /** Tells its batch that it is settled or withdrawn. */
  over?: () => void;
}

class Container {
  readonly address: Address;
  readonly client: Pick<Client, "call" | "stream">;
  /** Given to it and not settled. */
  open = 0;
  batches = 0;
  readonly lines = new Map<StepNode, Work[]>();
  isGone = false;

  constructor(address: Address, client: Pick<Client, "call" | "stream">) {
    this.address = address;
    this.client = client;
  }
}

export class ContainerWorkers implements Workers {
  readonly #settings: ContainerWorkersSettings;
  readonly #places: number;
  #containers: Container[] = [];
  readonly #paces = new Map<StepNode, Pace>();
  readonly #windows: Windows;
  /** What was given away and not settled, and to whom. */
  readonly #open = new Map<Work, Open>();
  /** Contracts of which more waited, when it was asked last, than those there can work on. */
  readonly #short = new Set<string>();
  #turn = 0;
  onPlaces = (): void => {};

  constructor(settings: ContainerWorkersSettings) {
    this.#settings = settings;
    this.#places = settings.places ?? 512;
    this.#windows = new Windows((contract) => this.#containers.length * (settings.contracts.get(contract) ?? 1));
  }

  get places(): number {
    return this.#containers.length * this.#places;
  }

  room(step: StepNode): number {
    const room = this.#windows.room(step);
    if (room > 0) this.#short.delete(step.method.parent.typeName);
    else this.#short.add(step.method.parent.typeName);
    return room;
  }

  /** More waits than those there can work on. */
  get isShort(): boolean {
    return this.#short.size > 0 && this.#open.size > 0;
  }

  /** Tasks given away and not settled. */
  get open(): number {
    return this.#open.size;
  }

  isIdle(address: Address): boolean {
    return this.#containers.find((container) => container.address === address)?.open === 0;
  }

  /** A container has come. */
  add(address: Address): void {
    this.#containers.push(new Container(address, this.#settings.clientOf(address)));
    this.onPlaces();
  }

  /** A container is gone: what it had settles as failed. Answers with how much that was. */
  remove(address: Address, why: string): number {
    const gone = this.#containers.find((container) => container.address === address);
    if (gone === undefined) return 0;
    const { open } = gone;
    this.#containers = this.#containers.filter((container) => container !== gone);
    gone.isGone = true;
    gone.lines.clear();
    for (const [work, { container }] of [...this.#open]) {
      if (container === gone) this.#settle(work, { kind: "failed", reason: why, final: false });
    }
    return open;
  }

  perform(works: readonly Work[], settling: Settling): void {
    const touched = new Set<Container>();
    for (const work of works) {
      const container = this.#choose(work);
      if (container === undefined) {
        settling.settled(work, { kind: "failed", reason: "no container is there to work", final: false });
        continue;
      }
      container.open++;
      const given = this.#windows.given(work.node, this.#settings.clock.now());
      this.#open.set(work, { container, settling, given });
      if (work.node.policy.heartbeatMs !== Number.POSITIVE_INFINITY) void this.#batch([work], container);
      else if (isSlow(this.#paces.get(work.node) ?? UNSEEN)) void this.#alone(work, container);
      else {
        const line = container.lines.get(work.node);
        if (line === undefined) container.lines.set(work.node, [work]);
        else line.push(work);
        touched.add(container);
      }
    }
    for (const container of touched) this.#send(container);
  }

  withdraw(work: Work): void {
    const open = this.#open.get(work);
    if (open === undefined) return;
    this.#closed(work, open);
    open.controller?.abort(new Error("withdrawn by its flow"));
  }

  serves(path: string): boolean {
    return this.#settings.contracts.has(path.slice(0, path.indexOf("/")));
  }

  async close(): Promise<void> {
    for (const work of [...this.#open.keys()]) this.withdraw(work);
    this.#containers = [];
    await this.#settings.close();
  }

  #choose({ affinity }: Work): Container | undefined {
    const all = this.#containers;
    if (all.length <= 1) return all[0];
    if (affinity !== "" && affinity !== "local") return rendezvous(all, affinity);
    let best: Container | undefined;
    const first = this.#turn++;
    for (let step = 0; step < all.length; step++) {
      const container = all[(first + step) % all.length];
      if (container !== undefined && (best === undefined || container.open < best.open)) best = container;
    }
    return best;
  }

  #send(container: Container): void {
    while (container.batches < BATCHES_UNDER_WAY && !container.isGone) {
      const batch = this.#nextBatch(container);
      if (batch === undefined) return;
      container.batches++;
      void this.#batch(batch, container).finally(() => {
        container.batches--;
        this.#send(container);
      });
    }
  }

  #nextBatch(container: Container): Work[] | undefined {
    for (const [node, line] of container.lines) {
      const pace = this.#paces.get(node) ?? UNSEEN;
      // What was not seen yet may be slow: nothing is to wait behind it.
      if (pace === UNSEEN && container.batches > 0) continue;
      const size = batchSize(pace, this.#settings.contracts.get(node.method.parent.typeName));
      const batch = line.splice(0, size).filter((work) => this.#open.has(work));
      container.lines.delete(node);
      // Behind the others: steps take turns.
      if (line.length > 0) container.lines.set(node, line);
      if (batch.length > 0) return batch;
    }
    return undefined;
  }

  async #batch(works: readonly Work[], container: Container): Promise<void> {
    const [first] = works;
    if (first === undefined) return;
    const { node } = first;
    const controller = new AbortController();
    let left = works.length;
    // Where nobody waits for any of them any more, the container is told.
    const over = () => {
      if (--left === 0) controller.abort(new Error("nobody waits for it any more"));
    };
    for (const work of works) {
      const open = this.#open.get(work);
      if (open === undefined) continue;
      open.over = over;
      open.settling.began(work);
    }
    let elapsedUs = 0;
    try {
      const options = { ttlMs: node.policy.timeoutMs + 1_000, signal: controller.signal, credit: CREDIT };
      for await (const item of container.client.stream(Worker.method.do, batchOf(works), options)) {
        elapsedUs = item.elapsedUs;
        this.#take(works, item, node);
      }
      throw new Fault("unknown", "the worker ended without an outcome");
    } catch (thrown) {
      if (elapsedUs > 0)
        this.#paces.set(node, paceAfter(this.#paces.get(node) ?? UNSEEN, works.length, elapsedUs / 1_000));
      const outcome = failureOf(asError(thrown), node);
      for (const work of works) this.#settle(work, outcome);
    }
  }

  #take(works: readonly Work[], { done, counts, values, failures, progress }: BatchItem, node: StepNode): void {
    let next = 0;
    done.forEach((index, place) => {
      const count = counts.length === 0 ? 1 : (counts[place] ?? 0);
      const work = works[index];
      if (work !== undefined) this.#settle(work, { kind: "done", values: values.slice(next, next + count) });
      next += count;
    });
    for (const { index, code, type, message } of failures) {
      const work = works[index];
      if (work === undefined) continue;
      // A code was written there from a Fault, whose codes are a closed list.
      const fault = code === "" ? undefined : failureOf(new Fault(code as FaultCode, message), node);
      this.#settle(work, fault ?? { kind: "failed", reason: `${type}: ${message}`, final: false });
    }
    for (const { key, fraction, note } of progress) {
      const work = works.find((each) => each.key === key);
      if (work !== undefined) this.#open.get(work)?.settling.reported(work, fraction < 0 ? undefined : fraction, note);
    }
  }

  async #alone(work: Work, container: Container): Promise<void> {
    const { node, value, key, attempt } = work;
    const { timeoutMs } = node.policy;
    const signal = this.#signalOf(work);
    const options = {
      ttlMs: timeoutMs,
      withinMs: timeoutMs,
      signal,
      meta: { "flow-key": key, "flow-attempt": String(attempt) },
    };
    const startedAt = this.#settings.clock.now();
    try {
      // A message of the schema is an init of it.
      const input = fromBinary(node.input, value) as MessageInitShape<DescMessage>;
      const values: Uint8Array[] = [];
      if (node.method.methodKind === "unary") {
        values.push(toBinary(node.output, await container.client.call(node.method as UnaryMethod, input, options)));
      } else {
        const items = container.client.stream(node.method as StreamMethod, input, options);
        for await (const item of items) values.push(toBinary(node.output, item));
      }
      this.#paces.set(node, paceAfter(this.#paces.get(node) ?? UNSEEN, 1, this.#settings.clock.now() - startedAt));
      this.#settle(work, { kind: "done", values });
    } catch (thrown) {
      this.#settle(work, failureOf(asError(thrown), node));
    }
  }

  #signalOf(work: Work): AbortSignal {
    const controller = new AbortController();
    const open = this.#open.get(work);
    if (open !== undefined) open.controller = controller;
    open?.settling.began(work);
    return controller.signal;
  }

  #closed(work: Work, open: Open): void {
    this.#open.delete(work);
    this.#windows.back(work.node, open.given, this.#settings.clock.now());
    open.container.open--;
    open.over?.();
  }

  #settle(work: Work, outcome: Outcome): void {
    const open = this.#open.get(work);
    if (open === undefined) return;
    this.#closed(work, open);
    open.settling.settled(work, outcome);
  }
}

function batchOf(works: readonly Work[]): MessageInitShape<typeof Worker.method.do.input> {
  const [first] = works;
  const method = first?.node.method;
  return {
    path: `${method?.parent.typeName}/${method?.name}`,
    timeoutMs: Math.min(first?.node.policy.timeoutMs ?? 0, 2 ** 31),
    attempts: works.map(({ attempt }) => attempt),
    values: works.map(({ value }) => value),
    keys: works.map(({ key }) => key),
  };
}

/** Highest hash of key and address: a container that comes or goes moves only the keys that were, or come to be, its own. */
function rendezvous(containers: readonly Container[], key: string): Container | undefined {
  let best: Container | undefined;
  let highest = -1;
  for (const container of containers) {
    let hash = 0x811c9dc5;
    for (const character of `${key}@${container.address}`)
      hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    if (hash <= highest) continue;
    highest = hash;
    best = container;
  }
  return best;
}
