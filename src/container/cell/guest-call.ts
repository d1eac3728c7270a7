// What a component's function in a cell is told about the call it works on, and its way to others: through its container.

import { BoundCalls, type Proxies, type Verbs } from "../../client/client.ts";
import type { Context } from "../../client/outcomes.ts";
import type { Meta } from "../../messages/envelope.ts";
import { Functions } from "../../messages/gen/unum/machine/v1/functions_pb.ts";
import { Store } from "../../messages/gen/unum/machine/v1/store_pb.ts";
import type { Call } from "../call.ts";
import { Timers } from "../timers.ts";
import type { Asking } from "./asking.ts";
import type { CellFrame } from "./frames.ts";
import { GuestCaller } from "./guest-caller.ts";

export interface GuestCallParts {
  readonly id: number;
  /** Of the call's frame. */
  readonly head: CellFrame["head"];
  readonly environment: Map<string, unknown>;
  readonly signal: AbortSignal;
  readonly asking: Asking;
  readonly now: () => number;
}

export class GuestCall extends BoundCalls implements Call {
  readonly #parts: GuestCallParts;
  readonly #caller: GuestCaller;
  readonly #deadline: number;

  constructor(parts: GuestCallParts) {
    super();
    this.#parts = parts;
    this.#caller = new GuestCaller(parts.id, parts.asking);
    this.#deadline = parts.now() + Number(parts.head["msLeft"]);
  }

  protected override get caller(): Verbs {
    return this.#caller;
  }

  /** Its container adds it. */
  protected override get context(): Context | undefined {
    return undefined;
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
  // What the container says of the call is of these types: it is the trusted side.
  get from(): readonly string[] {
    return this.#parts.head["from"] as string[];
  }
  get meta(): Meta {
    return this.#parts.head["meta"] as Meta;
  }
  get state(): Uint8Array | undefined {
    return undefined;
  }
  get idempotencyKey(): string {
    return String(this.#parts.head["idempotencyKey"]);
  }
  get traceparent(): string {
    return String(this.#parts.head["traceparent"]);
  }
  get container(): string {
    return String(this.#parts.head["container"]);
  }
  get epoch(): number {
    return Number(this.#parts.head["epoch"]);
  }
  get msLeft(): number {
    return Math.max(0, this.#deadline - this.#parts.now());
  }
  get signal(): AbortSignal {
    return this.#parts.signal;
  }
  get environment(): Map<string, unknown> {
    return this.#parts.environment;
  }
}
