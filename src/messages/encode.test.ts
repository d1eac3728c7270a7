import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clone, create, setExtension, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { EDGES } from "../../test/arbitrary/edges.ts";
import { arbitraryGarbage, arbitraryMessage } from "../../test/arbitrary/message.ts";
import { SCHEMAS } from "../../test/arbitrary/schemas.ts";
import { ExplicitSchema, note } from "../../test/gen/unum/test/v1/kinds_pb.ts";
import { TextSchema } from "../../test/gen/unum/test/v1/services_pb.ts";
import { encodeMessage } from "./encode.ts";

describe("an encoded message", () => {
  for (const schema of SCHEMAS) {
    it(`has the bytes that the library writes, for ${schema.typeName}`, () => {
      fc.assert(
        fc.property(arbitraryMessage(schema), (message) => {
          assert.ok(Buffer.from(encodeMessage(schema, message)).equals(toBinary(schema, message)));
        }),
        { numRuns: 300 },
      );
    });

    it(`is refused where the library refuses the message or its values' types, for ${schema.typeName}`, () => {
      fc.assert(
        fc.property(arbitraryGarbage(schema), (message) => {
          let expected: Uint8Array;
          try {
            expected = toBinary(schema, clone(schema, message));
          } catch {
            assert.throws(() => encodeMessage(schema, message));
            return;
          }
          assert.ok(Buffer.from(encodeMessage(schema, message)).equals(expected));
        }),
        { numRuns: 300 },
      );
    });
  }

  for (const { what, schema, message } of EDGES) {
    it(`has the library's bytes, or is refused as there, for ${what}`, () => {
      let expected: Uint8Array;
      try {
        expected = toBinary(schema, clone(schema, message));
      } catch {
        assert.throws(() => encodeMessage(schema, message));
        return;
      }
      assert.deepEqual(Buffer.from(encodeMessage(schema, message)), Buffer.from(expected));
    });
  }

  it("shares one piece of memory with other small ones, so that it costs no array of its own", () => {
    const message = create(TextSchema, { text: "x".repeat(200) });
    const buffers = new Set(Array.from({ length: 50 }, () => encodeMessage(TextSchema, message).buffer));
    assert.ok(buffers.size <= 2, `${buffers.size} buffers for 50 messages`);
  });

  it("keeps extensions and unknown fields", () => {
    const message = create(ExplicitSchema, { aBool: true });
    setExtension(message, note, "kept");
    assert.deepEqual(
      Buffer.from(encodeMessage(ExplicitSchema, message)),
      Buffer.from(toBinary(ExplicitSchema, message)),
    );
  });

  it("may be large, and leaves those before and after it alone", () => {
    const texts = [10, 100_000, 10, 70_000, 20_000, 3].map((length) =>
      create(TextSchema, { text: "ü".repeat(length) }),
    );
    const encoded = texts.map((message) => encodeMessage(TextSchema, message));
    texts.forEach((message, i) => {
      assert.ok(Buffer.from(encoded[i] ?? []).equals(toBinary(TextSchema, message)), `${message.text.length} letters`);
    });
  });

  it("is not mixed with a message that is encoded while it is", () => {
    const inner = create(TextSchema, { text: "inner" });
    const outer = create(TextSchema, { text: "outer" });
    let encodedInside: Uint8Array | undefined;
    Object.defineProperty(outer, "lines", {
      enumerable: true,
      get: () => {
        encodedInside = encodeMessage(TextSchema, inner);
        return ["line"];
      },
    });
    const plain = create(TextSchema, { text: "outer", lines: ["line"] });
    assert.deepEqual(Buffer.from(encodeMessage(TextSchema, outer)), Buffer.from(toBinary(TextSchema, plain)));
    assert.deepEqual(Buffer.from(encodedInside ?? []), Buffer.from(toBinary(TextSchema, inner)));
  });

  it("is refused where the message contains itself, and the next one is not", () => {
    const endless = create(TextSchema);
    endless.inner = endless;
    assert.throws(() => encodeMessage(TextSchema, endless));
    const good = create(TextSchema, { text: "good" });
    assert.deepEqual(Buffer.from(encodeMessage(TextSchema, good)), Buffer.from(toBinary(TextSchema, good)));
  });
});
