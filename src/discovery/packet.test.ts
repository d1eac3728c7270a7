import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { readAddress } from "../base/datagrams.ts";
import {
  NodeState,
  PacketKind,
  PacketSchema,
  RumourKind,
  RumourSchema,
} from "../messages/gen/unum/wire/v1/membership_pb.ts";
import { encodePacket, type PacketHead, readPacket } from "./packet.ts";
import { encodeRumour, readRumour, type Statement } from "./rumour.ts";
import { STATES } from "./status.ts";

const plain = { noNullPrototype: true } as const;
const id = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
const whole = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 49 }));
const address = fc.constantFrom("127.0.0.1:7100", "10.200.3.4:65535", "[2001:db8::1]:1").map((text) => {
  const read = readAddress(text);
  assert.ok(read);
  return read;
});
const statement: fc.Arbitrary<Statement> = fc.oneof(
  fc.record(
    {
      kind: fc.constant("status" as const),
      id,
      incarnation: whole,
      state: fc.constantFrom(...STATES),
      lifetimeMs: fc.integer({ min: 0, max: 2 ** 40 }),
      accusers: fc.constant([] as string[]),
      contact: fc.option(
        fc.record({ address, doors: fc.array(fc.string({ minLength: 1, maxLength: 30 }), { maxLength: 4 }) }, plain),
        { nil: undefined },
      ),
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant("status" as const),
      id,
      incarnation: whole,
      state: fc.constant("suspect" as const),
      lifetimeMs: fc.constant(0),
      accusers: fc.uniqueArray(id, { maxLength: 4 }).map((ids) => ids.sort()),
      contact: fc.constant(undefined),
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant("content" as const),
      id,
      incarnation: whole,
      version: whole,
      entry: fc.option(fc.uint8Array({ minLength: 1, maxLength: 300 }), { nil: undefined }),
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant("load" as const),
      id,
      incarnation: whole,
      of: whole,
      version: whole,
      numbers: fc.array(fc.nat(100_000), { minLength: 1, maxLength: 20 }),
    },
    plain,
  ),
);
const head: fc.Arbitrary<Required<PacketHead>> = fc.record(
  {
    kind: fc.constantFrom("gossip", "ping", "ack", "probe", "nack", "beacon"),
    from: id,
    sequence: fc.nat(0xffffffff),
    target: id,
    targetAddress: address,
    who: fc.boolean(),
  },
  plain,
);

const KINDS: Readonly<Record<PacketHead["kind"], PacketKind>> = {
  gossip: PacketKind.GOSSIP,
  ping: PacketKind.PING,
  ack: PacketKind.ACK,
  probe: PacketKind.PROBE,
  nack: PacketKind.NACK,
  beacon: PacketKind.BEACON,
};

/** What the generated code makes of the same statement. */
function generated(of: Statement): MessageInitShape<typeof RumourSchema> {
  const { id, incarnation } = of;
  const start = { id, incarnation: BigInt(incarnation) };
  if (of.kind === "status") {
    const state = { alive: NodeState.ALIVE, suspect: NodeState.SUSPECT, dead: NodeState.DEAD, left: NodeState.LEFT };
    const { host, port } = of.contact?.address ?? { host: "", port: 0 };
    return {
      ...start,
      kind: RumourKind.STATUS,
      state: state[of.state],
      lifetimeMs: BigInt(of.lifetimeMs),
      address: host === "" ? "" : host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
      doors: [...(of.contact?.doors ?? [])],
      accusers: [...of.accusers],
    };
  }
  const version = BigInt(of.version);
  return of.kind === "content"
    ? { ...start, kind: RumourKind.CONTENT, version, entry: of.entry ?? new Uint8Array() }
    : { ...start, kind: RumourKind.LOAD, version, of: BigInt(of.of), load: [...of.numbers] };
}

describe("a rumour", () => {
  it("is written as the generated code reads it", () => {
    fc.assert(
      fc.property(statement, (each) => {
        const read = fromBinary(RumourSchema, encodeRumour(each));
        assert.deepEqual(read, create(RumourSchema, generated(each)));
      }),
      { numRuns: 1_000 },
    );
  });

  it("is read as the generated code writes it", () => {
    fc.assert(
      fc.property(statement, (each) => {
        const written = toBinary(RumourSchema, create(RumourSchema, generated(each)));
        assert.deepEqual(readRumour(written), each);
      }),
      { numRuns: 1_000 },
    );
  });

  const refused: readonly [what: string, rumour: MessageInitShape<typeof RumourSchema>, says: RegExp][] = [
    ["about nobody", { incarnation: 1n }, /about nobody/],
    ["with a name that could break a terminal", { id: "a\u001b[2J" }, /other characters/],
    ["with a name too long", { id: "a".repeat(65) }, /65 bytes, the limit is 64/],
    ["of an incarnation that could not be surpassed", { id: "a", incarnation: 2n ** 52n }, /incarnation too great/],
    ["with a name to be looked up", { id: "a", address: "evil.example:53" }, /not IP:PORT/],
    ["with more doors than anybody has", { id: "a", doors: ["1", "2", "3", "4", "5"] }, /more than 4 doors/],
    ["of an unknown state", { id: "a", state: 9 as NodeState }, /state 9/],
    ["of an unknown kind", { id: "a", kind: 9 as RumourKind }, /no known kind/],
    ["of an entry without version", { id: "a", kind: RumourKind.CONTENT }, /no known kind and version/],
  ];
  for (const [what, rumour, says] of refused) {
    it(`${what} is refused`, () => {
      const written = toBinary(RumourSchema, create(RumourSchema, rumour));
      assert.throws(() => readRumour(written), { name: "Fault", code: "invalid", message: says });
    });
  }
});

describe("a packet", () => {
  it("is written as the generated code reads it, and read as it was written", () => {
    fc.assert(
      fc.property(head, fc.array(statement, { maxLength: 4 }), (given, statements) => {
        const bytes = encodePacket(given, statements.map(encodeRumour));
        const read = fromBinary(PacketSchema, bytes);
        assert.equal(read.kind, KINDS[given.kind]);
        assert.deepEqual(
          read.rumours,
          statements.map((each) => create(RumourSchema, generated(each))),
        );
        assert.equal(read.sequence, given.sequence);
        assert.deepEqual(readPacket(bytes), { ...given, statements });
      }),
      { numRuns: 500 },
    );
  });

  it("from nobody, or asking to probe nobody, is refused", () => {
    const nobody = toBinary(PacketSchema, create(PacketSchema, { kind: PacketKind.PING }));
    assert.throws(() => readPacket(nobody), { code: "invalid", message: /from nobody/ });
    const probe = toBinary(PacketSchema, create(PacketSchema, { kind: PacketKind.PROBE, from: "a", target: "b" }));
    assert.throws(() => readPacket(probe), { code: "invalid", message: /probe of nobody/ });
  });
});
