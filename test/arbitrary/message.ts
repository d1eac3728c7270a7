// Messages of any schema, for laws: every field set or not, with values from the edges of their types.

import {
  create,
  type DescField,
  type DescMessage,
  type JsonObject,
  type Message,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";

/** A valid message; unknown fields now and then. */
export function arbitraryMessage<S extends DescMessage>(schema: S, depth = 2): fc.Arbitrary<MessageShape<S>> {
  const values = Object.fromEntries(
    schema.members.map((member) => {
      if (member.kind === "field") return [member.localName, arbitraryField(member, depth)];
      const cases = member.fields
        .filter((field) => depth > 0 || field.message === undefined)
        .map((field) => arbitraryField(field, depth).map((value) => ({ case: field.localName, value })));
      return [
        member.localName,
        fc.oneof(
          NOTHING.map(() => ({ case: undefined })),
          ...cases,
        ),
      ];
    }),
  );
  const required = schema.fields.filter((field) => field.presence === 3).map((field) => field.localName);
  return fc
    .tuple(
      fc.record(values, { requiredKeys: required }),
      fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, UNKNOWN),
    )
    .map(([given, unknown]) => {
      const message: Message = create(schema);
      for (const [name, value] of Object.entries(given)) if (value !== undefined) put(message, name, value);
      if (unknown !== undefined) message.$unknown = unknown;
      // create answers a message of the schema it was given.
      return message as MessageShape<S>;
    });
}

/** A message with one value, at some depth, replaced by what does not belong there. */
export function arbitraryGarbage<S extends DescMessage>(schema: S): fc.Arbitrary<MessageShape<S>> {
  return fc.tuple(arbitraryMessage(schema), fc.infiniteStream(fc.nat()), JUNK).map(([message, draws, junk]) => {
    const draw = (count: number): number => (draws.next().value ?? 0) % count;
    let holder: unknown = message;
    for (let steps = 0; steps < 8; steps++) {
      if (typeof holder !== "object" || holder === null) break;
      const keys = Object.keys(holder);
      const key = keys[draw(Math.max(1, keys.length))];
      if (key === undefined) break;
      const inside: unknown = Reflect.get(holder, key);
      if (typeof inside === "object" && inside !== null && !(inside instanceof Uint8Array) && draw(3) > 0)
        holder = inside;
      else {
        Object.defineProperty(holder, key, { value: junk, enumerable: true, configurable: true, writable: true });
        break;
      }
    }
    return message;
  });
}

/** For objects made anew each time: garbage is written into them. */
const NOTHING = fc.constant(undefined);

/** Numbers no field of a test contract has. */
const UNKNOWN = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 1, max: 127 }), { minLength: 1, maxLength: 2 })
  .map((values) => values.map((data) => ({ no: 9999, wireType: 0, data })));

const JUNK = fc.constantFrom<unknown>(
  undefined,
  null,
  5,
  -1,
  -0,
  1.5,
  2 ** 32,
  2 ** 31,
  5n,
  -1n,
  2n ** 64n,
  "5",
  "text",
  "lone \ud800",
  true,
  [],
  [undefined],
  {},
  { case: "nonsense", value: 1 },
  { case: undefined, value: 1 },
  Buffer.from("bytes"),
  Symbol("junk"),
  () => 1,
  new Map(),
  new Date(0),
  { $typeName: "unum.test.v1.Empty" },
);

function arbitraryField(field: DescField, depth: number): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case "list": {
      if (field.listKind === "message") {
        return depth === 0 ? NOTHING.map(() => []) : fc.array(nested(field, field.message, depth), { maxLength: 3 });
      }
      return fc.array(single(field, field.listKind === "scalar" && field.longAsString), { maxLength: 4 });
    }
    case "map": {
      if (field.mapKind === "message" && depth === 0) return NOTHING.map(() => ({}));
      const value = field.mapKind === "message" ? nested(field, field.message, depth) : single(field, false);
      return fc.array(fc.tuple(mapKey(field.mapKey), value), { maxLength: 3 }).map((entries) => {
        const map = {};
        for (const [key, entry] of entries) put(map, key, entry);
        return map;
      });
    }
    case "message":
      return depth === 0 ? fc.constant(undefined) : nested(field, field.message, depth);
    default:
      return single(field, field.fieldKind === "scalar" && field.longAsString);
  }
}

function nested(field: DescField, schema: DescMessage, depth: number): fc.Arbitrary<unknown> {
  if (field.fieldKind === "message" && field.oneof === undefined && isWrapperDesc(schema)) {
    return scalar(schema.fields[0].scalar);
  }
  if (schema.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value")
    return JSON_OBJECT;
  return arbitraryMessage(schema, depth - 1);
}

function single(field: DescField, isText: boolean): fc.Arbitrary<unknown> {
  if (field.enum !== undefined) {
    const known = fc.constantFrom(...field.enum.values.map((value) => value.number));
    return field.enum.open ? fc.oneof(known, INT32) : known;
  }
  const values = scalar(field.scalar ?? ScalarType.STRING);
  return isText ? values.map(String) : values;
}

const INT32 = fc.oneof(fc.constantFrom(0, 1, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31)), fc.integer());
const UINT32 = fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32 - 1), fc.nat());
const INT64 = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const UINT64 = fc.oneof(
  fc.constantFrom(0n, 1n, 127n, 128n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const TEXT = fc.oneof(
  fc.string(),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("", "ü".repeat(70), "x".repeat(300)),
);
const BYTES = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.constantFrom(0, 1, 64, 65, 200, 2048, 2049).map((length) => new Uint8Array(length).fill(length)),
);
// A new object each time: fast-check's own have no prototype, which no message has.
const JSON_OBJECT = fc
  .dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 })
  .map((json): JsonObject => JSON.parse(JSON.stringify(json)));

function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return TEXT;
    case ScalarType.BYTES:
      return BYTES.map((bytes) => bytes.slice());
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.DOUBLE:
      return fc.double();
    case ScalarType.FLOAT:
      return fc.float();
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return UINT32;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return INT64;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return UINT64;
    default:
      return INT32;
  }
}

function mapKey(type: ScalarType): fc.Arbitrary<string> {
  if (type === ScalarType.STRING) return fc.oneof(TEXT, fc.constantFrom("__proto__", "constructor", "1"));
  return scalar(type).map(String);
}

function put(into: object, key: string, value: unknown): void {
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
}
