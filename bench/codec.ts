// What the codec costs: envelopes and messages encoded, decoded and copied by Unum's code and by the generated library.
//
// In rounds of both by turns, so that noise hits both; the ratio is of pairs within one round.

import { parseArgs } from "node:util";
import { clone, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { copyMessage } from "../src/messages/copy.ts";
import { decodeMessage } from "../src/messages/decode.ts";
import { encodeMessage } from "../src/messages/encode.ts";
import { envelope, Kind, Mode } from "../src/messages/envelope.ts";
import { decodeEnvelope } from "../src/messages/envelope-decoder.ts";
import { encodeEnvelope } from "../src/messages/envelope-encoder.ts";
import { EnvelopeSchema } from "../src/messages/gen/unum/wire/v1/envelope_pb.ts";
import { BytesMessageSchema, TextMessageSchema } from "./contract/gen/bench/v1/echo_pb.ts";
import { ratioOf, type Spread, spreadOf } from "./harness/statistics.ts";

const HELP = `usage: npm run bench -- codec [--quick] [--json]

Nanoseconds an operation, ours beside the generated code's. --quick: 5 short rounds; --json: the same as data.`;

/** Two ways to do the same; each answers what it made, which is compared before anything is measured. */
interface Pair {
  readonly name: string;
  readonly ours: () => unknown;
  readonly library: () => unknown;
  /** What both must give, as text. */
  readonly same: (made: unknown) => string;
}

interface Line {
  readonly name: string;
  readonly oursNs: Spread;
  readonly libraryNs: Spread;
  readonly timesFaster: Spread;
}

const NOW = 1000;

function pairs(): Pair[] {
  const text = create(TextMessageSchema, { text: "x".repeat(200) });
  const bytes = create(BytesMessageSchema, { bytes: new Uint8Array(200).fill(7) });
  const textBytes = toBinary(TextMessageSchema, text);
  const call = envelope({
    kind: Kind.CALL,
    mode: Mode.SYNC,
    id: 123_456,
    from: ["client-abcdefghijklmnop"],
    to: "demo.v1.Digest/OfFile",
    value: textBytes,
    deadline: NOW + 5000,
    chain: ["container-abcdefghijklmnop:17"],
  });
  const rich = {
    ...call,
    meta: { user: "Ada", tenant: "acme" },
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    idempotencyKey: "6a1f0b0e-6a3b-4a60-9f5d-0c6a2f5a9a55",
    version: "^1.2",
  };
  const reply = envelope({
    kind: Kind.REPLY,
    mode: Mode.SYNC,
    id: 123_456,
    from: ["container-abcdefghijklmnop"],
    value: textBytes,
    version: "1.2.3",
    credit: 64,
    last: true,
  });
  const forEnvelope = ([name, from]: readonly [string, typeof call]): Pair[] => {
    const encoded = encodeEnvelope(from, NOW);
    const generated = fromBinary(EnvelopeSchema, encoded);
    return [
      {
        name: `encode ${name}`,
        ours: () => encodeEnvelope(from, NOW),
        library: () => toBinary(EnvelopeSchema, generated),
        same: hex,
      },
      {
        name: `decode ${name}`,
        ours: () => decodeEnvelope(encoded, NOW),
        library: () => fromBinary(EnvelopeSchema, encoded),
        // Both hold the same where they write the same.
        same: (made) => hex(isGenerated(made) ? toBinary(EnvelopeSchema, made) : encodeEnvelope(asEnvelope(made), NOW)),
      },
    ];
  };
  return [
    ...[
      ["a call of 200 B", call] as const,
      ["a call with all headers", rich] as const,
      ["a reply", reply] as const,
    ].flatMap(forEnvelope),
    {
      name: "copy a message of 200 letters",
      ours: () => copyMessage(TextMessageSchema, text),
      library: () => clone(TextMessageSchema, text),
      same: (made) => JSON.stringify(made),
    },
    {
      name: "copy a message of 200 bytes",
      ours: () => copyMessage(BytesMessageSchema, bytes),
      library: () => clone(BytesMessageSchema, bytes),
      same: (made) => JSON.stringify(made),
    },
    {
      name: "encode a message of 200 letters",
      ours: () => encodeMessage(TextMessageSchema, text),
      library: () => toBinary(TextMessageSchema, text),
      same: hex,
    },
    {
      name: "encode a message of 200 bytes",
      ours: () => encodeMessage(BytesMessageSchema, bytes),
      library: () => toBinary(BytesMessageSchema, bytes),
      same: hex,
    },
    {
      name: "decode a message of 200 letters",
      ours: () => decodeMessage(TextMessageSchema, textBytes),
      library: () => fromBinary(TextMessageSchema, textBytes),
      same: (made) => JSON.stringify(made),
    },
  ];
}

function hex(made: unknown): string {
  if (!(made instanceof Uint8Array)) throw new Error("no bytes were made");
  return Buffer.from(made).toString("hex");
}

function isGenerated(made: unknown): made is ReturnType<typeof create<typeof EnvelopeSchema>> {
  return typeof made === "object" && made !== null && "$typeName" in made;
}

function asEnvelope(made: unknown): Parameters<typeof encodeEnvelope>[0] {
  // Only ever asked of what decodeEnvelope made.
  return made as Parameters<typeof encodeEnvelope>[0];
}

// What was made last: kept, so that making it cannot be left out.
let made: unknown;

function nanosecondsEach(run: () => unknown, times: number): number {
  const began = process.hrtime.bigint();
  for (let i = 0; i < times; i++) made = run();
  return Number(process.hrtime.bigint() - began) / times;
}

function measure(all: readonly Pair[], rounds: number, times: number): Line[] {
  const ours = all.map((): number[] => []);
  const library = all.map((): number[] => []);
  // The first round warms up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const [index, pair] of all.entries()) {
      const one = nanosecondsEach(pair.ours, times);
      const other = nanosecondsEach(pair.library, times);
      if (round === 0) continue;
      ours[index]?.push(one);
      library[index]?.push(other);
    }
  }
  return all.map(({ name }, index) => ({
    name,
    oursNs: spreadOf(ours[index] ?? []),
    libraryNs: spreadOf(library[index] ?? []),
    timesFaster: ratioOf(library[index] ?? [], ours[index] ?? []),
  }));
}

function report(lines: readonly Line[]): string {
  const rows = lines.map(({ name, oursNs, libraryNs, timesFaster }) => [
    name.padEnd(34),
    `${oursNs.median.toFixed(0)} (${oursNs.least.toFixed(0)}–${oursNs.most.toFixed(0)})`.padStart(18),
    `${libraryNs.median.toFixed(0)} (${libraryNs.least.toFixed(0)}–${libraryNs.most.toFixed(0)})`.padStart(20),
    timesFaster.median.toFixed(1).padStart(8),
  ]);
  const head = [
    "ns each, median (least–most)".padEnd(34),
    "ours".padStart(18),
    "generated".padStart(20),
    "ratio".padStart(8),
  ];
  return [head, ...rows].map((columns) => columns.join("")).join("\n");
}

function main(): number {
  let given: { quick: boolean; json: boolean; help: boolean };
  try {
    given = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${HELP}\n`);
    return 2;
  }
  if (given.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const all = pairs();
  for (const { name, ours, library, same } of all) {
    if (same(ours()) === same(library())) continue;
    process.stderr.write(`${name}: ours and the library's differ, so there is nothing to compare\n`);
    return 1;
  }
  const lines = measure(all, given.quick ? 5 : 31, given.quick ? 5_000 : 20_000);
  process.stdout.write(
    given.json ? `${JSON.stringify({ node: process.version, lines }, null, 2)}\n` : `${report(lines)}\n`,
  );
  return made === undefined ? 1 : 0;
}

process.exitCode = main();
