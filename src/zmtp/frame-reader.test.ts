import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { Budget, DEFAULT_LIMITS, type ZmtpLimits } from "./limits.ts";
import { ZmtpFault } from "./zmtp-fault.ts";

type Item = { readonly command: string } | { readonly parts: readonly string[] };

/** The oracle: all bytes at once, plainly read as RFC 37 has it. */
function plainly(bytes: Uint8Array): Item[] {
  const items: Item[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const flags = view.getUint8(at);
    const long = (flags & 2) !== 0;
    const length = long ? Number(view.getBigUint64(at + 1)) : view.getUint8(at + 1);
    const start = at + (long ? 9 : 2);
    const body = Buffer.from(bytes.slice(start, start + length)).toString("hex");
    at = start + length;
    if ((flags & 4) !== 0) items.push({ command: body });
    else if ((flags & 1) !== 0) parts.push(body);
    else {
      items.push({ parts: [...parts, body] });
      parts = [];
    }
  }
  return items;
}

function reader(limits: Partial<ZmtpLimits> = {}, budget?: Budget) {
  const items: Item[] = [];
  const made = new FrameReader(
    {
      message: (parts) => items.push({ parts: parts.map((part) => Buffer.from(part).toString("hex")) }),
      command: (body) => items.push({ command: Buffer.from(body).toString("hex") }),
    },
    { ...DEFAULT_LIMITS, ...limits },
    budget,
  );
  return { reader: made, items };
}

/** The bytes cut at these places, each piece in memory of its own. */
function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const place of [...places, bytes.length]) {
    pieces.push(bytes.slice(from, place));
    from = place;
  }
  return pieces;
}

function written(items: readonly (readonly Uint8Array[] | { command: Uint8Array })[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new FrameWriter((bytes) => chunks.push(bytes));
  for (const item of items) {
    if ("command" in item) writer.command(item.command);
    else writer.message(item);
  }
  writer.flush();
  return Buffer.concat(chunks);
}

const body = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 2, arbitrary: fc.nat(3000).map((size) => new Uint8Array(size).fill(size)) },
  { weight: 1, arbitrary: fc.integer({ min: 16_000, max: 70_000 }).map((size) => new Uint8Array(size).fill(size)) },
);
const item = fc.oneof(
  { weight: 4, arbitrary: fc.array(body, { minLength: 1, maxLength: 5 }) },
  { weight: 1, arbitrary: fc.record({ command: fc.uint8Array({ maxLength: 300 }) }) },
);

describe("frames", () => {
  it("come out as a plain parser reads them, however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 12, size: "max" }),
        fc.array(fc.nat(), { maxLength: 30, size: "max" }),
        (sent, cuts) => {
          const bytes = written(sent);
          const { reader: made, items } = reader();
          for (const piece of cut(bytes, cuts)) made.push(piece);
          assert.deepEqual(items, plainly(bytes));
          assert.equal(items.length, sent.length);
          assert.equal(made.partial, false);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("come out byte by byte", () => {
    const bytes = written([
      [new Uint8Array(3), new Uint8Array(300)],
      { command: new Uint8Array(5) },
      [new Uint8Array(0)],
    ]);
    const { reader: made, items } = reader();
    for (let at = 0; at < bytes.length; at++) made.push(bytes.slice(at, at + 1));
    assert.deepEqual(items, plainly(bytes));
  });

  it("are windows on the chunk where a message lies within it", () => {
    const chunk = written([[new Uint8Array([1, 2, 3])]]);
    let part: Uint8Array | undefined;
    new FrameReader({ message: ([first]) => (part = first), command: () => {} }, DEFAULT_LIMITS).push(chunk);
    assert.equal(part?.buffer, chunk.buffer);
  });

  it("of a message that must wait let go of the chunk they came in", () => {
    const large = Buffer.concat([written([[new Uint8Array(60_000)]]), new Uint8Array([1, 1, 42])]);
    let parts: Uint8Array[] = [];
    const made = new FrameReader({ message: (got) => (parts = got), command: () => {} }, DEFAULT_LIMITS);
    for (let round = 0; round < 3; round++) {
      made.push(Buffer.from(large));
      made.push(new Uint8Array([0, 0]));
      assert.equal(parts.length, 2);
      assert.ok((parts[0]?.buffer.byteLength ?? 0) < 1000);
    }
  });

  it("take memory for bytes that came, not for bytes that are announced", () => {
    const budget = new Budget(Number.POSITIVE_INFINITY);
    const { reader: made } = reader({}, budget);
    made.push(new Uint8Array([2, 0, 0, 0, 0, 1, 0, 0, 0, 7])); // announces 16 MiB
    assert.ok(budget.used <= 4096, `${budget.used} bytes for one that came`);
    made.push(new Uint8Array(100_000));
    assert.ok(budget.used <= 400_100, `${budget.used} bytes for 100,001 that came`);
    made.stop();
    assert.equal(budget.used, 0);
  });

  it("give back what they held when their message is complete", () => {
    const budget = new Budget(1_000_000);
    const { reader: made, items } = reader({}, budget);
    const bytes = written([[new Uint8Array(50_000), new Uint8Array(50_000)]]);
    for (const piece of cut(bytes, [10, 20_000, 60_000, 99_000])) made.push(piece);
    assert.equal(items.length, 1);
    assert.equal(budget.used, 0);
  });

  const refused: readonly [string, Partial<ZmtpLimits>, number[], string][] = [
    ["a length of 2^63", {}, [2, 0x80, 0, 0, 0, 0, 0, 0, 0], "too-large"],
    ["a length of 2^64 - 1", {}, [2, 255, 255, 255, 255, 255, 255, 255, 255], "too-large"],
    ["a message above the limit", { messageBytes: 9 }, [0, 10], "too-large"],
    ["parts that together are above the limit", { messageBytes: 9 }, [1, 5, 1, 2, 3, 4, 5, 0, 5], "too-large"],
    ["a command above the limit", { commandBytes: 9 }, [4, 10], "too-large"],
    ["more parts than the limit", { parts: 2 }, [1, 0, 1, 0, 1, 0], "too-many-parts"],
    ["reserved flags", {}, [8, 0], "malformed"],
    ["reserved flags, alone in their chunk", {}, [128], "malformed"],
    ["a command with more to follow", {}, [5, 0], "malformed"],
  ];
  for (const [what, limits, bytes, reason] of refused) {
    it(`refuse ${what}, in one piece and byte by byte`, () => {
      const whole = reader(limits);
      assert.throws(() => whole.reader.push(new Uint8Array(bytes)), { name: "Fault", reason });
      const single = reader(limits);
      assert.throws(() => {
        for (const byte of bytes) single.reader.push(new Uint8Array([byte]));
      }, ZmtpFault);
      assert.deepEqual([...whole.items, ...single.items], []);
    });
  }

  it("refuse unfinished messages that together take more than the budget", () => {
    const budget = new Budget(10_000);
    const first = reader({}, budget);
    const second = reader({}, budget);
    first.reader.push(new Uint8Array([2, 0, 0, 0, 0, 1, 0, 0, 0, ...new Uint8Array(2_000)]));
    const more = () => second.reader.push(new Uint8Array([2, 0, 0, 0, 0, 1, 0, 0, 0, ...new Uint8Array(2_000)]));
    assert.throws(more, { reason: "too-many-bytes" });
    first.reader.stop();
    assert.equal(budget.used, 0);
  });

  it("are passed over once the reader has stopped, even those of the same chunk", () => {
    const items: number[] = [];
    const made: FrameReader = new FrameReader(
      {
        message: (parts) => {
          items.push(parts.length);
          made.stop();
        },
        command: () => {},
      },
      DEFAULT_LIMITS,
    );
    made.push(written([[new Uint8Array(1)], [new Uint8Array(1)]]));
    made.push(written([[new Uint8Array(1)]]));
    assert.deepEqual(items, [1]);
  });

  it("never do anything but a ZmtpFault to bytes of chance", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64, size: "max" }), { maxLength: 20, size: "max" }), (chunks) => {
        const { reader: made } = reader({ messageBytes: 1000, parts: 4, commandBytes: 100 });
        try {
          for (const chunk of chunks) made.push(chunk);
        } catch (thrown) {
          assert.ok(thrown instanceof ZmtpFault);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("written frames", () => {
  it("of one turn leave in one piece, large bodies uncopied between", () => {
    const chunks: Uint8Array[] = [];
    const writer = new FrameWriter((bytes) => chunks.push(bytes));
    const large = new Uint8Array(20_000);
    writer.message([new Uint8Array(10)]);
    writer.message([new Uint8Array(20), new Uint8Array(30)]);
    assert.equal(chunks.length, 0);
    writer.joined(new Uint8Array(17), large);
    writer.message([new Uint8Array(1)]);
    writer.flush();
    writer.flush();
    assert.equal(chunks.length, 3);
    assert.equal(chunks[1], large);
  });

  it("are never written over after they left", () => {
    const chunks: { bytes: Uint8Array; was: string }[] = [];
    const writer = new FrameWriter((bytes) => chunks.push({ bytes, was: Buffer.from(bytes).toString("hex") }));
    for (let i = 0; i < 5_000; i++) {
      writer.message([new Uint8Array(i % 300).fill(i)]);
      if (i % 7 === 0) writer.flush();
    }
    writer.flush();
    for (const { bytes, was } of chunks) assert.equal(Buffer.from(bytes).toString("hex"), was);
    assert.equal(plainly(Buffer.concat(chunks.map((chunk) => chunk.bytes))).length, 5_000);
  });
});
