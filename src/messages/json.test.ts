import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, createRegistry, type DescMessage, setExtension } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ImplicitSchema } from "../../test/gen/unum/test/v1/implicit_pb.ts";
import {
  ChoiceSchema,
  EverythingSchema,
  ExplicitSchema,
  MapsSchema,
  note,
  RepeatedSchema,
  WellKnownSchema,
} from "../../test/gen/unum/test/v1/kinds_pb.ts";
import { Modes, TextSchema } from "../../test/gen/unum/test/v1/services_pb.ts";
import { messageFromJson, messageToJson } from "./json.ts";
import { registryOf, schemaOf } from "./schema.ts";

describe("a message from JSON", () => {
  it("has bytes from base64 and every digit of a 64-bit number, written as number or as string", () => {
    const longs = '"anInt64": -9223372036854775807, "a_uint64": "18446744073709551615", "aFixed64": 9007199254740993';
    const message = messageFromJson(ImplicitSchema, `{"aBytes": "AQID", ${longs}}`);
    assert.deepEqual(message.aBytes, new Uint8Array([1, 2, 3]));
    assert.equal(message.anInt64, -9223372036854775807n);
    assert.equal(message.aUint64, 18446744073709551615n);
    assert.equal(message.aFixed64, 9007199254740993n);
  });

  it("keeps digits in lists, maps, wrappers and messages inside messages, and leaves other numbers alone", () => {
    const message = messageFromJson(
      EverythingSchema,
      `{"repeated": {"someInt64": [9007199254740993, 1], "someDouble": [9007199254740993]},
        "maps": {"longs": {"1": 9007199254740993}},
        "wellKnown": {"count": 9007199254740993, "structure": {"n": 9007199254740993},
                      "wrappedByName": {"a": 9007199254740993}},
        "choice": {"aInt64": 9007199254740993},
        "children": [{"implicit": {"anInt64": 9007199254740993}}]}`,
    );
    assert.deepEqual(message.repeated?.someInt64, [9007199254740993n, 1n]);
    assert.deepEqual(message.repeated?.someDouble, [9007199254740992]);
    assert.deepEqual(message.maps?.longs, { 1: 9007199254740993n });
    assert.equal(message.wellKnown?.count, 9007199254740993n);
    assert.deepEqual(message.wellKnown?.structure, { n: 9007199254740992 });
    assert.equal(message.wellKnown?.wrappedByName["a"]?.value, 9007199254740993n);
    assert.equal(message.choice?.choice.value, 9007199254740993n);
    assert.equal(message.children[0]?.implicit?.anInt64, 9007199254740993n);
  });

  it("needs nothing but a schema that came over the wire", () => {
    const schema = registryOf(schemaOf([Modes])).getMessage("unum.test.v1.Text");
    assert.ok(schema);
    const message = messageFromJson(schema, '{"text": "x", "lines": ["y"], "long": "5"}');
    assert.deepEqual(messageToJson(schema, message), { text: "x", lines: ["y"], blob: "", long: "5" });
  });

  it("resolves Any and extensions by the registry", () => {
    const registry = createRegistry(TextSchema, note);
    const any = messageFromJson(
      WellKnownSchema,
      '{"any": {"@type": "type.googleapis.com/unum.test.v1.Text", "text": "x"}}',
      registry,
    );
    assert.deepEqual(any.any, anyPack(TextSchema, create(TextSchema, { text: "x" })));
    const extended = messageFromJson(ExplicitSchema, '{"[unum.test.v1.note]": "n"}', registry);
    assert.deepEqual(messageToJson(ExplicitSchema, extended, registry), { "[unum.test.v1.note]": "n" });
  });

  const refused: [DescMessage, string, RegExp][] = [
    [TextSchema, '{"text": "x"', /line 1, column 13/],
    [TextSchema, '"x"', /the JSON is "x"; expected an object with fields of unum\.test\.v1\.Text/],
    [TextSchema, "null", /the JSON is null; expected an object/],
    [
      TextSchema,
      '{"txet": "x"}',
      /Text has no field "txet"; did you mean 'text'\? it has text, lines, blob, long, inner/,
    ],
    [TextSchema, '{"something": 1}', /has no field "something"; it has text, lines/],
    [TextSchema, '{"inner": {"inner": {"lien": []}}}', /no field "lien" in 'inner\.inner'; did you mean 'lines'/],
    [TextSchema, '{"text": 5}', /'text' is 5; expected a string of Unicode text/],
    [TextSchema, '{"text": "\\ud800"}', /'text' is "\\ud800"; expected a string of Unicode text/],
    [
      TextSchema,
      '{"inner": {"long": "five"}}',
      /'inner\.long' is "five"; expected a whole number of -9223372036854775808/,
    ],
    [TextSchema, '{"long": 9223372036854775808}', /'long' is "9223372036854775808"; expected a whole number/],
    [TextSchema, '{"long": 1.5}', /'long' is 1\.5; expected a whole number/],
    [TextSchema, '{"blob": "no base64!"}', /'blob' is "no base64!"; expected a string of base64/],
    [TextSchema, '{"lines": "x"}', /'lines' is "x"; expected a list/],
    [TextSchema, '{"lines": ["x", 2]}', /'lines\[1\]' is 2; expected a string/],
    [TextSchema, '{"lines": [null]}', /'lines\[0\]' is null/],
    [TextSchema, '{"inner": 5}', /'inner' is 5; expected an object with fields of unum\.test\.v1\.Text/],
    [
      ImplicitSchema,
      '{"aColour": "COLOUR_RDE"}',
      /'aColour' is "COLOUR_RDE"; expected one of .*did you mean 'COLOUR_RED'/,
    ],
    [ImplicitSchema, '{"aUint32": -1}', /'aUint32' is -1; expected a whole number of 0 to 4294967295/],
    [ImplicitSchema, '{"anInt32": 2147483648}', /'anInt32' is 2147483648; expected a whole number of -2147483648/],
    [ImplicitSchema, '{"aFloat": 1e300}', /'aFloat' is 1e\+300; expected a number that 32 bits hold/],
    [ImplicitSchema, '{"aBool": "yes"}', /'aBool' is "yes"; expected true or false/],
    [ImplicitSchema, '{"aUint64": -1}', /'aUint64' is -1; expected a whole number of 0 to 18446744073709551615/],
    [RepeatedSchema, '{"children": [{}, {"aBool": 1}]}', /'children\[1\]\.aBool' is 1; expected true or false/],
    [MapsSchema, '{"byInt32": {"x": "v"}}', /'byInt32' has the key "x"; expected a whole number/],
    [MapsSchema, '{"longs": {"1": "x"}}', /'longs\["1"\]' is "x"; expected a whole number/],
    [MapsSchema, '{"byBool": {"maybe": "v"}}', /'byBool' has the key "maybe"; expected true or false/],
    [MapsSchema, '{"children": {"a": {"aBool": 1}}}', /'children\["a"\]\.aBool' is 1/],
    [MapsSchema, '{"children": {"__proto__": {"aBool": 1}}}', /'children\["__proto__"\]\.aBool' is 1/],
    [MapsSchema, '{"children": []}', /'children' is a list; expected an object/],
    [ChoiceSchema, '{"aString": "x", "aBool": true}', /oneof set multiple times/],
    [WellKnownSchema, '{"at": "yesterday"}', /'at' is "yesterday"; expected a time as/],
    [WellKnownSchema, '{"lasts": 5}', /'lasts' is 5; expected seconds as/],
    [WellKnownSchema, '{"any": {"@type": "type.googleapis.com/a.B"}}', /'any' is an object; expected .*@type/],
    [WellKnownSchema, '{"text": 5}', /'text' is 5; expected a string/],
    [WellKnownSchema, '{"times": ["1970-01-01T00:00:00Z", "x"]}', /'times\[1\]' is "x"; expected a time/],
  ];
  for (const [schema, text, message] of refused) {
    it(`is refused with field and value: ${text}`, () => {
      assert.throws(() => messageFromJson(schema, text), { name: "Fault", code: "invalid", message });
    });
  }

  it("is refused, not crashed over, where it is nested without end", () => {
    const deep = (times: number) => `${'{"inner":'.repeat(times)}{}${"}".repeat(times)}`;
    assert.equal(messageFromJson(TextSchema, deep(50)).inner?.inner?.text, "");
    for (const times of [101, 150, 1000, 5000, 100_000]) {
      assert.throws(() => messageFromJson(TextSchema, deep(times)), { name: "Fault", code: "invalid" });
      const structure = `{"structure": {"a": ${"[".repeat(times)}${"]".repeat(times)}}}`;
      assert.throws(() => messageFromJson(WellKnownSchema, structure), { name: "Fault", code: "invalid" });
    }
  });
});

describe("a message as JSON", () => {
  it("shows fields without presence even where they are zero, and leaves out what is not set", () => {
    const text = create(TextSchema, { blob: new Uint8Array([255]), long: 2n ** 60n });
    assert.deepEqual(messageToJson(TextSchema, text), {
      text: "",
      lines: [],
      blob: "/w==",
      long: "1152921504606846976",
    });
    assert.deepEqual(messageToJson(ExplicitSchema, create(ExplicitSchema)), {});
  });

  it("is refused where the message breaks its schema or packs what nobody knows", () => {
    const wrong = create(TextSchema);
    // What untyped code may return.
    Object.assign(wrong, { text: 5 });
    assert.throws(() => messageToJson(TextSchema, wrong), {
      name: "Fault",
      code: "invalid",
      message: /unum\.test\.v1\.Text/,
    });
    const packed = create(WellKnownSchema, { any: anyPack(TextSchema, create(TextSchema)) });
    assert.throws(() => messageToJson(WellKnownSchema, packed), { name: "Fault", code: "invalid" });
  });

  it("comes back as the message it was", () => {
    const message = create(ExplicitSchema, { aString: "", aDouble: Number.NaN, child: { aFloat: 0.5 } });
    setExtension(message, note, "kept");
    const registry = createRegistry(note);
    const json = JSON.stringify(messageToJson(ExplicitSchema, message, registry));
    assert.deepEqual(messageFromJson(ExplicitSchema, json, registry), message);
  });
});
