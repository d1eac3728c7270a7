// A scalar as the wire would hand it on, or undefined where it is not one that needs no second look.

import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { copyBytes } from "./byte-slab.ts";

/** What a receiver gets of `value`; undefined where the value is of another type, out of range or to be converted first. */
export type TakeScalar = (value: unknown) => unknown;

export function takeScalar(scalar: ScalarType): TakeScalar {
  switch (scalar) {
    case ScalarType.STRING:
      return takeString;
    case ScalarType.BYTES:
      return takeBytes;
    case ScalarType.BOOL:
      return takeBool;
    case ScalarType.DOUBLE:
      return takeDouble;
    case ScalarType.FLOAT:
      return takeFloat;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return takeUint32;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return takeInt64;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return takeUint64;
    default:
      return takeInt32;
  }
}

/** 64-bit numbers that the contract wants as text: taken where they are written the one way the wire gives back. */
export function takeLongText(scalar: ScalarType): TakeScalar {
  const isNumber = isMapKey(scalar);
  return (value) => (typeof value === "string" && isNumber(value) ? value : undefined);
}

/** Whether values of the field, or of its list, are 64-bit numbers as text. */
export function isLongText(field: DescField): boolean {
  const isScalar = field.fieldKind === "scalar" || (field.fieldKind === "list" && field.listKind === "scalar");
  return isScalar && field.longAsString;
}

/** A map's key as it stands in the object; false where it is not written the one way the wire gives back. */
export function isMapKey(scalar: ScalarType): (key: string) => boolean {
  switch (scalar) {
    case ScalarType.STRING:
      return (key) => key.isWellFormed();
    case ScalarType.BOOL:
      return (key) => key === "true" || key === "false";
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return (key) => String(Number(key) >>> 0) === key;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return (key) => /^(?:0|-?[1-9]\d{0,17})$/.test(key);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return (key) => /^(?:0|[1-9]\d{0,17})$/.test(key);
    default:
      return (key) => String(Number(key) | 0) === key;
  }
}

function takeString(value: unknown): unknown {
  return typeof value === "string" && value.isWellFormed() ? value : undefined;
}

function takeBytes(value: unknown): unknown {
  return value instanceof Uint8Array ? copyBytes(value) : undefined;
}

function takeBool(value: unknown): unknown {
  return typeof value === "boolean" ? value : undefined;
}

function takeDouble(value: unknown): unknown {
  return typeof value === "number" ? value : undefined;
}

/** The wire has 32 bits for it, so a receiver in the same process gets 32 bits too. */
function takeFloat(value: unknown): unknown {
  if (typeof value !== "number") return undefined;
  const rounded = Math.fround(value);
  return Number.isFinite(rounded) || !Number.isFinite(value) ? rounded : undefined;
}

/** Answers 0 for -0, as the wire does; the same below. */
function takeInt32(value: unknown): unknown {
  return typeof value === "number" && (value | 0) === value ? value | 0 : undefined;
}

function takeUint32(value: unknown): unknown {
  return typeof value === "number" && value >>> 0 === value ? value >>> 0 : undefined;
}

function takeInt64(value: unknown): unknown {
  return typeof value === "bigint" && BigInt.asIntN(64, value) === value ? value : undefined;
}

function takeUint64(value: unknown): unknown {
  return typeof value === "bigint" && BigInt.asUintN(64, value) === value ? value : undefined;
}
