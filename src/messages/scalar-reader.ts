// How each kind of scalar is read, where it stands as this version writes it.

import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import type { WireCursor } from "./wire-cursor.ts";

/** The value that stands at the cursor; undefined where somebody more patient must read it. */
export type Read = (cursor: WireCursor, depth: number) => unknown;

export function readScalar(scalar: ScalarType): Read {
  switch (scalar) {
    case ScalarType.STRING:
      return (cursor) => cursor.text();
    case ScalarType.BYTES:
      return (cursor) => cursor.bytes();
    case ScalarType.BOOL:
      return readBool;
    case ScalarType.DOUBLE:
      return (cursor) => cursor.double();
    case ScalarType.FLOAT:
      return (cursor) => cursor.float();
    case ScalarType.INT32:
      return (cursor) => cursor.int32();
    case ScalarType.UINT32:
      return readUint32;
    case ScalarType.SINT32:
      return readSint32;
    case ScalarType.FIXED32:
      return (cursor) => cursor.fixed32();
    case ScalarType.SFIXED32:
      return readSfixed32;
    case ScalarType.SINT64:
      return (cursor) => cursor.sint64();
    case ScalarType.INT64:
      return (cursor) => cursor.long(true);
    case ScalarType.UINT64:
      return (cursor) => cursor.long(false);
    case ScalarType.FIXED64:
      return (cursor) => cursor.fixed64(false);
    case ScalarType.SFIXED64:
      return (cursor) => cursor.fixed64(true);
  }
}

/** Values that a closed enum does not know are kept as unknown fields, which is for the library. */
export function readEnum(described: DescEnum): Read {
  return described.open ? (cursor) => cursor.int32() : () => undefined;
}

function readBool(cursor: WireCursor): boolean | undefined {
  const value = cursor.varint();
  return value < 0 ? undefined : value !== 0;
}

function readUint32(cursor: WireCursor): number | undefined {
  const value = cursor.varint();
  return value < 0 ? undefined : value;
}

function readSint32(cursor: WireCursor): number | undefined {
  const value = cursor.varint();
  return value < 0 ? undefined : (value >>> 1) ^ -(value & 1);
}

function readSfixed32(cursor: WireCursor): number | undefined {
  const value = cursor.fixed32();
  return value === undefined ? undefined : value | 0;
}
