// Runs the functions of components: a frame around each, and its one outcome from what the function does.
//
//   entry ──▶ input read ──▶ the function ──▶ value, or items ──▶ reply
//                 └─────────────┴── throws ──────────────────────▶ reply with a failure

import type { Env } from "../base/env.ts";
import { type ApplicationError, Fault } from "../base/fault.ts";
import type { Caller } from "../client/caller.ts";
import type { Body } from "../messages/body.ts";
import type { Envelope } from "../messages/envelope.ts";
import { FrameCall } from "./call.ts";
import { DEFAULT_BUDGET_MS } from "./component.ts";
import { Frame, type ServedMethod } from "./frame.ts";
import type { Replies } from "./replies.ts";
import type { StreamSource } from "./stream-source.ts";
import type { Answer, Entry } from "./turns.ts";
import { controlFailureOf, failureOf, inputOf, nameOf, outputOf, Undecodable } from "./values.ts";

export interface RunnerParts {
  /** Id of the container. */
  readonly id: string;
  readonly env: Pick<Env, "clock">;
  readonly caller: Caller;
  readonly replies: Replies;
  /** See ContainerParts. */
  readonly longOne: ((contract: string, budgetMs: number) => () => void) | undefined;
  readonly began: (frame: Frame) => void;
  readonly ended: (frame: Frame) => void;
}

export class Runner {
  readonly #parts: RunnerParts;
  #nextFrame = 1;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Its `answer` gets the outcome, once; of a stream that is its source's part. */
  start(entry: Entry): void {
    const { id, env, caller, began, longOne } = this.#parts;
    const { request, method, span } = entry;
    const frame = new Frame(id, this.#nextFrame++, method.served, request, env.clock);
    if (span !== undefined) {
      frame.traceparent = span.traceparent || request.traceparent;
      span.started?.();
    }
    began(frame);
    const { contract, budgetMs } = method.served.component;
    if (budgetMs > DEFAULT_BUDGET_MS) frame.onEnded = longOne?.(contract.typeName, budgetMs);
    let result: unknown;
    try {
      const input = inputOf(method, request);
      const call = new FrameCall(frame, caller);
      result = span?.run === undefined ? method.handler(input, call) : span.run(() => method.handler(input, call));
      if (entry.source !== undefined) return this.#runStream(frame, entry, entry.source, result);
    } catch (error) {
      return this.#fail(frame, entry, error instanceof Undecodable ? error.fault : failureOf(error));
    }
    // A function that is not async has its result at once, and needs no turn to hand it over.
    if (isThenable(result)) {
      result.then(
        (value) => this.#finish(frame, entry, value),
        (error) => this.#fail(frame, entry, failureOf(error)),
      );
    } else this.#finish(frame, entry, result);
  }

  /** A function of the control plane: without a turn, and without a frame that others could wait for. */
  async answer(method: ServedMethod, request: Envelope, to: Answer): Promise<void> {
    const { id, env, caller, replies } = this.#parts;
    try {
      const input = inputOf(method, request);
      const frame = new Frame(id, 0, method.served, request, env.clock);
      const value = await method.handler(input, new FrameCall(frame, caller));
      const reply = replies.to(request, method.served.component.version);
      reply.value = outputOf(method, request, value);
      to.resolve(reply);
    } catch (error) {
      to.resolve(replies.refusal(request, error instanceof Undecodable ? error.fault : controlFailureOf(error)));
    }
  }

  /** The same of a STREAM. */
  answerStream(method: ServedMethod, request: Envelope, stop: Answer, source: StreamSource): void {
    const { id, env, caller, replies } = this.#parts;
    try {
      const frame = new Frame(id, 0, method.served, request, env.clock);
      // What the control plane is made of answers its STREAM methods with iterables.
      const items = method.handler(inputOf(method, request), new FrameCall(frame, caller)) as AsyncIterable<unknown>;
      source.run(items[Symbol.asyncIterator]());
      void source.ended.then(() => frame.ended());
    } catch (error) {
      stop.resolve(replies.refusal(request, error instanceof Undecodable ? error.fault : controlFailureOf(error)));
    }
  }

  #finish(frame: Frame, entry: Entry, value: unknown): void {
    let body: Body;
    try {
      body = outputOf(entry.method, entry.request, value);
    } catch (error) {
      return this.#fail(frame, entry, failureOf(error));
    }
    const reply = this.#parts.replies.to(entry.request, frame.served.component.version);
    reply.value = body;
    entry.answer.resolve(reply);
    this.#ended(frame);
  }

  #runStream(frame: Frame, entry: Entry, source: StreamSource, result: unknown): void {
    if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result)) {
      const why = `${entry.method.path} must return an async iterable, as an async generator does; it returned ${nameOf(result)}`;
      return this.#fail(frame, entry, new Fault("internal", why));
    }
    // Checked on the line above.
    source.run((result as AsyncIterable<unknown>)[Symbol.asyncIterator]());
    source.ended.then(() => {
      entry.span?.ended(source.failure);
      this.#ended(frame);
    });
  }

  #fail(frame: Frame, entry: Entry, failure: Fault | ApplicationError): void {
    entry.answer.resolve(this.#parts.replies.refusal(entry.request, failure));
    this.#ended(frame);
  }

  #ended(frame: Frame): void {
    frame.ended();
    this.#parts.ended(frame);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
