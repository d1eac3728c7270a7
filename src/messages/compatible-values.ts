// Whether one kind of value can be read where another was written, by protobuf's wire format.

import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

/** What a field holds one or more of. A map holds keys and values. */
export type Element =
  | { readonly kind: "scalar"; readonly scalar: ScalarType; readonly utf8: boolean }
  | { readonly kind: "enum"; readonly enum: DescEnum }
  | { readonly kind: "message"; readonly message: DescMessage; readonly delimited: boolean };

/** `same`: nothing changed; `other-values`: some values arrive as others, or are refused; `nothing`: the bytes mean nothing there. */
export type Reading = "same" | "all-values" | "other-values" | "nothing";

export function shapeOf(field: DescField): "single" | "list" | "map" {
  return field.fieldKind === "list" || field.fieldKind === "map" ? field.fieldKind : "single";
}

export function elementsOf(field: DescField): Element[] {
  const utf8 = field.utf8Validation;
  const value = elementOf(field, utf8);
  return field.fieldKind === "map" ? [{ kind: "scalar", scalar: field.mapKey, utf8 }, value] : [value];
}

export function readingOf(writer: Element, reader: Element): Reading {
  if (writer.kind === "message" && reader.kind === "message") {
    return writer.delimited === reader.delimited ? "same" : "nothing";
  }
  if (writer.kind === "message") {
    return !writer.delimited && reader.kind === "scalar" && reader.scalar === ScalarType.BYTES
      ? "all-values"
      : "nothing";
  }
  if (reader.kind === "message") return "nothing";
  if (writer.kind === "enum" && reader.kind === "enum")
    return !reader.enum.open && writer.enum.open ? "other-values" : "same";
  if (writer.kind === "enum") return ofNumbers(ScalarType.INT32, scalarOf(reader));
  if (reader.kind === "enum") {
    const reading = ofNumbers(writer.scalar, ScalarType.INT32);
    // A closed enum takes its own numbers only.
    return reading === "all-values" && !reader.enum.open ? "other-values" : reading;
  }
  if (writer.scalar !== reader.scalar) return ofNumbers(writer.scalar, reader.scalar);
  return writer.scalar === ScalarType.STRING && reader.utf8 && !writer.utf8 ? "other-values" : "same";
}

export function nameOf(element: Element): string {
  if (element.kind === "scalar") return ScalarType[element.scalar].toLowerCase();
  if (element.kind === "enum") return element.enum.typeName;
  return element.delimited ? `${element.message.typeName} as a group` : element.message.typeName;
}

function elementOf(field: DescField, utf8: boolean): Element {
  if (field.enum !== undefined) return { kind: "enum", enum: field.enum };
  if (field.message !== undefined)
    return { kind: "message", message: field.message, delimited: field.delimitedEncoding };
  return { kind: "scalar", scalar: field.scalar, utf8 };
}

function scalarOf(element: Element): ScalarType {
  return element.kind === "scalar" ? element.scalar : ScalarType.INT32;
}

/** Types whose values share an encoding; within one, a reader takes the writer's bytes. */
const ENCODINGS: readonly (readonly ScalarType[])[] = [
  [ScalarType.BOOL, ScalarType.INT32, ScalarType.UINT32, ScalarType.INT64, ScalarType.UINT64],
  [ScalarType.SINT32, ScalarType.SINT64],
  [ScalarType.FIXED32, ScalarType.SFIXED32],
  [ScalarType.FIXED64, ScalarType.SFIXED64],
  [ScalarType.STRING, ScalarType.BYTES],
];

/** Where every value arrives as itself: [written, read]. */
const WIDENINGS: readonly (readonly [ScalarType, ScalarType])[] = [
  [ScalarType.BOOL, ScalarType.INT32],
  [ScalarType.BOOL, ScalarType.UINT32],
  [ScalarType.BOOL, ScalarType.INT64],
  [ScalarType.BOOL, ScalarType.UINT64],
  [ScalarType.INT32, ScalarType.INT64],
  [ScalarType.UINT32, ScalarType.INT64],
  [ScalarType.UINT32, ScalarType.UINT64],
  [ScalarType.SINT32, ScalarType.SINT64],
  [ScalarType.STRING, ScalarType.BYTES],
];

function ofNumbers(writer: ScalarType, reader: ScalarType): Reading {
  if (writer === reader || WIDENINGS.some(([from, to]) => from === writer && to === reader)) return "all-values";
  return ENCODINGS.some((types) => types.includes(writer) && types.includes(reader)) ? "other-values" : "nothing";
}
