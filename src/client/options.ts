// What a caller may say about one call.

import type { Meta } from "../messages/envelope.ts";

export interface CallOptions {
  /** Time to live in ms: nothing is started later, and the caller has an outcome by then. Default 5,000; at most 2^31. */
  readonly ttlMs?: number;
  /** How long to look for capacity, in ms, asking again where all were full. Default 0: each candidate is asked once. */
  readonly withinMs?: number;
  /** How far the call may travel. Default anywhere. */
  readonly scope?: "local" | "network" | "anywhere";
  /**
   * Which of those that serve it is asked first. Default nearest: whoever would begin at once, near before far. locality:
   * whoever is near, unless its inbox is full. round-robin: all in turn. A key: the same container for the same key, as
   * long as it is there. Refused, the call goes on to others all the same.
   */
  readonly prefer?: "nearest" | "locality" | "round-robin" | { readonly key: string };
  /** Semver range of the component, as ^1.2. Default any. */
  readonly version?: string;
  /**
   * The same key, method and container: the same outcome, without running twice, for as long as the ttl.
   * With a key a call whose outcome is not known is sent again until the ttl ends: at least once, and on another container perhaps twice.
   */
  readonly idempotencyKey?: string;
  /** Handed to the component. */
  readonly meta?: Meta;
  /** Handed back with the reply, untouched. */
  readonly state?: Uint8Array;
  /** W3C trace context. Default: that of the call being worked on. */
  readonly traceparent?: string;
  /** Withdraws the call: it rejects with `cancelled` at once, and the container is told. */
  readonly signal?: AbortSignal;
}

export interface StreamOptions extends CallOptions {
  /** Items the component may be ahead of the reader. Default 16; at least 1. */
  readonly credit?: number;
}

export interface SendOptions extends CallOptions {
  /** Whether `result()` will be asked for: the container keeps it until then or the ttl's end. Default true. */
  readonly wantResult?: boolean;
  /**
   * Kept on disk by this side's node, handed over in order when the other node can be reached, and handed to a container there
   * that serves the contract: the call settles when it is kept, and has no result. `ttlMs` is how long it matters; left out, it
   * does not expire. Of the other options `meta`, `traceparent`, `signal` and `idempotencyKey` count; the component sees that
   * key, or one made for the message, and sees it again where the message comes twice because a container ended in the midst of
   * it. Needs a machine: a component under a governor, or a client made by `newNodeClient`.
   */
  readonly durable?: Durable;
}

/** A message that a node keeps until the one it is for has it. */
export interface Durable {
  /** The id of the node that it is for, as `unum machine --json` tells it. */
  readonly node: string;
  /** Replaces what still waits for the same node and contract under the same key. */
  readonly supersede?: string;
}
