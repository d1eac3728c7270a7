import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { arbitraryMessage } from "../../test/arbitrary/message.ts";
import { SCHEMAS } from "../../test/arbitrary/schemas.ts";
import { TextSchema } from "../../test/gen/unum/test/v1/services_pb.ts";
import { decodeMessage } from "./decode.ts";

/** The same message as the library reads, or refused as there. */
function readsAsTheLibrary(schema: DescMessage, bytes: Uint8Array): void {
  let expected: unknown;
  try {
    expected = fromBinary(schema, bytes);
  } catch {
    assert.throws(() => decodeMessage(schema, bytes));
    return;
  }
  assert.deepEqual(decodeMessage(schema, bytes), expected);
}

describe("a decoded message", () => {
  for (const schema of SCHEMAS) {
    it(`is what the library reads, for ${schema.typeName}`, () => {
      fc.assert(
        fc.property(arbitraryMessage(schema), (message) => readsAsTheLibrary(schema, toBinary(schema, message))),
        { numRuns: 100 },
      );
    });

    it(`is what the library reads from two in one, whose fields come again and out of order, for ${schema.typeName}`, () => {
      fc.assert(
        fc.property(arbitraryMessage(schema), arbitraryMessage(schema), (one, other) =>
          readsAsTheLibrary(schema, Buffer.concat([toBinary(schema, one), toBinary(schema, other)])),
        ),
        { numRuns: 100 },
      );
    });

    it(`is what the library reads, or refused as there, from bytes that were changed, for ${schema.typeName}`, () => {
      const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
      fc.assert(
        fc.property(arbitraryMessage(schema), changes, fc.option(fc.nat()), (message, changed, cut) => {
          const bytes = toBinary(schema, message);
          for (const [at, byte] of changed) if (bytes.length > 0) bytes[at % bytes.length] = byte;
          readsAsTheLibrary(schema, cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1)));
        }),
        { numRuns: 200 },
      );
    });
  }

  it("is read from the middle of other bytes, and has windows on them", () => {
    const message = create(TextSchema, {
      text: "größer",
      blob: new Uint8Array([1, 2, 3]),
      lines: ["", "\ufeff", "\ufffd"],
    });
    const bytes = toBinary(TextSchema, message);
    const around = new Uint8Array(bytes.length + 20).fill(0xff);
    around.set(bytes, 7);
    const read = decodeMessage(TextSchema, around.subarray(7, 7 + bytes.length));
    assert.deepEqual(read, message);
    assert.equal(read.blob.buffer, around.buffer);
  });

  it("has text that is UTF-8, or is refused", () => {
    for (const letters of [[0xff], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
      const bytes = toBinary(TextSchema, create(TextSchema, { text: "x".repeat(letters.length) }));
      bytes.set(letters, bytes.length - letters.length);
      readsAsTheLibrary(TextSchema, bytes);
      assert.throws(() => decodeMessage(TextSchema, bytes));
    }
  });

  it("may lie as deep as the library reads, and no deeper", () => {
    let message = create(TextSchema, { text: "deepest" });
    for (let depth = 1; depth < 100; depth++) message = create(TextSchema, { inner: message });
    readsAsTheLibrary(TextSchema, toBinary(TextSchema, message));
    readsAsTheLibrary(TextSchema, toBinary(TextSchema, create(TextSchema, { inner: message })));
  });
});
