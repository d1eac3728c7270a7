// The envelope's bytes: written by hand for speed, and byte for byte what the generated code of envelope.proto writes.
//
// Hot path (bench/codec.ts). The generated codec is the oracle in envelope-codec.test.ts.
// What is answered is the caller's, and nobody writes it again (see wire-writer.ts on keeping it).

import { type ApplicationError, asError, Fault } from "../base/fault.ts";
import { type Body, bodyBytes } from "./body.ts";
import { ENVELOPE_LIMIT_BYTES, type Envelope, Kind, type Meta, Mode, Scope } from "./envelope.ts";
import { APPLICATION, LIMITS, PART, TAG, tooLarge, tooLong, tooMany } from "./envelope-fields.ts";
import { WireWriter } from "./wire-writer.ts";

/** Longest failure message that is sent, in characters; the rest is cut off, since a failure must always arrive. */
const MESSAGE_CHARACTERS = 16 * 1024;

const NONE: readonly never[] = [];

const writer = new WireWriter();

/** The envelope's bytes, its deadline turned into the time that remains at `now`. */
export function encodeEnvelope(from: Envelope, now: number): Uint8Array {
  // Bodies come first: encoding them runs code of others, and the writer holds one message at a time.
  const value = from.value === undefined ? undefined : encodeBody(from.value, "value");
  const items = from.items.length === 0 ? NONE : encodeItems(from.items);
  writer.begin();
  number(TAG.id, from.id, "id", Number.MAX_SAFE_INTEGER);
  number(TAG.kind, from.kind, "kind", Kind.REPLY);
  number(TAG.mode, from.mode, "mode", Mode.BROADCAST);
  texts(TAG.from, from.from, "from", LIMITS.fromEntries);
  text(TAG.to, from.to, "to");
  if (value !== undefined) bytes(TAG.value, value);
  for (const item of items) bytes(TAG.items, item);
  if (from.failure !== undefined) writeFailure(from.failure);
  if (from.meta !== undefined) writeMeta(from.meta);
  if (from.state !== undefined) bytes(TAG.state, from.state);
  number(TAG.ttlUs, microsecondsLeft(from.deadline, now), "ttl_us", Number.MAX_SAFE_INTEGER);
  number(TAG.scope, from.scope, "scope", Scope.LOCAL);
  texts(TAG.chain, from.chain, "chain", LIMITS.chainEntries);
  number(TAG.hops, from.hops, "hops", 0xffffffff);
  text(TAG.idempotencyKey, from.idempotencyKey, "idempotency_key");
  text(TAG.traceparent, from.traceparent, "traceparent");
  number(TAG.epoch, from.epoch, "epoch", Number.MAX_SAFE_INTEGER);
  text(TAG.version, from.version, "version");
  number(TAG.credit, from.credit, "credit", 0xffffffff);
  if (from.last) number(TAG.last, 1, "last", 1);
  text(TAG.owner, from.owner, "owner");
  if (writer.length > ENVELOPE_LIMIT_BYTES) throw tooLarge(writer.length);
  return writer.finish();
}

function encodeBody(body: Body, field: string): Uint8Array {
  try {
    return bodyBytes(body);
  } catch (cause) {
    throw new Fault("invalid", `'${field}' does not fit its contract: ${asError(cause).message}`, { cause });
  }
}

function encodeItems(items: readonly Body[]): readonly Uint8Array[] {
  if (items.length > LIMITS.items) throw tooMany("items", items.length, LIMITS.items);
  return items.map((item) => encodeBody(item, "items"));
}

/** What is left of the time to live; a deadline without end is as long as the wire can say. */
function microsecondsLeft(deadline: number, now: number): number {
  const left = Math.floor((deadline - now) * 1000);
  return left > 0 ? Math.min(left, Number.MAX_SAFE_INTEGER) : 0;
}

function number(tag: number, value: number, field: string, most: number): void {
  if (value === 0) return;
  if (!(value > 0 && value <= most && Math.floor(value) === value)) {
    throw new Fault("invalid", `'${field}' is ${value}; expected a whole number of 0 to ${most}`);
  }
  writer.uint32(tag);
  if (value > 0xffffffff) writer.uint53(value);
  else writer.uint32(value);
}

function bytes(tag: number, value: Uint8Array): void {
  if (value.length + writer.length > ENVELOPE_LIMIT_BYTES) throw tooLarge(value.length + writer.length);
  writer.uint32(tag);
  writer.bytes(value);
}

function text(tag: number, value: string, field: string): void {
  if (value === "") return;
  writer.uint32(tag);
  boundedText(value, field);
}

function texts(tag: number, values: readonly string[], field: string, most: number): void {
  if (values.length > most) throw tooMany(field, values.length, most);
  for (const value of values) {
    writer.uint32(tag);
    boundedText(value, field);
  }
}

function boundedText(value: string, field: string): void {
  if (value.length > LIMITS.nameBytes) throw tooLong(field, value.length, LIMITS.nameBytes);
  const length = writer.text(value);
  if (length === value.length) return;
  if (length > LIMITS.nameBytes) throw tooLong(field, length, LIMITS.nameBytes);
  if (!value.isWellFormed()) throw notUnicode(field);
}

function writeFailure(failure: Fault | ApplicationError): void {
  writer.uint32(TAG.failure);
  const opened = writer.open();
  const isFault = failure instanceof Fault;
  part(PART.first, isFault ? failure.code : APPLICATION);
  part(PART.second, failure.message.slice(0, MESSAGE_CHARACTERS));
  part(PART.third, isFault ? "" : failure.type.slice(0, LIMITS.nameBytes / 4));
  writer.close(opened);
}

function writeMeta(meta: Meta): void {
  let count = 0;
  let size = 0;
  // Object.hasOwn is not needed: what is handed in is a plain record, and Object.entries would make an array for each.
  for (const key in meta) {
    const value = meta[key] ?? "";
    count++;
    size += key.length + value.length;
    if (count > LIMITS.metaEntries) throw tooMany("meta", Object.keys(meta).length, LIMITS.metaEntries);
    if (size > LIMITS.metaBytes) throw tooLong("meta", size, LIMITS.metaBytes);
    writer.uint32(TAG.meta);
    const opened = writer.open();
    // Map entries carry both parts, even empty ones.
    writer.uint32(PART.first);
    size += writer.text(key) - key.length;
    writer.uint32(PART.second);
    size += writer.text(value) - value.length;
    writer.close(opened);
    if (size > LIMITS.metaBytes) throw tooLong("meta", size, LIMITS.metaBytes);
    if (!(key.isWellFormed() && value.isWellFormed())) throw notUnicode("meta");
  }
}

function part(tag: number, value: string): void {
  if (value === "") return;
  writer.uint32(tag);
  writer.text(value);
}

function notUnicode(field: string): Fault {
  return new Fault("invalid", `'${field}' has a lone surrogate, which UTF-8 cannot carry`);
}
