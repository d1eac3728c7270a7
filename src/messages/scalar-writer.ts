// How each kind of scalar is written, where it is of the type its field has.

import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import { takeLongText, takeScalar } from "./scalar.ts";
import { WIRE } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

/** Writes the value without its tag; false, with nothing promised about what was written, where it is not of the type. */
export type Put = (writer: WireWriter, value: unknown, depth: number) => boolean;

export function putScalar(scalar: ScalarType): Put {
  switch (scalar) {
    case ScalarType.STRING:
      return (writer, value) => {
        if (typeof value !== "string") return false;
        // As many bytes as letters: there is no surrogate in it.
        return writer.text(value) === value.length || value.isWellFormed();
      };
    case ScalarType.BYTES:
      return (writer, value) => {
        if (!(value instanceof Uint8Array)) return false;
        writer.bytes(value);
        return true;
      };
    case ScalarType.BOOL:
      return (writer, value) => {
        if (typeof value !== "boolean") return false;
        writer.uint32(value ? 1 : 0);
        return true;
      };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
    case ScalarType.INT32:
    case ScalarType.UINT32:
    case ScalarType.SINT32:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return putNumber(scalar, takeScalar(scalar));
    default:
      return putLong(scalar, takeScalar(scalar));
  }
}

/** A 64-bit number that the contract wants as text. */
export function putLongText(scalar: ScalarType): Put {
  const take = takeLongText(scalar);
  const write = longWriter(scalar);
  return (writer, value) => {
    const text = take(value);
    if (typeof text !== "string") return false;
    write(writer, BigInt(text));
    return true;
  };
}

export function putEnum(described: DescEnum): Put {
  const put = putScalar(ScalarType.INT32);
  if (described.open) return put;
  const numbers = new Set<unknown>(described.values.map((value) => value.number));
  return (writer, value, depth) => numbers.has(value) && put(writer, value, depth);
}

/** A map's key from the text it is in the object. */
export function mapKey(scalar: ScalarType): (key: string) => unknown {
  if (scalar === ScalarType.STRING) return (key) => key;
  if (scalar === ScalarType.BOOL) return (key) => key === "true";
  const isLong = LONGS.includes(scalar);
  return (key) => (isLong ? BigInt(key) : Number(key));
}

export function wireTypeOf(scalar: ScalarType): number {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WIRE.BYTES;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WIRE.BIT64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WIRE.BIT32;
    default:
      return WIRE.VARINT;
  }
}

const LONGS: readonly ScalarType[] = [
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
];

function putNumber(scalar: ScalarType, take: (value: unknown) => unknown): Put {
  const write = numberWriter(scalar);
  return (writer, value) => {
    const number = take(value);
    if (typeof number !== "number") return false;
    write(writer, number);
    return true;
  };
}

function numberWriter(scalar: ScalarType): (writer: WireWriter, value: number) => void {
  switch (scalar) {
    case ScalarType.DOUBLE:
      return (writer, value) => writer.double(value);
    case ScalarType.FLOAT:
      return (writer, value) => writer.float(value);
    case ScalarType.UINT32:
      return (writer, value) => writer.uint32(value);
    case ScalarType.SINT32:
      return (writer, value) => writer.uint32(((value << 1) ^ (value >> 31)) >>> 0);
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return (writer, value) => writer.fixed32(value);
    default:
      return (writer, value) => writer.int32(value);
  }
}

function putLong(scalar: ScalarType, take: (value: unknown) => unknown): Put {
  const write = longWriter(scalar);
  return (writer, value) => {
    const long = take(value);
    if (typeof long !== "bigint") return false;
    write(writer, long);
    return true;
  };
}

function longWriter(scalar: ScalarType): (writer: WireWriter, value: bigint) => void {
  switch (scalar) {
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return (writer, value) => writer.fixed64(value);
    case ScalarType.SINT64:
      return (writer, value) => writer.varint64((value << 1n) ^ (value >> 63n));
    default:
      return (writer, value) => writer.varint64(value);
  }
}
