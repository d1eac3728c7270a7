// A message's copy as another process would get it, without the way through bytes.
//
// Hot path of calls inside one process (bench/codec.ts): a schema is compiled once into one function per field.
// The compiled copier knows the ordinary. Whatever else it meets (a value of the wrong type or to be converted, unknown
// fields, extensions, fields held as JSON) goes through the library and through bytes, and fails where they do.
//
// What a message is made from (an init) is copied in one pass too: there a field may be left out.
//
// Invariants
//   I1. The copy equals what toBinary and fromBinary make of the message, or both fail.
//   I2. The copy shares nothing that can be changed with the message.
//   I3. The copy of an init equals the copy of the message that create makes of it, or both fail.

import {
  clone,
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { isLongText, isMapKey, takeLongText, takeScalar } from "./scalar.ts";

/** Throws what the library throws where the message does not fit its schema. */
export function copyMessage<S extends DescMessage>(schema: S, message: MessageShape<S>): MessageShape<S> {
  // Messages are plain records to the compiled code; it makes one of the same schema.
  const copy = copierOf(schema, MESSAGES)(message as unknown as Fields, 0) as unknown as MessageShape<S> | undefined;
  return copy ?? copyByWire(schema, message);
}

/** The same for what `create` takes: a message, or its fields. Fields of other names are passed over, as by `create`. */
export function copyInit<S extends DescMessage>(schema: S, from: MessageInitShape<S>): MessageShape<S> {
  // As above.
  const copy = copierOf(schema, INITS)(from as unknown as Fields, 0) as unknown as MessageShape<S> | undefined;
  return copy ?? copyByWire(schema, create(schema, from));
}

type Fields = Record<string, unknown>;

/** Undefined where the value is not ordinary. `depth` counts messages inside messages. */
type Take = (value: unknown, depth: number) => unknown;
type Copier = (from: Fields, depth: number) => Fields | undefined;

/** False where the member is not ordinary. */
type CopyMember = (from: Fields, to: Fields, depth: number) => boolean;

/** How many messages inside messages the library reads from bytes. */
const DEEPEST = 100;

// A descriptor never changes, so what is compiled from it holds as long as it does. Nothing else can see the table, and
// a descriptor that nobody holds any more takes its copier with it: the same calls give the same copies without it.
interface Kind {
  /** Whether a field without a value stands for its default, and a message need not say its type. */
  readonly inits: boolean;
  readonly copiers: WeakMap<DescMessage, Copier>;
}
const MESSAGES: Kind = { inits: false, copiers: new WeakMap() };
const INITS: Kind = { inits: true, copiers: new WeakMap() };

function copierOf(schema: DescMessage, kind: Kind): Copier {
  let copier = kind.copiers.get(schema);
  if (copier === undefined) {
    copier = kind.inits ? compileInit(schema) : compile(schema, MESSAGES);
    kind.copiers.set(schema, copier);
  }
  return copier;
}

/** clone refuses values of the wrong type, which toBinary would turn into text; toBinary refuses missing required fields. */
function copyByWire<S extends DescMessage>(schema: S, message: MessageShape<S>): MessageShape<S> {
  return fromBinary(schema, toBinary(schema, clone(schema, message)));
}

/** Of an init, or of a message where one stands in its place. */
function compileInit(schema: DescMessage): Copier {
  const init = compile(schema, INITS);
  const message = copierOf(schema, MESSAGES);
  return (from, depth) => {
    // Which is an object without fields to some of the library, and none at all to the rest of it.
    if (Array.isArray(from)) return undefined;
    return (from["$typeName"] === undefined ? init : message)(from, depth);
  };
}

function compile(schema: DescMessage, kind: Kind): Copier {
  const { typeName } = schema;
  const given = kind.inits ? undefined : typeName;
  // Fields with presence have their defaults on a prototype that all messages of the schema share.
  const prototype: object = Object.getPrototypeOf(create(schema));
  const isPlain = prototype === Object.prototype;
  // In the order of the library's own messages, so that the engine sees one shape.
  const members = schema.members.map((member) =>
    member.kind === "oneof" ? copyOneof(member, kind) : copyField(member, kind, create(schema)),
  );
  return (from, depth) => {
    if (from["$typeName"] !== given || from["$unknown"] !== undefined || depth >= DEEPEST) return undefined;
    let to: Fields;
    if (isPlain) to = { $typeName: typeName };
    else {
      to = Object.create(prototype);
      to["$typeName"] = typeName;
    }
    for (let i = 0; i < members.length; i++) {
      if (members[i]?.(from, to, depth) !== true) return undefined;
    }
    return to;
  };
}

/** `zero`: the message without fields, for the defaults of those that are left out. */
function copyField(field: DescField, kind: Kind, zero: Message): CopyMember {
  const name = field.localName;
  const take = takeOf(field, kind);
  if (field.fieldKind === "list") return copyList(name, take, kind);
  if (field.fieldKind === "map") return copyMap(name, isMapKey(field.mapKey), take, kind);
  if (field.presence === FeatureSet_FieldPresence.IMPLICIT && kind.inits) {
    // A message has its fields under their local names, and this one has a default.
    const byDefault = (zero as unknown as Fields)[name];
    return (from, to, depth) => {
      const value = take(from[name] ?? byDefault, depth);
      if (value === undefined) return false;
      to[name] = value;
      return true;
    };
  }
  if (field.presence === FeatureSet_FieldPresence.IMPLICIT) {
    return (from, to, depth) => {
      const value = take(from[name], depth);
      if (value === undefined) return false;
      to[name] = value;
      return true;
    };
  }
  const isRequired = field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
  return (from, to, depth) => {
    const given = from[name];
    // What is not the message's own is the prototype's default.
    if (given === undefined || (kind.inits ? given === null : !Object.hasOwn(from, name))) return !isRequired;
    const value = take(given, depth);
    if (value === undefined) return false;
    to[name] = value;
    return true;
  };
}

function copyList(name: string, take: Take, kind: Kind): CopyMember {
  return (from, to, depth) => {
    const list = from[name];
    if (kind.inits && (list === undefined || list === null)) {
      to[name] = [];
      return true;
    }
    if (!Array.isArray(list)) return false;
    const copy: unknown[] = [];
    for (let i = 0; i < list.length; i++) {
      const value = take(list[i], depth);
      if (value === undefined) return false;
      copy.push(value);
    }
    to[name] = copy;
    return true;
  };
}

function copyMap(name: string, isKey: (key: string) => boolean, take: Take, kind: Kind): CopyMember {
  return (from, to, depth) => {
    const map = from[name];
    if (kind.inits && (map === undefined || map === null)) {
      to[name] = {};
      return true;
    }
    if (!isRecord(map) || Array.isArray(map)) return false;
    const copy: Fields = {};
    for (const key of Object.keys(map)) {
      // The one key that assignment would take for something else.
      if (key === "__proto__" || !isKey(key)) return false;
      const value = take(map[key], depth);
      if (value === undefined) return false;
      copy[key] = value;
    }
    to[name] = copy;
    return true;
  };
}

function copyOneof(oneof: DescOneof, kind: Kind): CopyMember {
  const name = oneof.localName;
  const takes = new Map(oneof.fields.map((field) => [field.localName, takeOf(field, kind)]));
  return (from, to, depth) => {
    const chosen = from[name];
    if (kind.inits && (chosen === undefined || chosen === null)) {
      to[name] = { case: undefined };
      return true;
    }
    if (!isRecord(chosen)) return false;
    const which = chosen["case"];
    if (which === undefined) {
      to[name] = { case: undefined };
      return true;
    }
    const value = typeof which === "string" ? takes.get(which)?.(chosen["value"], depth) : undefined;
    if (value === undefined) return false;
    to[name] = { case: which, value };
    return true;
  };
}

/** How one value of the field is taken: the field itself, or an entry of its list or map. */
function takeOf(field: DescField, kind: Kind): Take {
  if (field.enum !== undefined) return takeEnum(field.enum);
  if (field.message === undefined) return isLongText(field) ? takeLongText(field.scalar) : takeScalar(field.scalar);
  const { message } = field;
  if (field.fieldKind === "message" && field.oneof === undefined && isWrapperDesc(message)) {
    return takeScalar(message.fields[0].scalar);
  }
  // Held as JSON everywhere but inside google.protobuf.Value.
  if (message.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value") {
    return takeNothing;
  }
  let copier: Copier | undefined;
  return (value, depth) => {
    if (!isRecord(value)) return undefined;
    // Not before it is needed: the message may contain itself.
    copier ??= copierOf(message, kind);
    return copier(value, depth + 1);
  };
}

function takeEnum(described: DescEnum): Take {
  const take = takeScalar(ScalarType.INT32);
  if (described.open) return take;
  const numbers = new Set<unknown>(described.values.map((value) => value.number));
  return (value) => (numbers.has(value) ? value : undefined);
}

function takeNothing(): undefined {
  return undefined;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
