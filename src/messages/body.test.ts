import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { EverythingSchema } from "../../test/gen/unum/test/v1/kinds_pb.ts";
import { Kinds, Modes, TextSchema } from "../../test/gen/unum/test/v1/services_pb.ts";
import { seededRandom } from "../base/random.ts";
import { bodyBytes, bodyMessage } from "./body.ts";
import { bodyOf } from "./contract.ts";
import { registryOf, schemaOf } from "./schema.ts";

describe("a body", () => {
  const text = create(TextSchema, { text: "x", blob: new Uint8Array([1, 2, 3]), inner: { lines: ["y"] } });

  it("is the same message whether it crossed a process or not", () => {
    const body = bodyOf(TextSchema, text);
    const crossed = bodyBytes(body);
    assert.deepEqual(bodyMessage(body, TextSchema), text);
    assert.deepEqual(bodyMessage(crossed, TextSchema), text);
    assert.equal(bodyBytes(crossed), crossed);
  });

  it("does not change when its sender goes on with the message", () => {
    const message = create(TextSchema, { text: "before", blob: new Uint8Array([1]), inner: { text: "before" } });
    const body = bodyOf(TextSchema, message);
    message.blob[0] = 9;
    message.lines.push("after");
    if (message.inner !== undefined) message.inner.text = "after";
    assert.deepEqual(
      bodyMessage(body, TextSchema),
      create(TextSchema, { text: "before", blob: new Uint8Array([1]), inner: { text: "before" } }),
    );
  });

  it("is read by who has the contract from another copy of it", () => {
    const schema = registryOf(schemaOf([Modes])).getMessage("unum.test.v1.Text");
    assert.ok(schema);
    assert.deepEqual(
      bodyBytes({ schema, message: bodyMessage(bodyOf(TextSchema, text), schema) }),
      bodyBytes(bodyOf(TextSchema, text)),
    );
  });

  it("of broken bytes is a message or an error, within the time that its bytes take", () => {
    const random = seededRandom(7);
    const sound = toBinary(
      EverythingSchema,
      create(EverythingSchema, {
        implicit: { aString: "text", aDouble: 1.5, anInt64: -5n, aBytes: new Uint8Array(30) },
        repeated: { someInt32: [1, 2, 3], someDouble: [1, 2], someString: ["a", "b"] },
        maps: { byInt32: { 1: "x" }, children: { a: { aBool: true } } },
        choice: { choice: { case: "aString", value: "x" } },
        wellKnown: { at: { seconds: 1n }, structure: { a: [1, { b: null }] } },
        children: [{}, { implicit: {} }],
      }),
    );
    const outcomes = { messages: 0, errors: 0 };
    for (let run = 0; run < 20_000; run++) {
      const bytes = sound.slice(0, random.below(10) === 0 ? random.below(sound.length + 1) : sound.length);
      for (let times = 1 + random.below(3); times > 0; times--)
        bytes[random.below(Math.max(1, bytes.length))] = random.below(256);
      try {
        bodyMessage(bytes, EverythingSchema);
        outcomes.messages++;
      } catch (thrown) {
        assert.ok(thrown instanceof Error);
        outcomes.errors++;
      }
    }
    assert.ok(outcomes.messages > 1000 && outcomes.errors > 1000, JSON.stringify(outcomes));
  });

  it("is refused where it is not of its contract", () => {
    assert.throws(() => bodyOf(Kinds.method.echo.input, text));
  });
});
