import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeCommand, encodeError, encodePing, encodePong, encodeReady, property, textBytes } from "./commands.ts";
import { Engine, type EngineOptions, type PeerInfo } from "./engine.ts";
import { FrameWriter } from "./frame-writer.ts";
import { greeting } from "./greeting.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { ZmtpFault } from "./zmtp-fault.ts";

/** An engine and everything that came out of it. */
function engine(set: Partial<EngineOptions> = {}) {
  const seen = {
    output: [] as Uint8Array[],
    ready: [] as PeerInfo[],
    messages: [] as string[][],
    pings: [] as { ttlMs: number; context: string }[],
    over: [] as ZmtpFault[],
  };
  const made = new Engine(
    { socketType: "ROUTER", role: "accepts", limits: DEFAULT_LIMITS, ...set },
    {
      output: (bytes) => seen.output.push(Buffer.from(bytes)),
      ready: (peer) => seen.ready.push(peer),
      message: (parts) => seen.messages.push(parts.map((part) => Buffer.from(part).toString())),
      pinged: (ttlMs, context) => seen.pings.push({ ttlMs, context: Buffer.from(context).toString() }),
      over: (fault) => seen.over.push(fault),
    },
  );
  return { engine: made, seen, sent: () => Buffer.concat(seen.output.splice(0)) };
}

function framed(command: Uint8Array): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new FrameWriter((bytes) => chunks.push(bytes));
  writer.command(command);
  writer.flush();
  return Buffer.concat(chunks);
}

const ready = (type: string, more: [string, Uint8Array][] = []) =>
  framed(encodeReady(new Map([["Socket-Type", textBytes(type)], ["Identity", textBytes("")], ...more])));

/** Lets two engines say all they have to say to each other. */
function converse(a: ReturnType<typeof engine>, b: ReturnType<typeof engine>): void {
  for (let turn = 0; turn < 10; turn++) {
    b.engine.push(a.sent());
    a.engine.push(b.sent());
  }
}

function connected(limits = DEFAULT_LIMITS) {
  const dealer = engine({ socketType: "DEALER", role: "dials", limits });
  const router = engine({ limits });
  dealer.engine.start();
  router.engine.start();
  converse(dealer, router);
  return { dealer, router };
}

describe("a ZMTP engine", () => {
  it("greets and gets ready with another, telling it identity and metadata", () => {
    const identity = textBytes("ada");
    const dealer = engine({
      socketType: "DEALER",
      role: "dials",
      identity,
      properties: () => new Map([["X-Colour", textBytes("blue")]]),
    });
    const router = engine();
    dealer.engine.start();
    router.engine.start();
    converse(dealer, router);
    const [peer] = router.seen.ready;
    assert.equal(peer?.socketType, "DEALER");
    assert.equal(peer?.version, "3.1");
    assert.deepEqual(Buffer.from(peer?.identity ?? []).toString(), "ada");
    assert.equal(Buffer.from(property(peer?.properties ?? new Map(), "x-colour") ?? []).toString(), "blue");
    assert.equal(dealer.seen.ready[0]?.socketType, "ROUTER");
  });

  it("does all of it whatever way the bytes are cut", () => {
    const { dealer, router } = connected();
    dealer.engine.send([textBytes("hello"), textBytes("")]);
    dealer.engine.flush();
    const bytes = Buffer.concat([greeting(), ready("DEALER"), dealer.sent()]);
    assert.equal(router.seen.over.length, 0);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        const fresh = engine();
        let from = 0;
        for (const to of [...cuts.sort((a, b) => a - b), bytes.length]) {
          fresh.engine.push(bytes.subarray(from, to));
          from = to;
        }
        assert.deepEqual(fresh.seen.messages, [["hello", ""]]);
      }),
    );
  });

  it("that accepts says READY only to who is wanted, and to others why not", () => {
    const router = engine({ refusal: (peer) => (peer.properties.has("X-Pass") ? undefined : "no pass") });
    router.engine.push(greeting());
    assert.equal(router.sent().length, 0);
    router.engine.push(ready("DEALER"));
    assert.deepEqual(router.sent(), Buffer.from(framed(encodeError("no pass"))));
    assert.equal(router.seen.over[0]?.reason, "refused");

    const dealer = engine({ socketType: "DEALER", role: "dials" });
    dealer.engine.push(greeting());
    dealer.engine.push(framed(encodeError("no pass")));
    assert.equal(dealer.seen.over[0]?.reason, "peer-refused");
    assert.match(dealer.seen.over[0]?.message ?? "", /no pass/);
  });

  it("sends pings to a 3.1 peer and none to a 3.0 peer", () => {
    const peer = engine();
    const old = greeting();
    old[11] = 0;
    peer.engine.push(old);
    peer.engine.push(ready("DEALER"));
    assert.equal(peer.seen.ready[0]?.version, "3.0");
    assert.equal(peer.engine.ping(100), false);
    assert.equal(connected().router.engine.ping(100), true);
  });

  it("hands on a ping's time to live and context, and answers with the same context", () => {
    const { dealer, router } = connected();
    router.engine.push(framed(encodePing(1_500, textBytes("sixteen bytes ok"))));
    assert.deepEqual(router.seen.pings, [{ ttlMs: 1_500, context: "sixteen bytes ok" }]);
    router.engine.pong(textBytes("sixteen bytes ok"));
    router.engine.flush();
    const pong = router.sent();
    assert.deepEqual(pong, Buffer.from(framed(encodePong(textBytes("sixteen bytes ok")))));
    dealer.engine.push(pong);
    assert.equal(dealer.seen.over.length, 0);
  });

  it("passes over commands it does not know", () => {
    const { router } = connected();
    router.engine.push(framed(new Uint8Array([4, ...textBytes("NOVA"), 1, 2, 3])));
    assert.equal(router.seen.over.length, 0);
  });

  it("hands a message of two pieces over as one part", () => {
    const { dealer, router } = connected();
    dealer.engine.sendJoined(textBytes("front-"), textBytes("back"));
    dealer.engine.flush();
    router.engine.push(dealer.sent());
    assert.deepEqual(router.seen.messages, [["front-back"]]);
  });

  const foreign = (change: (bytes: Uint8Array) => void) => {
    const bytes = greeting();
    change(bytes);
    return bytes;
  };
  const broken: readonly [string, Uint8Array, string][] = [
    ["HTTP", textBytes("GET / HTTP/1.1\r\n"), "not-zmtp"],
    ["ZMTP 1.0", new Uint8Array([1, 0]), "not-zmtp"],
    ["ZMTP 1.0 with a long identity", new Uint8Array([0xff, 0, 0, 0, 0, 0, 0, 0, 9, 0]), "not-zmtp"],
    ["ZMTP 2.0", new Uint8Array([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, 5]), "version"],
    ["the mechanism PLAIN", foreign((bytes) => bytes.set(textBytes("PLAIN"), 12)), "mechanism"],
    ["a mechanism that only begins with NULL", foreign((bytes) => bytes.set([65], 20)), "mechanism"],
    ["a message before READY", Buffer.concat([greeting(), new Uint8Array([0, 1, 7])]), "malformed"],
    ["PING before READY", Buffer.concat([greeting(), framed(encodePing(0, textBytes("")))]), "malformed"],
    ["a PUB socket", Buffer.concat([greeting(), ready("PUB")]), "socket-type"],
    ["no socket type", Buffer.concat([greeting(), framed(encodeReady(new Map()))]), "socket-type"],
    [
      "an identity that begins with zero",
      Buffer.concat([greeting(), ready("REQ", [["Identity", new Uint8Array(3)]])]),
      "identity",
    ],
    ["a property twice", Buffer.concat([greeting(), ready("REQ", [["identity", new Uint8Array(3)]])]), "metadata"],
    [
      "metadata past its end",
      Buffer.concat([greeting(), framed(new Uint8Array([5, ...textBytes("READY"), 1, 65, 0, 0, 1, 0]))]),
      "metadata",
    ],
    [
      "a property of 2^32 - 1 bytes",
      Buffer.concat([greeting(), framed(new Uint8Array([5, ...textBytes("READY"), 1, 65, 255, 255, 255, 255]))]),
      "metadata",
    ],
    ["a second READY", Buffer.concat([greeting(), ready("REQ"), ready("REQ")]), "malformed"],
    [
      "a PING without time to live",
      Buffer.concat([greeting(), ready("REQ"), framed(new Uint8Array([4, ...textBytes("PING"), 1]))]),
      "malformed",
    ],
    ["a command without name", Buffer.concat([greeting(), ready("REQ"), framed(new Uint8Array([0]))]), "malformed"],
  ];
  for (const [what, bytes, reason] of broken) {
    it(`ends at ${what}, whole or byte by byte`, () => {
      const whole = engine();
      whole.engine.push(bytes);
      const single = engine();
      for (let at = 0; at < bytes.length; at++) single.engine.push(bytes.slice(at, at + 1));
      for (const { seen } of [whole, single]) {
        assert.deepEqual(
          seen.over.map((fault) => fault.reason),
          [reason],
        );
        assert.equal(seen.messages.length, 0);
      }
    });
  }

  it("sends nothing and tells nothing after it is over", () => {
    const { dealer, router } = connected();
    router.engine.stop(new ZmtpFault("closed", "enough"));
    router.engine.stop(new ZmtpFault("closed", "enough"));
    dealer.engine.send([textBytes("late")]);
    dealer.engine.flush();
    router.engine.push(dealer.sent());
    assert.equal(router.seen.messages.length, 0);
    assert.equal(router.seen.over.length, 1);
    assert.throws(() => router.engine.send([textBytes("x")]), { reason: "closed" });
    assert.equal(router.engine.ping(1), false);
  });

  it("survives any bytes with one end at most", () => {
    const start = Buffer.concat([greeting(), ready("DEALER")]);
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 }), (greeted, chunks) => {
        const { engine: made, seen } = engine();
        if (greeted) made.push(start);
        for (const chunk of chunks) made.push(chunk);
        assert.ok(seen.over.length <= 1);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("commands", () => {
  it("keep any metadata through encoding and decoding", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9\-_.+]{1,40}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 50 })), { selector: ([key]) => key.toLowerCase() }),
        (entries) => {
          const decoded = decodeCommand(encodeReady(new Map(entries)));
          assert.ok(decoded.name === "READY");
          assert.deepEqual(
            [...decoded.properties].map(([key, value]) => [key, [...value]]),
            entries.map(([key, value]) => [key, [...value]]),
          );
        },
      ),
    );
  });

  it("cut a reason to what fits, in printable characters", () => {
    const decoded = decodeCommand(encodeError(`${"é\n".repeat(200)}`));
    assert.ok(decoded.name === "ERROR");
    assert.equal(decoded.reason, "?".repeat(255));
  });
});
