// A message from bytes, as the library reads it, at a fraction of its price for small messages.
//
// Hot path of calls between processes (bench/codec.ts): a schema is compiled once into one function per member, asked in
// the order in which fields are written. As in copy.ts, what is compiled knows the ordinary: each field at most once, in
// the order of the numbers, as this version of the schema has it. Whatever else stands in the bytes (fields that are
// repeated, out of order or unknown, maps, groups, wrappers, what is broken) is left to the library, from the first byte on.
//
// Invariants
//   I1. The message equals the one that fromBinary makes of the bytes, or both fail.
//   I2. No code but this runs while a message is read, so that one cursor serves them all.

import {
  create,
  type DescField,
  type DescMessage,
  type DescOneof,
  fromBinary,
  type MessageShape,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { isLongText } from "./scalar.ts";
import { type Read, readEnum, readScalar } from "./scalar-reader.ts";
import { wireTypeOf } from "./scalar-writer.ts";
import { WireCursor } from "./wire-cursor.ts";
import { WIRE } from "./wire-reader.ts";

/** Throws what the library throws. Fields of bytes are windows on what is read, as the library's are. */
export function decodeMessage<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> {
  cursor.begin(bytes);
  // The compiled code makes a message of this schema, and nothing else.
  const message = decoderOf(schema)(cursor, 0) as unknown as MessageShape<S> | undefined;
  cursor.end();
  return message ?? fromBinary(schema, bytes);
}

type Fields = Record<string, unknown>;

/** Undefined where something is not ordinary. */
type Decode = (cursor: WireCursor, depth: number) => Fields | undefined;

/** Takes what stands at the cursor if it is this member's, or its default; false where it is not ordinary. */
type DecodeMember = (cursor: WireCursor, to: Fields, depth: number) => boolean;

/** Deeper ones are left to the library, which has its own limit. */
const DEEPEST = 50;

const cursor = new WireCursor();

// Holds what follows from a descriptor for as long as it lives; see copy.ts.
const decoders = new WeakMap<DescMessage, Decode>();

function decoderOf(schema: DescMessage): Decode {
  let decode = decoders.get(schema);
  if (decode === undefined) {
    decode = compile(schema);
    decoders.set(schema, decode);
  }
  return decode;
}

function compile(schema: DescMessage): Decode {
  const { typeName } = schema;
  const zero = create(schema);
  // Fields with presence have their defaults on a prototype that all messages of the schema share.
  const prototype: object = Object.getPrototypeOf(zero);
  const isPlain = prototype === Object.prototype;
  const members = schema.members
    .map((member) => ({ member, number: firstNumber(member) }))
    .sort((one, other) => one.number - other.number)
    .map(({ member }) =>
      // A message has its members under their local names.
      member.kind === "oneof"
        ? decodeOneof(member)
        : decodeField(member, (zero as unknown as Fields)[member.localName]),
    );
  return (cursor, depth) => {
    if (depth >= DEEPEST) return undefined;
    let to: Fields;
    if (isPlain) to = { $typeName: typeName };
    else {
      to = Object.create(prototype);
      to["$typeName"] = typeName;
    }
    for (let i = 0; i < members.length; i++) {
      if (members[i]?.(cursor, to, depth) !== true) return undefined;
    }
    return cursor.ended ? to : undefined;
  };
}

function firstNumber(member: DescField | DescOneof): number {
  return member.kind === "oneof" ? Math.min(...member.fields.map(({ number }) => number)) : member.number;
}

/** `byDefault`: what a message without the field has of its own; undefined where the field is then left out. */
function decodeField(field: DescField, byDefault: unknown): DecodeMember {
  if (field.fieldKind === "list") return decodeList(field);
  const name = field.localName;
  if (field.fieldKind === "map") return leftOutMap(name, tagOf(field, WIRE.BYTES));
  const read = readerOf(field);
  const tag = tagOf(field, field.message === undefined ? wireTypeOfField(field) : WIRE.BYTES);
  const hasDefault = field.presence === FeatureSet_FieldPresence.IMPLICIT && field.message === undefined;
  return (cursor, to, depth) => {
    if (cursor.tag !== tag) {
      if (hasDefault) to[name] = byDefault;
      return true;
    }
    const value = read(cursor, depth);
    if (value === undefined) return false;
    to[name] = value;
    return cursor.next();
  };
}

function decodeOneof(oneof: DescOneof): DecodeMember {
  const name = oneof.localName;
  const cases = new Map(
    oneof.fields.map((field) => {
      const type = field.message === undefined ? wireTypeOfField(field) : WIRE.BYTES;
      return [tagOf(field, type), { case: field.localName, read: readerOf(field) }];
    }),
  );
  return (cursor, to, depth) => {
    const chosen = cases.get(cursor.tag);
    if (chosen === undefined) {
      to[name] = { case: undefined };
      return true;
    }
    const value = chosen.read(cursor, depth);
    if (value === undefined) return false;
    to[name] = { case: chosen.case, value };
    return cursor.next();
  };
}

function decodeList(field: DescField & { fieldKind: "list" }): DecodeMember {
  const name = field.localName;
  const read = readerOf(field);
  const elementType = field.message === undefined ? wireTypeOfField(field) : WIRE.BYTES;
  const tag = tagOf(field, elementType);
  // Only numbers are packed: what is written as bytes says its own length each time.
  const packedTag = elementType === WIRE.BYTES ? 0 : tagOf(field, WIRE.BYTES);
  return (cursor, to, depth) => {
    const list: unknown[] = [];
    to[name] = list;
    if (cursor.tag === packedTag && packedTag !== 0) return readPacked(cursor, list, read) && cursor.next();
    while (cursor.tag === tag) {
      const value = read(cursor, depth);
      if (value === undefined || !cursor.next()) return false;
      list.push(value);
    }
    return true;
  };
}

function readPacked(cursor: WireCursor, list: unknown[], read: Read): boolean {
  const outer = cursor.enter();
  if (outer < 0) return false;
  while (!cursor.atEnd) {
    const value = read(cursor, 0);
    if (value === undefined) return false;
    list.push(value);
  }
  cursor.leave(outer);
  return true;
}

function leftOutMap(name: string, tag: number): DecodeMember {
  return (cursor, to) => {
    to[name] = {};
    return cursor.tag !== tag;
  };
}

function readerOf(field: DescField): Read {
  if (field.enum !== undefined) return readEnum(field.enum);
  if (field.message === undefined) return isLongText(field) ? readNothing : readScalar(field.scalar);
  const { message } = field;
  const isGroup = (field.fieldKind === "message" || field.fieldKind === "list") && field.delimitedEncoding;
  // Held as JSON everywhere but inside google.protobuf.Value, where it is rare enough.
  if (isGroup || isWrapperDesc(message) || message.typeName === "google.protobuf.Struct") return readNothing;
  let decode: Decode | undefined;
  return (cursor, depth) => {
    // Not before it is needed: the message may contain itself.
    decode ??= decoderOf(message);
    const outer = cursor.enter();
    if (outer < 0 || !cursor.next()) return undefined;
    const value = decode(cursor, depth + 1);
    cursor.leave(outer);
    return value;
  };
}

function readNothing(): undefined {
  return undefined;
}

function wireTypeOfField(field: DescField): number {
  return field.enum !== undefined || field.scalar === undefined ? WIRE.VARINT : wireTypeOf(field.scalar);
}

function tagOf(field: DescField, type: number): number {
  return ((field.number << 3) | type) >>> 0;
}
