// The one message that travels between clients and containers, as the code holds it.
//
// On the wire time to live is what remains; in memory it is a deadline on this process's monotonic clock.
// The codec turns one into the other, so nobody else has to.

import type { ApplicationError, Fault } from "../base/fault.ts";
import type { Body } from "./body.ts";
import { Mode } from "./gen/unum/v1/options_pb.ts";
import { Kind, Scope } from "./gen/unum/wire/v1/envelope_pb.ts";

export { Kind, Mode, Scope };

export type Meta = Readonly<Record<string, string>>;

/** Frames a call may pass through; one more is refused with `cycle`. */
export const CHAIN_LIMIT = 32;

/** How many times an envelope may be handed on. */
export const HOP_LIMIT = 16;

/** Bytes of one encoded envelope, both ways. */
export const ENVELOPE_LIMIT_BYTES = 16 * 1024 * 1024 + 64 * 1024;

/** A plain record of one shape. Fields mean what proto/unum/wire/v1/envelope.proto says of them. */
export interface Envelope {
  kind: Kind;
  mode: Mode;
  id: number;
  from: readonly string[];
  to: string;
  value: Body | undefined;
  items: readonly Body[];
  failure: Fault | ApplicationError | undefined;
  meta: Meta | undefined;
  state: Uint8Array | undefined;
  /** On this process's Clock, milliseconds. */
  deadline: number;
  scope: Scope;
  chain: readonly string[];
  hops: number;
  idempotencyKey: string;
  traceparent: string;
  epoch: number;
  version: string;
  credit: number;
  last: boolean;
  /** Whose epoch it is; empty where that is 0. */
  owner: string;
  /** Of the caller's own process, and never sent: how the one that is asked is chosen. */
  prefer: Preference | undefined;
}

/** `key`: what the policy of that name goes by. */
export interface Preference {
  readonly policy: "nearest" | "locality" | "round-robin" | "key";
  readonly key: string;
}

const NONE: readonly never[] = [];

/** With nothing in it. Every field in the same order each time, so that the engine sees one shape. */
export function blank(kind: Kind, id: number): Envelope {
  return {
    kind,
    mode: Mode.UNSPECIFIED,
    id,
    from: NONE,
    to: "",
    value: undefined,
    items: NONE,
    failure: undefined,
    meta: undefined,
    state: undefined,
    deadline: 0,
    scope: Scope.ANYWHERE,
    chain: NONE,
    hops: 0,
    idempotencyKey: "",
    traceparent: "",
    epoch: 0,
    version: "",
    credit: 0,
    last: false,
    owner: "",
    prefer: undefined,
  };
}

export function envelope(set: Partial<Envelope> & Pick<Envelope, "kind" | "id">): Envelope {
  return Object.assign(blank(set.kind, set.id), set);
}

/** The reply to `request`: same id, its state returned untouched. */
export function replyTo(request: Envelope): Envelope {
  const reply = blank(Kind.REPLY, request.id);
  reply.mode = request.mode;
  reply.state = request.state;
  reply.last = true;
  return reply;
}

/** The reply that carries a failure. */
export function refuse(request: Envelope, failure: Fault | ApplicationError): Envelope {
  const reply = replyTo(request);
  reply.failure = failure;
  return reply;
}

/** What tells the receiver of `call` that its reply is no longer wanted. */
export function cancelOf({ id, from, to, mode, deadline }: Envelope): Envelope {
  return envelope({ kind: Kind.CANCEL, id, from, to, mode, deadline });
}
