// One call while its function runs, and the rule for who may run beside it.

import type { Clock, Timer } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { Context } from "../client/outcomes.ts";
import type { StreamMethod, UnaryMethod } from "../messages/contract.ts";
import type { Envelope, Mode } from "../messages/envelope.ts";
import type { AnyHandler, Component, Environment } from "./component.ts";

/** A component as one container serves it. */
export interface Served {
  readonly component: Component;
  readonly environment: Environment;
  /** Calls worked on at a time: what the component declared, until an operator says otherwise. */
  concurrency: number;
}

export interface ServedMethod {
  readonly served: Served;
  readonly method: UnaryMethod | StreamMethod;
  readonly path: string;
  readonly mode: Mode;
  readonly handler: AnyHandler;
}

export class Frame {
  readonly container: string;
  /** Unique in its container. */
  readonly number: number;
  /** For Running's own use. */
  place = 0;
  readonly served: Served;
  readonly request: Envelope;
  onEnded: (() => void) | undefined;
  /** What its own calls carry on. */
  traceparent: string;
  readonly #clock: Clock;
  #controller: AbortController | undefined;
  #timer: Timer | undefined;
  #aborted: Fault | undefined;

  constructor(container: string, number: number, served: Served, request: Envelope, clock: Clock) {
    this.container = container;
    this.number = number;
    this.served = served;
    this.request = request;
    this.traceparent = request.traceparent;
    this.#clock = clock;
  }

  /** What its own calls inherit. */
  get context(): Context {
    const { deadline, scope, owner, epoch, chain } = this.request;
    return {
      deadline,
      scope,
      traceparent: this.traceparent,
      owner,
      epoch,
      chain: [...chain, `${this.container}:${this.number}`],
    };
  }

  get msLeft(): number {
    return Math.max(0, this.request.deadline - this.#clock.now());
  }

  /** Made at first use: most functions never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
      else
        this.#timer = this.#clock.after(this.msLeft, () =>
          this.abort(new Fault("expired", "the call's time to live ended")),
        );
    }
    return this.#controller.signal;
  }

  abort(reason: Fault): void {
    this.#aborted ??= reason;
    this.#timer?.cancel();
    this.#controller?.abort(reason);
  }

  ended(): void {
    this.onEnded?.();
    this.#timer?.cancel();
  }
}

/**
 * The frames that run in one container, in no order. Hot path (bench/call.ts): every call is one ever-new number, and
 * a Map of those is rehashed again and again, where this is two stores.
 */
export class Running {
  readonly #frames: Frame[] = [];

  get size(): number {
    return this.#frames.length;
  }

  /** As they are now: not to be held while frames come and go. */
  get frames(): readonly Frame[] {
    return this.#frames;
  }

  /** Looks through all: only calls of a chain are looked for. */
  get(number: number): Frame | undefined {
    return this.#frames.find((frame) => frame.number === number);
  }

  add(frame: Frame): void {
    frame.place = this.#frames.length;
    this.#frames.push(frame);
  }

  /** The last one takes the place of one that leaves. It is in here. */
  delete(frame: Frame): void {
    const last = this.#frames.pop();
    if (last === undefined || last === frame) return;
    this.#frames[frame.place] = last;
    last.place = frame.place;
  }
}

/** The frames of `chain` that run in this container. */
export function framesOfChain(container: string, chain: readonly string[], running: Running): readonly Frame[] {
  if (chain.length === 0 || running.size === 0) return NONE;
  const frames: Frame[] = [];
  for (const link of chain) {
    const colon = link.lastIndexOf(":");
    if (colon !== container.length || !link.startsWith(container)) continue;
    const frame = running.get(Number(link.slice(colon + 1)));
    if (frame !== undefined) frames.push(frame);
  }
  return frames;
}

const NONE: readonly Frame[] = [];

/** What wants to run: which component, and the frames here that wait for it. */
export interface Candidate {
  readonly served: Served;
  readonly waitingForIt: readonly Frame[];
}

/**
 * One at a time: besides the frames that wait for it, a call may run with others of its own component up to the component's
 * concurrency. A re-entrant one may also run beside components that opted into concurrency: else two of those,
 * each waiting for a third component here, would wait for each other.
 */
export function mayStart(candidate: Candidate, running: Running): boolean {
  if (running.size === 0) return true;
  const { served, waitingForIt } = candidate;
  let same = 0;
  for (const frame of running.frames) {
    if (waitingForIt.includes(frame)) continue;
    if (frame.served === served) same++;
    else if (waitingForIt.length === 0 || frame.served.concurrency === 1) return false;
  }
  return same < served.concurrency;
}

/** Whether the call waits for itself: its own component's frame is in its chain, and does not take calls while it waits. */
export function isCycle(candidate: Candidate): boolean {
  const { served, waitingForIt } = candidate;
  return !served.component.reentrant && waitingForIt.some((frame) => frame.served === served);
}
