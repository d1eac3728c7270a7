// Why JSON is not a message: which field, by its path, what it holds and what it should hold.
//
// Runs only after the library refused the whole. It offers the library one field at a time, so that what is explained
// is what was refused, and goes on inside the first one that is refused alone.

import {
  type DescEnum,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Registry,
  ScalarType,
} from "@bufbuild/protobuf";
import { asError } from "../base/fault.ts";
import { didYouMean } from "../base/nearest.ts";

/** As deep as the library reads. */
const DEEPEST = 100;

/** How many names an explanation lists. */
const NAMES_SHOWN = 20;

/** Undefined where no single field is at fault, as where two of a oneof are set. */
export function explainJson(schema: DescMessage, json: JsonValue, registry?: Registry): string | undefined {
  return explain({ schema, json, path: "", depth: 0, registry });
}

interface Suspect {
  readonly schema: DescMessage;
  readonly json: JsonValue;
  readonly path: string;
  readonly depth: number;
  readonly registry: Registry | undefined;
}

function explain(suspect: Suspect): string | undefined {
  const { schema, json, path, depth, registry } = suspect;
  if (depth > DEEPEST || EXPECTED[schema.typeName] !== undefined) return undefined;
  if (!isObject(json)) return `${place(path)} is ${show(json)}; expected an object with fields of ${schema.typeName}`;
  for (const [key, value] of Object.entries(json)) {
    const field = schema.fields.find((each) => each.name === key || each.jsonName === key);
    if (field === undefined && !isExtension(key, registry)) return unknownField(schema, key, path);
    const refused = refusal(schema, key, value, registry);
    if (refused === undefined) continue;
    const at = path === "" ? key : `${path}.${key}`;
    if (field === undefined) return `${place(at)}: ${refused}`;
    return explainField(suspect, field, value, at) ?? `${place(at)}: ${refused}`;
  }
  return undefined;
}

/** Why a field's value is refused: by itself, by one of its entries, or by something inside it. */
function explainField(within: Suspect, field: DescField, value: JsonValue, path: string): string | undefined {
  const { schema, depth, registry } = within;
  const inside = (json: JsonValue, at: string): string | undefined => {
    const message = field.message;
    const found = message && explain({ schema: message, json, path: at, depth: depth + 1, registry });
    if (found !== undefined || (isObject(json) && message !== undefined && EXPECTED[message.typeName] === undefined)) {
      return found;
    }
    return `${place(at)} is ${show(json)}; expected ${expected(field, json)}`;
  };
  if (field.fieldKind === "list") {
    if (!Array.isArray(value)) return `${place(path)} is ${show(value)}; expected a list`;
    const index = value.findIndex((item) => refusal(schema, field.name, [item], registry) !== undefined);
    return index < 0 ? undefined : inside(value[index] ?? null, `${path}[${index}]`);
  }
  if (field.fieldKind === "map") {
    if (!isObject(value)) return `${place(path)} is ${show(value)}; expected an object`;
    for (const [key, item] of Object.entries(value)) {
      if (refusal(schema, field.name, { [key]: item }, registry) === undefined) continue;
      // A value that is right under a right key stands under a wrong one.
      const keyIsWrong = refusal(schema, field.name, { [rightKey(field.mapKey)]: item }, registry) === undefined;
      if (!keyIsWrong) return inside(item, `${path}[${JSON.stringify(key)}]`);
      return `${place(path)} has the key ${show(key)}; expected ${expectedScalar(field.mapKey)}`;
    }
    return undefined;
  }
  return inside(value, path);
}

/** What the library says against a message of this field alone. */
function refusal(schema: DescMessage, key: string, value: JsonValue, registry?: Registry): string | undefined {
  try {
    fromJson(schema, { [key]: value }, { registry });
    return undefined;
  } catch (thrown) {
    return asError(thrown).message;
  }
}

function unknownField(schema: DescMessage, key: string, path: string): string {
  const names = schema.fields.map((field) => field.jsonName);
  const where = path === "" ? "" : ` in '${path}'`;
  const list = names.length === 0 ? "it has none" : `it has ${names.slice(0, NAMES_SHOWN).join(", ")}`;
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : "";
  const suggestion = didYouMean(key, [...names, ...schema.fields.map((field) => field.name)]);
  return `${schema.typeName} has no field ${show(key)}${where}${suggestion || ";"} ${list}${more}`;
}

function isExtension(key: string, registry: Registry | undefined): boolean {
  return key.startsWith("[") && key.endsWith("]") && registry?.getExtension(key.slice(1, -1)) !== undefined;
}

function expected(field: DescField, json: JsonValue): string {
  if (field.enum !== undefined) return expectedEnum(field.enum, json);
  if (field.message !== undefined) return EXPECTED[field.message.typeName] ?? field.message.typeName;
  return expectedScalar(field.scalar);
}

function expectedEnum(described: DescEnum, json: JsonValue): string {
  const names = described.values.map((value) => value.name);
  const suggestion = typeof json === "string" ? didYouMean(json, names) : "";
  return `one of ${names.slice(0, NAMES_SHOWN).join(", ")}${suggestion}`;
}

function expectedScalar(scalar: ScalarType | undefined): string {
  switch (scalar) {
    case ScalarType.STRING:
      return "a string of Unicode text";
    case ScalarType.BYTES:
      return "a string of base64";
    case ScalarType.BOOL:
      return "true or false";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return `a number${scalar === ScalarType.FLOAT ? " that 32 bits hold" : ""}, "NaN", "Infinity" or "-Infinity"`;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return "a whole number of 0 to 4294967295";
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return "a whole number of 0 to 18446744073709551615";
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return "a whole number of -9223372036854775808 to 9223372036854775807";
    default:
      return "a whole number of -2147483648 to 2147483647";
  }
}

/** The types that JSON writes in a form of their own. */
const EXPECTED: Readonly<Record<string, string>> = {
  "google.protobuf.Timestamp": 'a time as "2026-01-31T12:00:00Z"',
  "google.protobuf.Duration": 'seconds as "1.5s"',
  "google.protobuf.FieldMask": 'names of fields as "one,two.three"',
  "google.protobuf.Any": 'an object whose "@type" names a known message',
  "google.protobuf.Struct": "an object",
  "google.protobuf.Value": "any finite JSON",
  "google.protobuf.ListValue": "a list",
  "google.protobuf.DoubleValue": expectedScalar(ScalarType.DOUBLE),
  "google.protobuf.FloatValue": expectedScalar(ScalarType.FLOAT),
  "google.protobuf.Int64Value": expectedScalar(ScalarType.INT64),
  "google.protobuf.UInt64Value": expectedScalar(ScalarType.UINT64),
  "google.protobuf.Int32Value": expectedScalar(ScalarType.INT32),
  "google.protobuf.UInt32Value": expectedScalar(ScalarType.UINT32),
  "google.protobuf.BoolValue": expectedScalar(ScalarType.BOOL),
  "google.protobuf.StringValue": expectedScalar(ScalarType.STRING),
  "google.protobuf.BytesValue": expectedScalar(ScalarType.BYTES),
};

function rightKey(scalar: ScalarType): string {
  if (scalar === ScalarType.STRING) return "";
  return scalar === ScalarType.BOOL ? "false" : "0";
}

function place(path: string): string {
  return path === "" ? "the JSON" : `'${path}'`;
}

function show(json: JsonValue): string {
  if (Array.isArray(json)) return "a list";
  if (isObject(json)) return "an object";
  const text = JSON.stringify(json);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
