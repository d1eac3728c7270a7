// What a component's function is told about the call it works on, and its way to other components.

import type { Caller } from "../client/caller.ts";
import { BoundCalls, type Calls, type Proxies } from "../client/client.ts";
import type { Context } from "../client/outcomes.ts";
import type { Meta } from "../messages/envelope.ts";
import { Functions } from "../messages/gen/unum/machine/v1/functions_pb.ts";
import { Store } from "../messages/gen/unum/machine/v1/store_pb.ts";
import type { Environment } from "./component.ts";
import type { Frame } from "./frame.ts";
import { Timers } from "./timers.ts";

/** Calls made through it inherit ttl, scope, trace and call chain of the call being worked on. */
export interface Call extends Calls {
  /** The machine this runs on: its members, and its variables. For programs that were granted `machine`, else `denied`. */
  readonly machine: Proxies<typeof Functions>;
  /** Objects of its program on this node, in versions, with compare-and-set. For programs that were granted `store`, else `denied`. */
  readonly store: Proxies<typeof Store>;
  /** Calls later. For programs that were granted `timer`, else `denied`. */
  readonly timer: Timers;
  /** The path to the caller: its id first. */
  readonly from: readonly string[];
  readonly meta: Meta;
  /** What the caller gets back untouched; a component may read it. */
  readonly state: Uint8Array | undefined;
  readonly idempotencyKey: string;
  readonly traceparent: string;
  /** Id of the container this runs in. */
  readonly container: string;
  /**
   * Of a program that runs on one node alone: which owner this is, one more than the owner before. To be handed to what is
   * written to outside of the machine, so that it may refuse lower ones than it has seen. 0 where its program has no one owner.
   */
  readonly epoch: number;
  /** Time to live that is left, in ms; 0 when it is over. The function keeps its place until it settles, whoever still waits. */
  readonly msLeft: number;
  /** Aborts when the caller withdraws, the time to live ends or the container must close. */
  readonly signal: AbortSignal;
  /** Kept between the calls of this component in this container. */
  readonly environment: Environment;
}

const NO_META: Meta = Object.freeze({});

export class FrameCall extends BoundCalls implements Call {
  readonly #frame: Frame;
  readonly #caller: Caller;

  constructor(frame: Frame, caller: Caller) {
    super();
    this.#frame = frame;
    this.#caller = caller;
  }

  protected override get caller(): Caller {
    return this.#caller;
  }

  protected override get context(): Context {
    return this.#frame.context;
  }

  get machine(): Proxies<typeof Functions> {
    return this.of(Functions);
  }
  get store(): Proxies<typeof Store> {
    return this.of(Store);
  }
  get timer(): Timers {
    return new Timers(this);
  }
  get from(): readonly string[] {
    return this.#frame.request.from;
  }
  get meta(): Meta {
    return this.#frame.request.meta ?? NO_META;
  }
  get state(): Uint8Array | undefined {
    return this.#frame.request.state;
  }
  get idempotencyKey(): string {
    return this.#frame.request.idempotencyKey;
  }
  get traceparent(): string {
    return this.#frame.traceparent;
  }
  get container(): string {
    return this.#frame.container;
  }
  get epoch(): number {
    return this.#caller.mark?.epoch ?? 0;
  }
  get msLeft(): number {
    return this.#frame.msLeft;
  }
  get signal(): AbortSignal {
    return this.#frame.signal;
  }
  get environment(): Environment {
    return this.#frame.served.environment;
  }
}
