// Messages from JSON and to JSON, by descriptor alone, as people type and read them: protobuf's JSON mapping.

import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  type Registry,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { asError, Fault } from "../base/fault.ts";
import { explainJson } from "./json-explain.ts";
import { type JsonText, parseJson } from "./json-text.ts";

/**
 * 64-bit numbers may be written as numbers or as strings, and keep every digit either way; bytes are base64.
 * `registry` resolves what an Any or an extension names.
 * Throws the Fault `invalid`: broken JSON with line and column, an unknown field with the nearest right name, a wrong
 * value with its path and what was expected.
 */
export function messageFromJson<S extends DescMessage>(schema: S, text: string, registry?: Registry): MessageShape<S> {
  const parsed = parseJson(text);
  if (parsed.exact.size > 0) restoreExact(schema, parsed.json, parsed.exact);
  try {
    return fromJson(schema, parsed.json, { registry });
  } catch (cause) {
    const what = explainJson(schema, parsed.json, registry) ?? asError(cause).message;
    throw new Fault("invalid", what, { cause });
  }
}

/**
 * Fields without presence are shown even where they are zero, so that a reader sees that they exist.
 * Throws the Fault `invalid` where the message breaks its own schema, or packs an Any that `registry` does not know.
 */
export function messageToJson<S extends DescMessage>(
  schema: S,
  message: MessageShape<S>,
  registry?: Registry,
): JsonValue {
  try {
    return toJson(schema, message, { registry, alwaysEmitImplicit: true });
  } catch (cause) {
    throw new Fault("invalid", `${schema.typeName} cannot be shown as JSON: ${asError(cause).message}`, { cause });
  }
}

/** Puts the digits back that a double lost, as the strings that the mapping allows for 64-bit fields. */
function restoreExact(schema: DescMessage, json: JsonValue, exact: JsonText["exact"]): void {
  if (!isObject(json)) return;
  for (const field of schema.fields) {
    for (const key of [field.name, field.jsonName]) {
      const value = json[key];
      if (value === undefined) continue;
      if (field.fieldKind === "list" || field.fieldKind === "map") restoreEach(field, value, exact);
      else if (isLong(field)) restore(json, key, exact);
      else if (field.message !== undefined) restoreExact(field.message, value, exact);
    }
  }
}

function restoreEach(
  field: DescField & { fieldKind: "list" | "map" },
  value: JsonValue,
  exact: JsonText["exact"],
): void {
  if (typeof value !== "object" || value === null) return;
  // Lists and objects alike are addressed by key.
  const holder = value as Record<string, JsonValue>;
  for (const key of Object.keys(holder)) {
    if (isLong(field)) restore(holder, key, exact);
    else if (field.message !== undefined) restoreExact(field.message, holder[key] ?? null, exact);
  }
}

function restore(holder: Record<string, JsonValue>, key: string, exact: JsonText["exact"]): void {
  const digits = exact.get(holder)?.get(key);
  if (digits !== undefined) holder[key] = digits;
}

const LONGS: readonly (ScalarType | undefined)[] = [
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
];

function isLong(field: DescField): boolean {
  const wrapped = field.message?.typeName;
  const isWrapper = wrapped === "google.protobuf.Int64Value" || wrapped === "google.protobuf.UInt64Value";
  return isWrapper || LONGS.includes(field.scalar);
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
