import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApplicationError, Fault } from "../base/fault.ts";
import { type Random, seededRandom } from "../base/random.ts";
import { type Envelope, envelope, Kind, Mode, Scope } from "./envelope.ts";
import { decodeEnvelope, readEnvelopeId } from "./envelope-decoder.ts";
import { encodeEnvelope } from "./envelope-encoder.ts";

const SEED = 20_260_113;

/** Envelopes as they occur, which mutations start from. */
const CORPUS: readonly Uint8Array[] = [
  envelope({ kind: Kind.CANCEL, id: 3 }),
  envelope({
    kind: Kind.CALL,
    mode: Mode.SYNC,
    id: 123_456,
    from: ["client-abcdefgh"],
    to: "demo.v1.Digest/OfFile",
    value: new Uint8Array(200).fill(7),
    deadline: 1500,
    chain: ["container-abcd:17", "container-efgh:3"],
    meta: { user: "Ada", grüße: "aus Köln" },
    idempotencyKey: "key-1",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    version: "^1.2",
  }),
  envelope({
    kind: Kind.REPLY,
    mode: Mode.STREAM,
    id: Number.MAX_SAFE_INTEGER,
    items: [new Uint8Array(0), new Uint8Array(40).fill(1), new Uint8Array(3)],
    state: new Uint8Array(16).fill(9),
    credit: 64,
    epoch: 2 ** 40,
    scope: Scope.LOCAL,
    hops: 3,
    last: true,
    owner: "thumbnails",
  }),
  envelope({ kind: Kind.REPLY, id: 9, failure: new Fault("overloaded", "64 messages held, the limit is 64") }),
  envelope({ kind: Kind.REPLY, id: 10, failure: new ApplicationError("RangeError", "größer als 3") }),
].map((from) => encodeEnvelope(from, 1000));

/** Bytes that decoders are known to stumble over. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0b, 0x0c, 0x42, 0x4a, 0x32, 0x3a];

const mutations: readonly ((bytes: number[], random: Random) => number[])[] = [
  // A bit turned.
  (bytes, random) => at(bytes, random, (byte) => byte ^ (1 << random.below(8))),
  // A byte replaced by an edge.
  (bytes, random) => at(bytes, random, () => EDGES[random.below(EDGES.length)] ?? 0),
  // The end, or the beginning, cut off.
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  (bytes, random) => bytes.slice(random.below(bytes.length + 1)),
  // A part taken out, doubled, or filled with what does not end.
  (bytes, random) => splice(bytes, random, []),
  (bytes, random) => splice(bytes, random, bytes.slice(random.below(bytes.length + 1)).slice(0, 20)),
  (bytes, random) => splice(bytes, random, new Array(random.below(12)).fill(0xff)),
  // The head of one envelope and the tail of another.
  (bytes, random) => {
    const other = CORPUS[random.below(CORPUS.length)] ?? [];
    return [...bytes.slice(0, random.below(bytes.length + 1)), ...other.slice(random.below(other.length + 1))];
  },
];

describe("codec, given hostile bytes", () => {
  it("answers 150,000 mutated envelopes with an envelope or a fault each", () => {
    const random = seededRandom(SEED);
    const outcomes = new Outcomes();
    for (let run = 0; run < 150_000; run++) {
      let bytes = [...(CORPUS[random.below(CORPUS.length)] ?? [])];
      for (let times = 1 + random.below(4); times > 0; times--) {
        bytes = mutations[random.below(mutations.length)]?.(bytes, random) ?? bytes;
      }
      outcomes.judge(new Uint8Array(bytes));
    }
    outcomes.assertBothKinds(5_000);
  });

  it("answers 50,000 runs of random bytes with an envelope or a fault each", () => {
    const random = seededRandom(SEED + 1);
    const outcomes = new Outcomes();
    for (let run = 0; run < 50_000; run++) {
      // Half start as an envelope does, so that they get further.
      const head = run % 2 === 0 ? [0x10, 1 + random.below(4)] : [];
      const tail = Array.from({ length: random.below(64) }, () => random.below(256));
      outcomes.judge(new Uint8Array([...head, ...tail]));
    }
    outcomes.assertBothKinds(100);
  });

  it("takes time by the bytes there are, not by what they claim", () => {
    // 1 MiB each of the shapes that make a decoder do the most for the least bytes.
    const shapes = {
      endlessVarint: [0xff],
      manyUnknown: [0xa8, 0x01, 0x00],
      emptyMeta: [0x4a, 0],
      emptyItems: [0x3a, 0],
    };
    for (const [shape, pattern] of Object.entries(shapes)) {
      const bytes = new Uint8Array(1024 * 1024);
      for (let i = 0; i < bytes.length; i++) bytes[i] = pattern[i % pattern.length] ?? 0;
      const began = performance.now();
      new Outcomes().judge(bytes);
      const took = performance.now() - began;
      assert.ok(took < 1000, `${shape}: ${took} ms for 1 MiB`);
    }
  });
});

class Outcomes {
  #envelopes = 0;
  #faults = 0;

  /** A value or the Fault `invalid`, nothing else; a value must be one that can be sent on. */
  judge(bytes: Uint8Array): void {
    let read: Envelope;
    try {
      read = decodeEnvelope(bytes, 0);
    } catch (thrown) {
      const isInvalid = thrown instanceof Fault && thrown.code === "invalid";
      assert.ok(isInvalid, `${thrown} for ${Buffer.from(bytes).toString("hex").slice(0, 2000)}`);
      this.#faults++;
      readEnvelopeId(bytes);
      return;
    }
    this.#envelopes++;
    const again = decodeEnvelope(encodeEnvelope(read, 0), 0);
    assert.equal(again.id, read.id);
    assert.equal(again.to, read.to);
    assert.equal(readEnvelopeId(bytes) ?? 0, read.id);
  }

  /** A fuzzer whose inputs all fail at the first byte, or never, tests nothing. */
  assertBothKinds(least: number): void {
    assert.ok(this.#envelopes >= least, `only ${this.#envelopes} were envelopes`);
    assert.ok(this.#faults >= least, `only ${this.#faults} were faults`);
  }
}

function at(bytes: number[], random: Random, change: (byte: number) => number): number[] {
  if (bytes.length === 0) return bytes;
  const index = random.below(bytes.length);
  return bytes.with(index, change(bytes[index] ?? 0) & 0xff);
}

function splice(bytes: number[], random: Random, insert: number[]): number[] {
  const from = random.below(bytes.length + 1);
  return bytes.toSpliced(from, random.below(8), ...insert);
}
