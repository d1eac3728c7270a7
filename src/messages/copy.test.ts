import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  clone,
  create,
  type DescMessage,
  fromBinary,
  getExtension,
  isFieldSet,
  type MessageInitShape,
  type MessageShape,
  setExtension,
  toBinary,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import { EDGES } from "../../test/arbitrary/edges.ts";
import { arbitraryGarbage, arbitraryMessage } from "../../test/arbitrary/message.ts";
import { SCHEMAS } from "../../test/arbitrary/schemas.ts";
import { ExplicitSchema, note, numbers } from "../../test/gen/unum/test/v1/kinds_pb.ts";
import { Kinds, TextSchema } from "../../test/gen/unum/test/v1/services_pb.ts";
import { copyInit, copyMessage } from "./copy.ts";
import { registryOf, schemaOf } from "./schema.ts";

/** The oracle: what another process would get of a message the library accepts. */
function overTheWire<S extends DescMessage>(schema: S, message: MessageShape<S>): MessageShape<S> {
  return fromBinary(schema, toBinary(schema, clone(schema, message)));
}

describe("a copied message", () => {
  for (const schema of SCHEMAS) {
    it(`is what another process would get, and what clone makes, for ${schema.typeName}`, () => {
      fc.assert(
        fc.property(arbitraryMessage(schema), (message) => {
          const before = clone(schema, message);
          const copy = copyMessage(schema, message);
          assert.deepEqual(copy, overTheWire(schema, message));
          assert.deepEqual(copy, before);
          assert.deepEqual(message, before);
          for (const field of schema.fields)
            assert.equal(isFieldSet(copy, field), isFieldSet(message, field), field.name);
          assertNothingShared(message, copy);
        }),
        { numRuns: 200 },
      );
    });

    it(`is refused where the library refuses the message, and else is what the wire makes of it, for ${schema.typeName}`, () => {
      fc.assert(
        fc.property(arbitraryGarbage(schema), (message) => {
          const [expected, refused] = attempt(() => overTheWire(schema, message));
          if (refused) assert.throws(() => copyMessage(schema, message));
          else assert.deepEqual(copyMessage(schema, message), expected);
        }),
        { numRuns: 300 },
      );
    });
  }

  for (const { what, schema, message } of EDGES) {
    it(`is what the wire makes of it, or is refused as there, for ${what}`, () => {
      const [expected, refused] = attempt(() => overTheWire(schema, message));
      if (refused) assert.throws(() => copyMessage(schema, message));
      else assert.deepEqual(copyMessage(schema, message), expected);
    });
  }

  it("shares one piece of memory with other small ones, so that it costs no array of its own", () => {
    const message = create(TextSchema, { text: "x", blob: new Uint8Array(200) });
    const buffers = new Set(Array.from({ length: 50 }, () => copyMessage(TextSchema, message).blob.buffer));
    assert.ok(buffers.size <= 2, `${buffers.size} buffers for 50 copies`);
  });

  it("has the prototype of the library's own, so that defaults and presence work on", () => {
    const copy = copyMessage(ExplicitSchema, create(ExplicitSchema, { aBool: false }));
    assert.equal(copy.withDefault, "by default");
    assert.equal(Object.getPrototypeOf(copy), Object.getPrototypeOf(create(ExplicitSchema)));
    assert.deepEqual(Object.keys(copy), Object.keys(create(ExplicitSchema, { aBool: false })));
  });

  it("keeps extensions and unknown fields", () => {
    const message = create(ExplicitSchema);
    setExtension(message, note, "kept");
    setExtension(message, numbers, [1, 2, 3]);
    const copy = copyMessage(ExplicitSchema, message);
    assert.equal(getExtension(copy, note), "kept");
    assert.deepEqual(getExtension(copy, numbers), [1, 2, 3]);
    assertNothingShared(message, copy);
  });

  it("has memory of its own where the message holds a Buffer", () => {
    const bytes = Buffer.from("mutable");
    const copy = copyMessage(TextSchema, create(TextSchema, { blob: bytes }));
    bytes.fill(0);
    assert.deepEqual(copy.blob, new Uint8Array(Buffer.from("mutable")));
  });

  it("leaves other copies alone when its own bytes are written", () => {
    const copies = Array.from({ length: 500 }, (_, i) =>
      copyMessage(TextSchema, create(TextSchema, { blob: new Uint8Array(150).fill(i) })),
    );
    for (const [i, copy] of copies.entries()) if (i % 2 === 0) copy.blob.fill(255);
    for (const [i, copy] of copies.entries())
      assert.deepEqual(copy.blob, new Uint8Array(150).fill(i % 2 === 0 ? 255 : i));
  });

  it("does not lose its bytes to a transfer of another copy's memory", () => {
    const [one, other] = [1, 2]
      .map((fill) => create(TextSchema, { blob: new Uint8Array(100).fill(fill) }))
      .map((message) => copyMessage(TextSchema, message));
    assert.ok(one && other);
    const { port1, port2 } = new MessageChannel();
    // A view's buffer is an ArrayBuffer here, which its type leaves open.
    assert.throws(() => port1.postMessage(one.blob, [one.blob.buffer as ArrayBuffer]), { name: "DataCloneError" });
    port1.close();
    port2.close();
    assert.deepEqual(other.blob, new Uint8Array(100).fill(2));
  });

  it("is refused where the message contains itself, or more messages inside messages than bytes could carry", () => {
    const endless = create(TextSchema);
    endless.inner = endless;
    assert.throws(() => copyMessage(TextSchema, endless));
    const deep = (times: number): MessageShape<typeof TextSchema> =>
      times === 0 ? create(TextSchema) : create(TextSchema, { inner: deep(times - 1) });
    assert.deepEqual(copyMessage(TextSchema, deep(99)), deep(99));
    for (const times of [100, 101, 200]) {
      assert.equal(
        attempt(() => copyMessage(TextSchema, deep(times)))[1],
        attempt(() => overTheWire(TextSchema, deep(times)))[1],
      );
    }
  });

  it("is made for schemas that came over the wire too", () => {
    const schema = registryOf(schemaOf([Kinds])).getMessage("unum.test.v1.Explicit");
    assert.ok(schema);
    const message = fromBinary(
      schema,
      toBinary(ExplicitSchema, create(ExplicitSchema, { aString: "x", child: { aBool: true } })),
    );
    assert.deepEqual(copyMessage(schema, message), clone(schema, message));
  });
});

describe("what a message is made from", () => {
  for (const schema of SCHEMAS) {
    for (const [what, made] of [
      ["valid", arbitraryMessage(schema)],
      ["any", arbitraryGarbage(schema)],
    ] as const) {
      it(`is copied as the message that create makes of it, or refused with it, for ${what} fields of ${schema.typeName}`, () => {
        fc.assert(
          fc.property(made, fc.array(fc.nat(9), { minLength: 7, maxLength: 40 }), (message, draws) => {
            let drawn = 0;
            // Fields of the schema, or what is to be refused.
            const init = initOf(message, () => draws[drawn++ % draws.length] ?? 0) as MessageInitShape<typeof schema>;
            const [expected, refused] = attempt(() => overTheWire(schema, create(schema, init)));
            if (refused || expected === undefined) return assert.throws(() => copyInit(schema, init));
            const copy = copyInit(schema, init);
            assert.deepEqual(copy, expected);
            for (const field of schema.fields) assert.equal(isFieldSet(copy, field), isFieldSet(expected, field));
            assertNothingShared(init, copy);
          }),
          // Shrinking would write into values that it tries again.
          { numRuns: 300, endOnFailure: true },
        );
      });
    }
  }

  it("may have fields of other names, which are passed over, and fields that stand above it", () => {
    const init = Object.assign(Object.create({ text: "inherited" }), { lines: ["own"], other: 1 });
    assert.deepEqual(copyInit(TextSchema, init), create(TextSchema, { text: "inherited", lines: ["own"] }));
  });

  it("is refused where a message inside it lacks what every message has", () => {
    const inner = { $typeName: TextSchema.typeName, text: "alone" };
    assert.throws(() => overTheWire(TextSchema, create(TextSchema, { inner: inner as never })));
    assert.throws(() => copyInit(TextSchema, { inner: inner as never }));
  });
});

/** Fields as a caller may give them: here and there without their message's name, left out or null. */
function initOf(value: unknown, draw: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => initOf(item, draw));
  if (typeof value !== "object" || value === null) return value;
  const prototype: object | null = Object.getPrototypeOf(value);
  const isMessage = "$typeName" in value;
  if (!isMessage && prototype !== Object.prototype) return value;
  // A message stays one now and then; its fields are then not given in part.
  const isInit = isMessage && draw() > 1;
  const init: object = Object.create(isInit ? Object.prototype : prototype);
  for (const [name, field] of Object.entries(value)) {
    if (isInit && (name === "$typeName" || name === "$unknown" || draw() === 0)) continue;
    const given = isInit && draw() === 0 ? null : isMessage && !isInit ? field : initOf(field, draw);
    Object.defineProperty(init, name, { value: given, enumerable: true, configurable: true, writable: true });
  }
  return init;
}

function attempt<T>(run: () => T): [T | undefined, boolean] {
  try {
    return [run(), false];
  } catch {
    return [undefined, true];
  }
}

/** Arrays without elements cannot be changed, and the library itself shares one. */
function assertNothingShared(one: unknown, other: unknown): void {
  const seen = new Set<unknown>();
  const walk = (value: unknown, visit: (object: object) => void): void => {
    if (typeof value !== "object" || value === null) return;
    if (value instanceof Uint8Array) return value.length === 0 ? undefined : visit(value);
    visit(value);
    for (const inside of Object.values(value)) walk(inside, visit);
  };
  walk(one, (object) => seen.add(object));
  walk(other, (object) => assert.ok(!seen.has(object), "something is shared"));
}
