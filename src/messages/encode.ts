// A message's bytes, as the library writes them, at a tenth of its price for small messages.
//
// Hot path of calls between processes (bench/codec.ts): a schema is compiled once into one function per field, and they
// write into slabs. As in copy.ts, what is compiled knows the ordinary, and all else is left to the library.
//
// Invariants
//   I1. The bytes equal those of toBinary, or both fail.
//   I2. A value of another type than the contract's is refused; toBinary would write its text.

import { clone, type DescField, type DescMessage, type MessageShape, ScalarType, toBinary } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { isLongText, isMapKey } from "./scalar.ts";
import { mapKey, type Put, putEnum, putLongText, putScalar, wireTypeOf } from "./scalar-writer.ts";
import { WIRE } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** Bytes the caller owns (see wire-writer.ts on keeping them). Throws what the library throws. */
export function encodeMessage<S extends DescMessage>(schema: S, message: MessageShape<S>): Uint8Array {
  if (!busy) {
    busy = true;
    try {
      writer.begin();
      // Messages are plain records to the compiled code.
      if (encoderOf(schema)(writer, message as unknown as Fields, 0)) return writer.finish();
    } finally {
      busy = false;
    }
  }
  return toBinary(schema, clone(schema, message));
}

type Fields = Record<string, unknown>;

/** False where something is not ordinary; what was written then is forgotten. */
type Encode = (writer: WireWriter, message: Fields, depth: number) => boolean;

/** Deeper ones are left to the library, so that a message that contains itself fails as it does there. */
const DEEPEST = 100;

const writer = new WireWriter();
// A field may be a getter, and a getter may send a message of its own; the writer holds one at a time.
let busy = false;

// Holds what follows from a descriptor for as long as it lives; see copy.ts.
const encoders = new WeakMap<DescMessage, Encode>();

function encoderOf(schema: DescMessage): Encode {
  let encode = encoders.get(schema);
  if (encode === undefined) {
    encode = compile(schema);
    encoders.set(schema, encode);
  }
  return encode;
}

function compile(schema: DescMessage): Encode {
  const { typeName } = schema;
  const fields = schema.fields.toSorted((one, other) => one.number - other.number).map(encodeField);
  return (writer, message, depth) => {
    if (message["$typeName"] !== typeName || message["$unknown"] !== undefined || depth >= DEEPEST) return false;
    for (let i = 0; i < fields.length; i++) {
      if (fields[i]?.(writer, message, depth) !== true) return false;
    }
    return true;
  };
}

function encodeField(field: DescField): Encode {
  if (field.fieldKind === "list") return encodeList(field);
  if (field.fieldKind === "map") return encodeMap(field);
  const name = field.localName;
  const put = putOf(field);
  const tag = tagOf(field);
  if (field.oneof !== undefined) {
    const group = field.oneof.localName;
    return (writer, message, depth) => {
      const chosen = message[group];
      if (!isRecord(chosen)) return false;
      if (chosen["case"] !== name) return true;
      writer.uint32(tag);
      return put(writer, chosen["value"], depth);
    };
  }
  if (field.presence === FeatureSet_FieldPresence.IMPLICIT) {
    const isZero = zeroTest(field);
    return (writer, message, depth) => {
      const value = message[name];
      if (isZero(value)) return true;
      writer.uint32(tag);
      return put(writer, value, depth);
    };
  }
  const isRequired = field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
  return (writer, message, depth) => {
    const value = message[name];
    // What is not the message's own is the prototype's default.
    if (value === undefined || !Object.hasOwn(message, name)) return !isRequired;
    writer.uint32(tag);
    return put(writer, value, depth);
  };
}

function encodeList(field: DescField & { fieldKind: "list" }): Encode {
  const name = field.localName;
  const put = putOf(field);
  const tag = tagOf(field);
  const { packed } = field;
  return (writer, message, depth) => {
    const list = message[name];
    if (!Array.isArray(list)) return false;
    if (list.length === 0) return true;
    if (packed) writer.uint32(tag);
    const opened = packed ? writer.open() : 0;
    for (let i = 0; i < list.length; i++) {
      if (!packed) writer.uint32(tag);
      if (!put(writer, list[i], depth)) return false;
    }
    if (packed) writer.close(opened);
    return true;
  };
}

function encodeMap(field: DescField & { fieldKind: "map" }): Encode {
  const name = field.localName;
  const put = putOf(field);
  const tag = tagOf(field);
  const keyTag = (1 << 3) | wireTypeOf(field.mapKey);
  const valueTag = (2 << 3) | (field.mapKind === "message" ? WIRE.BYTES : wireTypeOf(field.scalar ?? ScalarType.INT32));
  const isKey = isMapKey(field.mapKey);
  const keyOf = mapKey(field.mapKey);
  const putKey = putScalar(field.mapKey);
  return (writer, message, depth) => {
    const map = message[name];
    if (!isRecord(map)) return false;
    for (const key of Object.keys(map)) {
      if (!isKey(key)) return false;
      writer.uint32(tag);
      const opened = writer.open();
      writer.uint32(keyTag);
      putKey(writer, keyOf(key), depth);
      writer.uint32(valueTag);
      if (!put(writer, map[key], depth)) return false;
      writer.close(opened);
    }
    return true;
  };
}

/** How one value is written after its tag: the field's, or an entry's of its list or map. */
function putOf(field: DescField): Put {
  if (field.enum !== undefined) return putEnum(field.enum);
  if (field.message === undefined) return isLongText(field) ? putLongText(field.scalar) : putScalar(field.scalar);
  const { message } = field;
  const isGroup = (field.fieldKind === "message" || field.fieldKind === "list") && field.delimitedEncoding;
  // Held as JSON everywhere but inside google.protobuf.Value.
  const isJson = message.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value";
  if (isGroup || isJson) return putNothing;
  if (field.fieldKind === "message" && field.oneof === undefined && isWrapperDesc(message)) return putWrapped(message);
  let encode: Encode | undefined;
  return (writer, value, depth) => {
    if (!isRecord(value)) return false;
    // Not before it is needed: the message may contain itself.
    encode ??= encoderOf(message);
    const opened = writer.open();
    if (!encode(writer, value, depth + 1)) return false;
    writer.close(opened);
    return true;
  };
}

/** A scalar that the wire carries in a message of its own. */
function putWrapped(wrapper: DescMessage): Put {
  const [field] = wrapper.fields;
  if (field === undefined) return putNothing;
  const isZero = zeroTest(field);
  const put = putOf(field);
  const tag = tagOf(field);
  return (writer, value, depth) => {
    const opened = writer.open();
    if (!isZero(value)) {
      writer.uint32(tag);
      if (!put(writer, value, depth)) return false;
    }
    writer.close(opened);
    return true;
  };
}

function tagOf(field: DescField): number {
  const isPacked = field.fieldKind === "list" && field.packed;
  const isParts = isPacked || field.fieldKind === "map" || field.message !== undefined;
  const type = isParts ? WIRE.BYTES : wireTypeOf(field.scalar ?? ScalarType.INT32);
  return ((field.number << 3) | type) >>> 0;
}

/** Whether a field without presence is left out. -0 is not zero: it is written. */
function zeroTest(field: DescField): (value: unknown) => boolean {
  if (field.enum !== undefined) {
    const zero = field.enum.values[0]?.number;
    return (value) => value === zero;
  }
  switch (field.scalar) {
    case ScalarType.STRING:
      return (value) => value === "";
    case ScalarType.BYTES:
      return (value) => value instanceof Uint8Array && value.length === 0;
    case ScalarType.BOOL:
      return (value) => value === false;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return (value) => Object.is(value, 0);
    default:
      return (value) => value === 0 || value === 0n || value === "0";
  }
}

function putNothing(): false {
  return false;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
