// What both halves of the envelope's codec know: fields and their tags, limits, and how a broken limit is told.

import { Fault } from "../base/fault.ts";
import { ENVELOPE_LIMIT_BYTES, Kind, Mode, Scope } from "./envelope.ts";
import { WIRE } from "./wire-reader.ts";

/** What one envelope may hold; encoding refuses more as decoding does. Lengths are bytes of UTF-8. */
export const LIMITS = {
  /** The sender and as many gateways as hops are allowed. */
  fromEntries: 17,
  /** Above CHAIN_LIMIT, so that the container can say `cycle` to a chain that is too long. */
  chainEntries: 64,
  items: 65_536,
  metaEntries: 128,
  metaBytes: 64 * 1024,
  nameBytes: 512,
  messageBytes: 64 * 1024,
} as const;

/** Stands for a failure of the component's own, where a fault has its code. */
export const APPLICATION = "application";

// The fields by number, from 1; the tags say how each travels.
export const FIELDS = [
  "id",
  "kind",
  "mode",
  "from",
  "to",
  "value",
  "items",
  "failure",
  "meta",
  "state",
  "ttl_us",
  "scope",
  "chain",
  "hops",
  "idempotency_key",
  "traceparent",
  "epoch",
  "version",
  "credit",
  "last",
  "owner",
] as const;

export const TAG = {
  id: (1 << 3) | WIRE.VARINT,
  kind: (2 << 3) | WIRE.VARINT,
  mode: (3 << 3) | WIRE.VARINT,
  from: (4 << 3) | WIRE.BYTES,
  to: (5 << 3) | WIRE.BYTES,
  value: (6 << 3) | WIRE.BYTES,
  items: (7 << 3) | WIRE.BYTES,
  failure: (8 << 3) | WIRE.BYTES,
  meta: (9 << 3) | WIRE.BYTES,
  state: (10 << 3) | WIRE.BYTES,
  ttlUs: (11 << 3) | WIRE.VARINT,
  scope: (12 << 3) | WIRE.VARINT,
  chain: (13 << 3) | WIRE.BYTES,
  hops: (14 << 3) | WIRE.VARINT,
  idempotencyKey: (15 << 3) | WIRE.BYTES,
  traceparent: (16 << 3) | WIRE.BYTES,
  epoch: (17 << 3) | WIRE.VARINT,
  version: (18 << 3) | WIRE.BYTES,
  credit: (19 << 3) | WIRE.VARINT,
  last: (20 << 3) | WIRE.VARINT,
  owner: (21 << 3) | WIRE.BYTES,
} as const;

/** The enums' values by number. */
export const KINDS: readonly Kind[] = [Kind.UNKNOWN, Kind.CALL, Kind.MORE, Kind.CANCEL, Kind.REPLY];
export const MODES: readonly Mode[] = [Mode.UNSPECIFIED, Mode.SYNC, Mode.ASYNC, Mode.STREAM, Mode.BROADCAST];
export const SCOPES: readonly Scope[] = [Scope.ANYWHERE, Scope.NETWORK, Scope.LOCAL];

/** Tags inside `failure` and `meta`: texts one to three. */
export const PART = {
  first: (1 << 3) | WIRE.BYTES,
  second: (2 << 3) | WIRE.BYTES,
  third: (3 << 3) | WIRE.BYTES,
} as const;

export function nameOf(tag: number): string {
  const name = FIELDS[(tag >>> 3) - 1];
  return name === undefined ? `field ${tag >>> 3}` : `'${name}'`;
}

export function tooLarge(size: number): Fault {
  return new Fault("invalid", `an envelope of ${size} bytes, the limit is ${ENVELOPE_LIMIT_BYTES}; send it in parts`);
}

export function tooMany(field: string, count: number, most: number): Fault {
  return new Fault("invalid", `'${field}' has ${count} entries, the limit is ${most}`);
}

export function tooLong(field: string, size: number, most: number): Fault {
  return new Fault("invalid", `'${field}' has ${size} bytes, the limit is ${most}`);
}
