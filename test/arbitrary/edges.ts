// Messages that random ones seldom are: each at an edge where a quick way may part from the library's.

import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { ImplicitSchema } from "../gen/unum/test/v1/implicit_pb.ts";
import { ExplicitSchema, MapsSchema, RepeatedSchema } from "../gen/unum/test/v1/kinds_pb.ts";
import { LegacySchema } from "../gen/unum/test/v1/legacy_pb.ts";

export interface Edge {
  readonly what: string;
  readonly schema: DescMessage;
  readonly message: Message;
}

export const EDGES: readonly Edge[] = [
  edge("a double of -0 without presence", ImplicitSchema, { aDouble: -0 }),
  edge("a float of -0 without presence", ImplicitSchema, { aFloat: -0 }),
  edge("an integer of -0 without presence", ImplicitSchema, { anInt32: -0 }),
  edge("an integer of -0 with presence", ExplicitSchema, { aInt32: -0, aUint32: -0, aSint32: -0, aSfixed32: -0 }),
  edge("a float with more digits than 32 bits hold", ImplicitSchema, { aFloat: 0.1 }),
  edge("a float above its range", ImplicitSchema, { aFloat: 1e300 }),
  edge("an endless float", ImplicitSchema, { aFloat: Number.NEGATIVE_INFINITY }),
  edge("an unsigned integer below zero", ImplicitSchema, { aUint32: -1 }),
  edge("an unsigned integer above its range", ImplicitSchema, { aFixed32: 2 ** 32 }),
  edge("an unsigned integer with a fraction", ImplicitSchema, { aUint32: 1.5 }),
  edge("a signed integer above its range", ImplicitSchema, { aSint32: 2 ** 31 }),
  edge("a signed integer with a fraction", ImplicitSchema, { anInt32: -1.5 }),
  edge("64-bit numbers just above 32 bits", ImplicitSchema, {
    anInt64: 2n ** 32n,
    aUint64: 2n ** 33n,
    aSint64: -(2n ** 31n),
  }),
  edge("a 64-bit number as a number", ImplicitSchema, { anInt64: 5 }),
  edge("a 64-bit number as text", ImplicitSchema, { aUint64: "5" }),
  edge("a signed 64-bit number above its range", ImplicitSchema, { anInt64: 2n ** 63n }),
  edge("an unsigned 64-bit number below zero", ImplicitSchema, { aUint64: -1n }),
  edge("a number wanted as text, with zeros before it", ImplicitSchema, { textNumber: "007" }),
  edge("a number wanted as text that is none", ImplicitSchema, { textNumber: "seven" }),
  edge("a number wanted as text that is a number", ImplicitSchema, { textNumber: 7n }),
  edge("a number wanted as text beyond its range", ImplicitSchema, { textNumber: "18446744073709551616" }),
  edge("a number wanted as text at the end of its range", ImplicitSchema, { textNumber: "18446744073709551615" }),
  edge("numbers wanted as text in a list", RepeatedSchema, { textNumbers: ["0", "5", "999999999999999999"] }),
  edge("a number as text with presence", ExplicitSchema, { textNumber: "-9223372036854775808" }),
  edge("an open enum's unknown value", ImplicitSchema, { aColour: 77 }),
  edge("a closed enum's unknown value", ExplicitSchema, { aClosed: 77 }),
  edge("a closed enum's unknown value in a list", RepeatedSchema, { someClosed: [3, 77] }),
  edge("text with a lone surrogate", ImplicitSchema, { aString: "lone \ud800" }),
  edge("text that starts with a byte order mark", ImplicitSchema, { aString: "\ufefftext \ufffd" }),
  edge("bytes as a Buffer", ImplicitSchema, { aBytes: Buffer.from("buffer of bytes") }),
  edge("a list with a hole", RepeatedSchema, { someInt32: [1, undefined, 3] }),
  edge("a list that is not one", RepeatedSchema, { someInt32: new Uint8Array(3) }),
  edge("a map's number key with zeros before it", MapsSchema, { byInt32: { "01": "x" } }),
  edge("a map's number key that is none", MapsSchema, { byInt32: { x: "x" } }),
  edge("a map's number key out of range", MapsSchema, { byUint32: { 4294967296: "x" } }),
  edge("a map's 64-bit key at the end of its range", MapsSchema, { byUint64: { "18446744073709551615": "x" } }),
  edge("a map's 64-bit key beyond its range", MapsSchema, { byInt64: { "9223372036854775808": "x" } }),
  edge("a map's boolean key that is none", MapsSchema, { byBool: { maybe: "x" } }),
  edge("a map's key with a lone surrogate", MapsSchema, { byString: { "\ud800": "x" } }),
  edge("a required field that is missing", LegacySchema, {}),
  edge("a required field that is there", LegacySchema, { must: 0 }),
  edge("a message of another schema", ImplicitSchema, { child: create(ExplicitSchema) }),
];

function edge(what: string, schema: DescMessage, set: object): Edge {
  return { what, schema, message: Object.assign(create(schema), set) };
}
