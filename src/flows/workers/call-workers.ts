// Steps as calls: each attempt is one call of a component, by whatever client there is. Any container that serves the
// contract is a worker: on this computer or another, there all the time or since a moment ago.

import { type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { ApplicationError, type Calls, Fault, type StreamMethod, type UnaryMethod } from "unum";
import type { Clock } from "../../base/clock.ts";
import { asError } from "../../base/fault.ts";
import type { Outcome } from "../decide.ts";
import type { StepNode } from "../graph.ts";
import { Windows } from "./windows.ts";
import type { Settling, Work, Workers } from "./workers.ts";

export interface CallWorkersSettings {
  readonly client: Pick<Calls, "call" | "stream">;
  /** Calls under way at one time. Default 256. */
  readonly places?: number;
  /** package.Contract of everything that is served; undefined: not known. */
  readonly serves?: (contract: string) => boolean | undefined;
  /** What is known of those who work; undefined: nothing, and only `places` bounds what they are given. */
  readonly capacity?: Capacity;
  /** Closed with the workers. */
  readonly close?: () => Promise<void>;
}

export interface Capacity {
  readonly clock: Clock;
  /** Calls of a contract that are worked on at one time, by all who serve it; undefined: not known. */
  parallel(contract: string): number | undefined;
  /** All who serve a contract have all they can do, and more of it waits. Called often. */
  busy(contract: string): void;
}

/** Items that one call of a STREAM step may put out; one more fails the attempt. */
const ITEM_LIMIT = 1_000_000;

export function callWorkers(settings: CallWorkersSettings): Workers {
  return new CallWorkers(settings);
}

class CallWorkers implements Workers {
  readonly #settings: CallWorkersSettings;
  readonly #underWay = new Map<Work, AbortController>();
  readonly #windows: Windows | undefined;
  readonly places: number;
  onPlaces = (): void => {};

  constructor(settings: CallWorkersSettings) {
    this.#settings = settings;
    this.places = settings.places ?? 256;
    const { capacity } = settings;
    this.#windows = capacity && new Windows((contract) => capacity.parallel(contract));
  }

  room(step: StepNode): number {
    const room = this.#windows?.room(step) ?? Number.POSITIVE_INFINITY;
    if (room <= 0) this.#settings.capacity?.busy(step.method.parent.typeName);
    return room;
  }

  perform(works: readonly Work[], settling: Settling): void {
    for (const work of works) void this.#one(work, settling);
    const [first] = works;
    if (first !== undefined && this.#underWay.size >= this.places)
      this.#settings.capacity?.busy(first.node.method.parent.typeName);
  }

  withdraw(work: Work): void {
    const controller = this.#underWay.get(work);
    this.#underWay.delete(work);
    controller?.abort(new Error("withdrawn by its flow"));
  }

  serves(path: string): boolean | undefined {
    return this.#settings.serves?.(path.slice(0, path.indexOf("/")));
  }

  async close(): Promise<void> {
    for (const work of [...this.#underWay.keys()]) this.withdraw(work);
    await this.#settings.close?.();
  }

  async #one(work: Work, settling: Settling): Promise<void> {
    const controller = new AbortController();
    this.#underWay.set(work, controller);
    const now = () => this.#settings.capacity?.clock.now() ?? 0;
    const given = this.#windows?.given(work.node, now());
    settling.began(work);
    const outcome = await this.#outcome(work, controller.signal);
    if (given !== undefined) this.#windows?.back(work.node, given, now());
    // Who was withdrawn is not waited for.
    if (this.#underWay.delete(work)) settling.settled(work, outcome);
  }

  async #outcome({ node, value, key, attempt, affinity }: Work, signal: AbortSignal): Promise<Outcome> {
    const { timeoutMs } = node.policy;
    const options = {
      ttlMs: timeoutMs,
      withinMs: timeoutMs,
      signal,
      ...(affinity === "local" && { scope: "local" as const }),
      meta: { "flow-key": key, "flow-attempt": String(attempt) },
    };
    const { client } = this.#settings;
    try {
      const input: MessageShape<DescMessage> = fromBinary(node.input, value);
      if (node.method.methodKind === "unary") {
        // A message of the schema is an init of it.
        const output = await client.call(node.method as UnaryMethod, input as MessageInitShape<DescMessage>, options);
        return { kind: "done", values: [toBinary(node.output, output)] };
      }
      const values: Uint8Array[] = [];
      for await (const item of client.stream(
        node.method as StreamMethod,
        input as MessageInitShape<DescMessage>,
        options,
      )) {
        if (values.length >= ITEM_LIMIT)
          throw new Fault("invalid", `'${node.name}' puts out more than ${ITEM_LIMIT} items for one`);
        values.push(toBinary(node.output, item));
      }
      return { kind: "done", values };
    } catch (thrown) {
      return failureOf(asError(thrown), node);
    }
  }
}

/** A call that did not end well, as the flow sees it. */
export function failureOf(error: Error, { name, method }: StepNode): Outcome {
  if (error instanceof ApplicationError) {
    return { kind: "failed", reason: `${error.type}: ${error.message}`, final: false };
  }
  const path = `${method.parent.typeName}/${method.name}`;
  if (!(error instanceof Fault))
    return { kind: "failed", reason: `step '${name}' (${path}): ${error.message}`, final: true };
  if (error.code === "expired") return { kind: "timed out", reason: `${error.code}: ${error.message}` };
  const final = error.retry === "never" && error.code !== "internal";
  return { kind: "failed", reason: `${error.code}: ${error.message}`, final };
}
