import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ApplicationError, FAULT_CODES, Fault } from "../base/fault.ts";
import { ENVELOPE_LIMIT_BYTES, type Envelope, envelope, Kind, Mode, Scope } from "./envelope.ts";
import { decodeEnvelope, readEnvelopeId } from "./envelope-decoder.ts";
import { encodeEnvelope } from "./envelope-encoder.ts";
import { LIMITS } from "./envelope-fields.ts";
import { EnvelopeSchema, type Envelope as Generated } from "./gen/unum/wire/v1/envelope_pb.ts";

const NOW = 10_000;

/** A name with short, long, ASCII and other letters, well-formed as every text on the wire has to be. */
const name = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({ unit: fc.constantFrom("a", "z", "/", "."), minLength: 60, maxLength: 300 }),
);
const whole = fc.oneof(fc.nat(300), fc.maxSafeNat());
const uint32 = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffffffff }));
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.integer({ min: 16_000, max: 17_000 }).map((length) => new Uint8Array(length).fill(1)),
);
const failure = fc.oneof(
  fc.tuple(fc.constantFrom(...FAULT_CODES), name).map(([code, message]) => new Fault(code, message)),
  fc.tuple(name, name).map(([type, message]) => new ApplicationError(type.slice(0, 100).toWellFormed(), message)),
);

const envelopes: fc.Arbitrary<Envelope> = fc.record({
  kind: fc.constantFrom(Kind.CALL, Kind.MORE, Kind.CANCEL, Kind.REPLY),
  mode: fc.constantFrom(Mode.UNSPECIFIED, Mode.SYNC, Mode.ASYNC, Mode.STREAM, Mode.BROADCAST),
  id: whole,
  from: fc.array(name, { maxLength: LIMITS.fromEntries }),
  to: name,
  value: fc.option(bytes, { nil: undefined }),
  items: fc.array(bytes, { maxLength: 5 }),
  failure: fc.option(failure, { nil: undefined }),
  meta: fc.option(
    fc.dictionary(fc.oneof(name, fc.constantFrom("__proto__", "1", "2", "constructor")), name, {
      minKeys: 1,
      noNullPrototype: true,
    }),
    {
      nil: undefined,
    },
  ),
  state: fc.option(bytes, { nil: undefined }),
  // Whole microseconds, and small enough for a sum with NOW to be exact.
  deadline: fc.nat(2 ** 31).map((us) => NOW + us / 1024),
  scope: fc.constantFrom(Scope.ANYWHERE, Scope.NETWORK, Scope.LOCAL),
  chain: fc.array(name, { maxLength: 40 }),
  hops: uint32,
  idempotencyKey: name,
  traceparent: name,
  epoch: whole,
  version: name,
  credit: uint32,
  last: fc.boolean(),
  owner: name,
  prefer: fc.constant(undefined),
});

/** The reference: what the generated code holds for the same envelope. */
function generated(from: Envelope): Generated {
  const { failure: failed } = from;
  const message = create(EnvelopeSchema, {
    id: BigInt(from.id),
    kind: from.kind,
    mode: from.mode,
    from: [...from.from],
    to: from.to,
    items: from.items.map(asBytes),
    ttlUs: BigInt(Math.floor((from.deadline - NOW) * 1000)),
    scope: from.scope,
    chain: [...from.chain],
    hops: from.hops,
    idempotencyKey: from.idempotencyKey,
    traceparent: from.traceparent,
    epoch: BigInt(from.epoch),
    version: from.version,
    credit: from.credit,
    last: from.last,
    owner: from.owner,
  });
  if (from.value !== undefined) message.value = asBytes(from.value);
  if (from.state !== undefined) message.state = from.state;
  for (const [key, value] of Object.entries(from.meta ?? {})) {
    Object.defineProperty(message.meta, key, { value, enumerable: true, configurable: true, writable: true });
  }
  if (failed !== undefined) {
    message.failure = create(EnvelopeSchema, {
      failure:
        failed instanceof Fault
          ? { code: failed.code, message: failed.message }
          : { code: "application", message: failed.message, type: failed.type },
    }).failure;
  }
  return message;
}

function asBytes(body: Envelope["items"][number]): Uint8Array<ArrayBuffer> {
  assert.ok(body instanceof Uint8Array);
  return new Uint8Array(body);
}

/** What an envelope says, so that errors are compared by what travels and deadlines by what the wire can hold. */
function said(from: Envelope): unknown {
  const { failure: failed, deadline, ...rest } = from;
  return {
    ...rest,
    ttlUs: Math.floor((deadline - NOW) * 1000 + 1e-6),
    failure:
      failed &&
      (failed instanceof Fault ? [failed.code, failed.message] : ["application", failed.type, failed.message]),
  };
}

describe("codec", () => {
  it("writes, byte for byte, what the generated code writes", () => {
    fc.assert(
      fc.property(envelopes, (from) => {
        const ours = encodeEnvelope(from, NOW);
        assert.deepEqual(Buffer.from(ours), Buffer.from(toBinary(EnvelopeSchema, generated(from))));
        assert.deepEqual(fromBinary(EnvelopeSchema, ours), generated(from));
      }),
      { numRuns: 500 },
    );
  });

  it("reads what the generated code writes", () => {
    fc.assert(
      fc.property(envelopes, (from) => {
        const wire = toBinary(EnvelopeSchema, generated(from));
        assert.deepEqual(said(decodeEnvelope(wire, NOW)), said({ ...from, deadline: onTheWire(from.deadline) }));
        assert.equal(readEnvelopeId(wire), from.id === 0 ? undefined : from.id);
      }),
      { numRuns: 500 },
    );
  });

  it("reads fields in any order, and the last of those that may stand once", () => {
    fc.assert(
      fc.property(envelopes, envelopes, fc.infiniteStream(fc.nat()), (first, second, draws) => {
        const fields = [...split(encodeEnvelope(first, NOW)), ...split(encodeEnvelope(second, NOW))];
        const keys = fields.map(() => draws.next().value);
        const order = fields.map((_, i) => i).sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0) || a - b);
        const wire = new Uint8Array(Buffer.concat(order.map((i) => fields[i] ?? Buffer.alloc(0))));
        const oracle = fromBinary(EnvelopeSchema, wire);
        // A fault merged with a component's error keeps no type: only the latter has one.
        if (oracle.failure !== undefined && oracle.failure.code !== "application") oracle.failure.type = "";
        if (oracle.from.length > LIMITS.fromEntries || oracle.chain.length > LIMITS.chainEntries) {
          assert.throws(() => decodeEnvelope(wire, NOW), { name: "Fault", code: "invalid" });
        } else {
          const again = fromBinary(EnvelopeSchema, encodeEnvelope(decodeEnvelope(wire, NOW), NOW));
          // A deadline is a sum with now, so a microsecond may be lost to rounding; it never grows.
          assert.ok(oracle.ttlUs - again.ttlUs === 0n || oracle.ttlUs - again.ttlUs === 1n);
          assert.deepEqual({ ...again, ttlUs: 0n }, { ...oracle, ttlUs: 0n });
        }
      }),
      { numRuns: 300 },
    );
  });

  it("merges the parts of a repeated failure", () => {
    const wire = Buffer.concat([
      encodeEnvelope(envelope({ kind: Kind.REPLY, id: 1, failure: new Fault("overloaded", "first") }), NOW),
      // failure { message: "second" }
      Buffer.from([0x42, 8, 0x12, 6, ...Buffer.from("second")]),
    ]);
    const { failure: merged } = decodeEnvelope(wire, NOW);
    assert.deepEqual([merged instanceof Fault && merged.code, merged?.message], ["overloaded", "second"]);
  });

  it("passes over fields of newer versions, in the envelope and inside its parts", () => {
    const known = encodeEnvelope(envelope({ kind: Kind.CALL, id: 7, to: "a.B/C" }), NOW);
    const unknown = [
      [0xc8, 0x01, 0xff, 0x01], // 25: varint
      [0xb1, 0x01, 1, 2, 3, 4, 5, 6, 7, 8], // 22: 64 bit
      [0xba, 0x01, 3, 9, 9, 9], // 23: bytes
      [0xc5, 0x01, 1, 2, 3, 4], // 24: 32 bit
      [0xf8, 0xff, 0xff, 0xff, 0x0f, 1], // 2^29 - 1: varint
      [0x4a, 7, 0x0a, 1, 0x6b, 0x12, 0, 0x18, 5], // meta { key: "k", value: "", 3: 5 }
      [0x42, 5, 0x0a, 1, 0x78, 0x20, 1], // failure { code: "x", 4: 1 }
    ].flat();
    const read = decodeEnvelope(Buffer.concat([Buffer.from(unknown), known, Buffer.from(unknown)]), NOW);
    assert.equal(read.id, 7);
    assert.equal(read.to, "a.B/C");
    assert.deepEqual(read.meta, { k: "" });
    assert.equal(readEnvelopeId(Buffer.concat([Buffer.from(unknown), known])), 7);
  });

  it("keeps the message of a fault whose code it does not know, and takes it as internal", () => {
    const wire = toBinary(
      EnvelopeSchema,
      create(EnvelopeSchema, { kind: Kind.REPLY, failure: { code: "quota", message: "ask again tomorrow" } }),
    );
    const { failure: read } = decodeEnvelope(wire, NOW);
    assert.ok(read instanceof Fault);
    assert.equal(read.code, "internal");
    assert.match(read.message, /ask again tomorrow.*'quota'/);
  });

  it("counts time to live from the clock of who reads it", () => {
    const wire = encodeEnvelope(envelope({ kind: Kind.CALL, id: 1, deadline: NOW + 250.5 }), NOW);
    assert.equal(decodeEnvelope(wire, 77).deadline, 77 + 250.5);
  });

  it("gives no time to what is past its deadline, and all the wire can say to what has none", () => {
    const past = encodeEnvelope(envelope({ kind: Kind.CALL, id: 1, deadline: NOW - 1 }), NOW);
    assert.equal(decodeEnvelope(past, 5).deadline, 5);
    const endless = encodeEnvelope(envelope({ kind: Kind.CALL, id: 1, deadline: Number.POSITIVE_INFINITY }), NOW);
    assert.equal(decodeEnvelope(endless, 0).deadline, Number.MAX_SAFE_INTEGER / 1000);
  });

  it("hands out bytes that later envelopes leave alone", () => {
    const size = fc.oneof(fc.nat(400), fc.integer({ min: 10_000, max: 70_000 }));
    fc.assert(
      fc.property(fc.array(size, { minLength: 20, maxLength: 200 }), (sizes) => {
        const values = sizes.map((length, i) => new Uint8Array(length).fill(i));
        const encoded = values.map((value, id) => encodeEnvelope(envelope({ kind: Kind.CALL, id, value }), NOW));
        encoded.forEach((wire, id) => {
          const read = decodeEnvelope(wire, NOW);
          assert.equal(read.id, id);
          assert.ok(Buffer.from(asBytes(values[id] ?? wire)).equals(asBytes(read.value ?? wire)));
        });
      }),
      { numRuns: 20 },
    );
  });

  it("goes on after an envelope it could not encode", () => {
    const good = envelope({ kind: Kind.CALL, id: 5, to: "a.B/C" });
    const before = encodeEnvelope(good, NOW);
    assert.throws(() => encodeEnvelope({ ...good, credit: -1 }, NOW), { code: "invalid" });
    assert.deepEqual(encodeEnvelope(good, NOW), before);
  });
});

describe("codec limits, both ways", () => {
  const base = envelope({ kind: Kind.CALL, id: 1 });
  const much = (length: number) => Array.from({ length }, () => "x");
  const tooMuch: [string, Partial<Envelope>][] = [
    ["from", { from: much(LIMITS.fromEntries + 1) }],
    ["chain", { chain: much(LIMITS.chainEntries + 1) }],
    ["meta", { meta: Object.fromEntries(Array.from({ length: LIMITS.metaEntries + 1 }, (_, i) => [`k${i}`, ""])) }],
    ["meta", { meta: { k: "v".repeat(LIMITS.metaBytes + 4096) } }],
    ["meta", { meta: { k: "ö".repeat(LIMITS.metaBytes / 2 + 4096) } }],
    ["meta", { meta: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, "v".repeat(1024)])) }],
    ["to", { to: "x".repeat(LIMITS.nameBytes + 1) }],
    ["to", { to: "ö".repeat(LIMITS.nameBytes / 2 + 1) }],
    ["idempotency_key", { idempotencyKey: "x".repeat(LIMITS.nameBytes + 1) }],
    ["traceparent", { traceparent: "x".repeat(LIMITS.nameBytes + 1) }],
    ["version", { version: "x".repeat(LIMITS.nameBytes + 1) }],
    ["items", { items: Array.from({ length: LIMITS.items + 1 }, () => new Uint8Array(0)) }],
    ["scope", { scope: 3 as Scope }],
    ["mode", { mode: 9 as Mode }],
    ["kind", { kind: 5 as Kind }],
  ];
  for (const [field, set] of tooMuch) {
    it(`refuses ${field} of ${describeSet(set)}`, () => {
      const expected = { name: "Fault", code: "invalid", message: new RegExp(`'${field}'`) };
      assert.throws(() => encodeEnvelope({ ...base, ...set }, NOW), expected);
      const wire = toBinary(EnvelopeSchema, generated({ ...base, deadline: NOW, ...set }));
      assert.throws(() => decodeEnvelope(wire, NOW), expected);
    });
  }

  it("refuses to encode numbers the wire cannot carry and text that UTF-8 cannot", () => {
    const wrong: Partial<Envelope>[] = [
      { id: -1 },
      { id: 1.5 },
      { id: 2 ** 53 },
      { id: Number.NaN },
      { hops: 2 ** 32 },
      { epoch: -1 },
      { to: "lone \ud800" },
      { from: ["lone \udc00"] },
      { meta: { key: "lone \ud800" } },
    ];
    for (const set of wrong) assert.throws(() => encodeEnvelope({ ...base, ...set }, NOW), { code: "invalid" });
  });

  it("holds an envelope of 16 MiB of value, and refuses more", () => {
    const value = new Uint8Array(16 * 1024 * 1024).fill(1);
    const wire = encodeEnvelope({ ...base, value, to: "a.B/C" }, NOW);
    assert.equal(asBytes(decodeEnvelope(wire, NOW).value ?? wire).length, value.length);
    const over = new Uint8Array(ENVELOPE_LIMIT_BYTES);
    assert.throws(() => encodeEnvelope({ ...base, value: over }, NOW), { code: "invalid", message: /limit/ });
    assert.throws(() => encodeEnvelope({ ...base, items: [value, value] }, NOW), { code: "invalid", message: /limit/ });
    // The value alone would fit.
    const barely = new Uint8Array(ENVELOPE_LIMIT_BYTES - 8);
    assert.throws(() => encodeEnvelope({ ...base, value: barely, version: "^1.2.3" }, NOW), {
      code: "invalid",
      message: /limit/,
    });
    const received = new Uint8Array(ENVELOPE_LIMIT_BYTES + 1);
    assert.throws(() => decodeEnvelope(received, NOW), { code: "invalid", message: /limit/ });
  });

  it("cuts a failure's message rather than losing the failure", () => {
    const wire = encodeEnvelope({ ...base, failure: new Fault("internal", "ö".repeat(1_000_000)) }, NOW);
    assert.match(decodeEnvelope(wire, NOW).failure?.message ?? "", /^ö{1000}/);
    const longNamed = new ApplicationError("É".repeat(2000), "ö".repeat(1_000_000));
    const { failure: read } = decodeEnvelope(encodeEnvelope({ ...base, failure: longNamed }, NOW), NOW);
    assert.ok(read instanceof ApplicationError);
    assert.match(read.type, /^É{100}/);
  });
});

describe("codec, given broken bytes", () => {
  const valid = Buffer.from([0x10, 1]); // kind CALL
  const broken: [string, number[], RegExp][] = [
    ["nothing", [], /without kind/],
    ["an envelope without kind", [0x08, 1], /without kind/],
    [
      "an id above 2^53 - 1",
      [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
      /above 9007199254740991 in 'id', at byte 3/,
    ],
    ["a varint of 11 bytes", [0x08, ...Array(10).fill(0x80), 1], /varint longer than 10 bytes in 'id'/],
    ["a tag of 6 bytes", [0x80, 0x80, 0x80, 0x80, 0x80, 0x01], /longer than 5 bytes/],
    ["a tag above 32 bits", [0xff, 0xff, 0xff, 0xff, 0x7f], /above 4294967295/],
    ["field number 0", [0x00, 0x00], /field of number 0/],
    ["a varint that does not end", [0x08, 0x80], /end too early in 'id'/],
    ["a length past the end", [0x2a, 5, 0x61], /5 bytes are announced and 1 are there in 'to', at byte 3/],
    ["a length of 4 GiB", [0x32, 0xff, 0xff, 0xff, 0xff, 0x0f], /4294967295 bytes are announced/],
    ["a length above 32 bits", [0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], /above 4294967295/],
    ["text that is not UTF-8", [0x2a, 2, 0xc3, 0x28], /not UTF-8 in 'to', at byte 4/],
    ["an overlong UTF-8 form", [0x2a, 2, 0xc0, 0xaf], /not UTF-8 in 'to'/],
    ["a surrogate in UTF-8", [0x2a, 3, 0xed, 0xa0, 0x80], /not UTF-8 in 'to'/],
    ["a group", [0x0b, 0x0c], /wire type 3.* in 'id'/],
    ["an unknown group", [0xb3, 0x01, 0xb4, 0x01], /wire type 3.* in field 22/],
    ["an end of a group", [0xac, 0x01], /wire type 4/],
    ["wire type 7", [0xaf, 0x01], /wire type 7/],
    ["text as a number", [0x28, 1], /wire type 0.* in 'to'/],
    ["a number as text", [0x0a, 0], /wire type 2.* in 'id'/],
    ["an unknown kind", [0x10, 9], /9, which this version does not know, in 'kind'/],
    ["a negative kind", [0x10, ...Array(9).fill(0xff), 1], /in 'kind'/],
    ["hops above 32 bits", [0x70, 0xff, 0xff, 0xff, 0xff, 0x1f], /above 4294967295 in 'hops'/],
    [
      "a meta entry that ends inside its key",
      [0x4a, 2, 0x0a, 5, 1, 2, 3, 4, 5],
      /5 bytes are announced and 0 .* in 'meta'/,
    ],
    ["a meta entry with a number as key", [0x4a, 2, 0x08, 5], /wire type 0.* in 'meta'/],
    ["a failure that is no message", [0x42, 1, 0xff], /end too early in 'failure'/],
  ];
  for (const [what, wire, message] of broken) {
    it(`answers ${what} with a fault that says field and byte`, () => {
      const whole = wire.length === 0 || what.includes("without kind") ? wire : [...valid, ...wire];
      assert.throws(() => decodeEnvelope(new Uint8Array(whole), NOW), { name: "Fault", code: "invalid", message });
    });
  }

  it("finds the id of an envelope that breaks further on, and none where there is none", () => {
    const wire = encodeEnvelope(envelope({ kind: Kind.CALL, id: 2 ** 40, to: "a.B/C" }), NOW);
    assert.equal(readEnvelopeId(wire.subarray(0, wire.length - 2)), 2 ** 40);
    assert.equal(readEnvelopeId(Buffer.from([0x10, 1, 0x08])), undefined);
    assert.equal(readEnvelopeId(new Uint8Array(0)), undefined);
  });
});

function onTheWire(deadline: number): number {
  return NOW + Math.floor((deadline - NOW) * 1000) / 1000;
}

function describeSet(set: object): string {
  const [value] = Object.values(set);
  if (typeof value === "string") return `${Buffer.byteLength(value)} bytes`;
  if (Array.isArray(value)) return `${value.length} entries`;
  return typeof value === "number" ? `value ${value}` : `${JSON.stringify(value).length} bytes`;
}

/** The top-level fields of a valid message, each with its tag. */
function split(wire: Uint8Array): Buffer[] {
  const fields: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = wire[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < wire.length) {
    const from = at;
    const type = varint() & 7;
    const length = varint();
    if (type === 2) at += length;
    fields.push(Buffer.from(wire.subarray(from, at)));
  }
  return fields;
}
