// The commands of ZMTP: a name and a body inside a command frame.
//
//   READY   properties: name length, name, 4 bytes of value length, value
//   ERROR   reason length, reason
//   PING    2 bytes of time to live in tenths of a second, context of at most 16 bytes
//   PONG    the context

import { ZmtpFault } from "./zmtp-fault.ts";

/** Metadata of a connection. Names are compared without regard to case; here they are as they were written. */
export type Properties = ReadonlyMap<string, Uint8Array>;

export type Command =
  | { readonly name: "READY"; readonly properties: Properties }
  | { readonly name: "ERROR"; readonly reason: string }
  | { readonly name: "PING"; readonly ttlMs: number; readonly context: Uint8Array }
  | { readonly name: "PONG"; readonly context: Uint8Array }
  | { readonly name: "other"; readonly text: string };

const CONTEXT_BYTES = 16;
const PROPERTIES = 256;

/** Throws the ZmtpFault `malformed` or `metadata`. Unknown commands are no fault: later versions may have them. */
export function decodeCommand(body: Uint8Array): Command {
  const nameLength = body[0] ?? 0;
  if (nameLength === 0 || 1 + nameLength > body.length) {
    throw new ZmtpFault("malformed", `a command of ${body.length} bytes whose name claims ${nameLength}`);
  }
  const name = latin(body, 1, 1 + nameLength);
  const rest = body.subarray(1 + nameLength);
  if (name === "READY") return { name, properties: decodeProperties(rest) };
  if (name === "ERROR") return { name, reason: decodeReason(rest) };
  if (name === "PING") {
    if (rest.length < 2 || rest.length > 2 + CONTEXT_BYTES) {
      throw new ZmtpFault("malformed", `a PING of ${rest.length} bytes, expected 2 to ${2 + CONTEXT_BYTES}`);
    }
    return { name, ttlMs: (((rest[0] ?? 0) << 8) | (rest[1] ?? 0)) * 100, context: rest.subarray(2) };
  }
  if (name === "PONG") {
    if (rest.length > CONTEXT_BYTES) {
      throw new ZmtpFault("malformed", `a PONG of ${rest.length} bytes, the limit is ${CONTEXT_BYTES}`);
    }
    return { name, context: rest };
  }
  return { name: "other", text: name };
}

export function encodeReady(properties: Properties): Uint8Array {
  let size = 0;
  for (const [name, value] of properties) size += 1 + name.length + 4 + value.length;
  const { bytes, at: start } = begin("READY", size);
  let at = start;
  for (const [name, value] of properties) {
    if (name.length === 0 || name.length > 255)
      throw new ZmtpFault("metadata", `a property name of ${name.length} bytes, expected 1 to 255`);
    bytes[at++] = name.length;
    at = writeLatin(bytes, at, name);
    bytes[at++] = value.length >>> 24;
    bytes[at++] = value.length >>> 16;
    bytes[at++] = value.length >>> 8;
    bytes[at++] = value.length;
    bytes.set(value, at);
    at += value.length;
  }
  return bytes;
}

/** What is longer than 255 characters is cut off, and what is not ASCII becomes a question mark. */
export function encodeError(reason: string): Uint8Array {
  const text = reason.slice(0, 255).replace(/[^\x20-\x7e]/g, "?");
  const { bytes, at } = begin("ERROR", 1 + text.length);
  bytes[at] = text.length;
  writeLatin(bytes, at + 1, text);
  return bytes;
}

/** `ttlMs`: how long the peer may wait for the next byte before it takes this side for dead; 0 for no say. */
export function encodePing(ttlMs: number, context: Uint8Array): Uint8Array {
  const { bytes, at } = begin("PING", 2 + context.length);
  const tenths = Math.min(0xffff, Math.ceil(ttlMs / 100));
  bytes[at] = tenths >>> 8;
  bytes[at + 1] = tenths;
  bytes.set(context, at + 2);
  return bytes;
}

export function encodePong(context: Uint8Array): Uint8Array {
  const { bytes, at } = begin("PONG", context.length);
  bytes.set(context, at);
  return bytes;
}

/** The value of a property, its name compared without regard to case. */
export function property(properties: Properties, name: string): Uint8Array | undefined {
  const wanted = name.toLowerCase();
  for (const [each, value] of properties) if (each.toLowerCase() === wanted) return value;
  return undefined;
}

/** A property's value as text; undefined where there is none. */
export function textProperty(properties: Properties, name: string): string | undefined {
  const value = property(properties, name);
  return value === undefined ? undefined : latin(value, 0, value.length);
}

/** ASCII text as bytes, for property values. */
export function textBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  writeLatin(bytes, 0, text);
  return bytes;
}

function begin(name: string, bodyBytes: number): { bytes: Uint8Array; at: number } {
  const bytes = new Uint8Array(1 + name.length + bodyBytes);
  bytes[0] = name.length;
  return { bytes, at: writeLatin(bytes, 1, name) };
}

function decodeProperties(body: Uint8Array): Properties {
  const properties = new Map<string, Uint8Array>();
  const seen = new Set<string>();
  let at = 0;
  while (at < body.length) {
    const nameEnd = at + 1 + (body[at] ?? 0);
    if (nameEnd === at + 1 || nameEnd + 4 > body.length) throw badProperty(at);
    const name = latin(body, at + 1, nameEnd);
    if (!/^[A-Za-z0-9\-_.+]+$/.test(name)) throw badProperty(at);
    const length = uint32(body, nameEnd);
    const end = nameEnd + 4 + length;
    if (end > body.length) throw badProperty(at);
    if (seen.has(name.toLowerCase())) throw new ZmtpFault("metadata", `property '${name}' is there twice`);
    if (properties.size === PROPERTIES) throw new ZmtpFault("metadata", `more than ${PROPERTIES} properties`);
    seen.add(name.toLowerCase());
    // A copy: metadata lives as long as the connection and must not hold the chunk it came in.
    properties.set(name, body.slice(nameEnd + 4, end));
    at = end;
  }
  return properties;
}

function decodeReason(body: Uint8Array): string {
  const length = body[0] ?? 0;
  if (body.length < 1 + length)
    throw new ZmtpFault("malformed", `an ERROR whose reason claims ${length} bytes of ${body.length - 1}`);
  return latin(body, 1, 1 + length).replace(/[^\x20-\x7e]/g, "?");
}

function badProperty(at: number): ZmtpFault {
  return new ZmtpFault("metadata", `READY has a broken property at byte ${at}`);
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) * 2 ** 24 +
      (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))) >>>
    0
  );
}

function latin(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}

function writeLatin(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}
