// What the zmtp transport does beyond the promises of every transport.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Dealer } from "zeromq";
import type { Clock, Timer } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";
import type { ByteStream, Network } from "../../base/network.ts";
import { bodyMessage } from "../../messages/body.ts";
import { cancelOf, type Envelope, envelope, Kind, replyTo } from "../../messages/envelope.ts";
import { decodeEnvelope } from "../../messages/envelope-decoder.ts";
import { encodeEnvelope } from "../../messages/envelope-encoder.ts";
import { PingReplySchema } from "../../messages/gen/unum/control/v1/container_pb.ts";
import { systemEnv } from "../../system/env.ts";
import { DealerSocket, type Properties, RouterSocket, textBytes } from "../../zmtp/index.ts";
import type { Receive } from "../transport.ts";
import { FRAME, HEAD_BYTES, readNumber, writeHead } from "./frames.ts";
import { introduction } from "./handshake.ts";
import { type ZmtpTransport, type ZmtpTransportLimits, zmtpTransport } from "./index.ts";

const LONG_MS = 120_000;
const env = systemEnv();
const folder = mkdtempSync(path.join(tmpdir(), "unum-"));
const opened: { close(): unknown }[] = [];
let places = 0;
let nextId = 1;

const newAddress = () => `ipc://${folder}/${++places}.sock`;
const pathOf = (address: string) => ({ kind: "ipc", path: address.slice("ipc://".length) }) as const;

function keep<T extends { close(): unknown }>(made: T): T {
  opened.push(made);
  return made;
}

function transport(limits: Partial<ZmtpTransportLimits> = {}): ZmtpTransport {
  return keep(zmtpTransport({ env, limits }));
}

function call(set: Partial<Envelope> = {}): Envelope {
  return envelope({
    kind: Kind.CALL,
    id: nextId++,
    from: ["c1"],
    to: "t.v1.T/T",
    deadline: env.clock.now() + 60_000,
    ...set,
  });
}

const echo: Receive = async (request) => {
  const reply = replyTo(request);
  reply.value = request.value;
  return reply;
};

async function listen(at: ZmtpTransport, receive: Receive, address = newAddress()) {
  const listening = at.listen(address, receive);
  assert.ok(listening !== undefined);
  return listening;
}

function sent(from: ZmtpTransport, to: string, request: Envelope): Promise<Envelope> {
  const reply = from.send(to, request);
  assert.ok(reply !== undefined);
  reply.catch(() => {});
  return reply;
}

async function codeOf(reply: Promise<Envelope>): Promise<string> {
  const error = await reply.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Fault, `expected a Fault, got ${String(error)}`);
  return error.code;
}

/** Settles once `done` answers true; asks every few milliseconds. */
async function eventually(done: () => boolean, what: string): Promise<void> {
  const end = env.clock.now() + LONG_MS;
  while (!done()) {
    assert.ok(env.clock.now() < end, `never: ${what}`);
    await new Promise<void>((resolve) => env.clock.after(2, resolve));
  }
}

const newAddressOnce = newAddress();
const WINDOW = { messages: 8, bytes: 100_000 };
const unum = (): Properties => introduction({ name: "raw", window: WINDOW, clock: env.clock });

function frame(type: number, first: number, second: number, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + body.length);
  writeHead(bytes, type, first, second);
  bytes.set(body, HEAD_BYTES);
  return bytes;
}

const nowUs = () => Math.floor(env.clock.now() * 1000);

/** A caller that speaks the wire by hand. */
async function rawCaller(address: string, properties: () => Properties = unum) {
  const frames: Uint8Array[] = [];
  const ticks: Uint8Array[] = [];
  const events: string[] = [];
  const socket: DealerSocket = keep(
    new DealerSocket(
      { env, properties, backoff: { firstMs: 60_000, mostMs: 60_000 } },
      {
        message: ([first]) => {
          if (first?.[0] === FRAME.tick) {
            ticks.push(first);
            socket.send([frame(FRAME.tock, readNumber(first, 1), nowUs())]);
          } else if (first !== undefined) frames.push(Buffer.from(first));
        },
        connected: () => events.push("connected"),
        refused: (fault) => events.push(`refused: ${fault.message}`),
        disconnected: (fault) => events.push(`disconnected: ${fault.message}`),
      },
    ),
  );
  socket.connect(pathOf(address));
  await eventually(() => events.length > 0, "an answer to the handshake");
  return {
    socket,
    frames,
    ticks,
    events,
    ended: () => eventually(() => events.length > 1, "the end of the connection"),
  };
}

/** A listener that speaks the wire by hand. */
async function rawListener(
  onFrame: (frame: Uint8Array, answer: (frame: Uint8Array) => void) => void,
  properties = unum,
) {
  const address = newAddress();
  const socket = keep(
    new RouterSocket(
      { env, properties },
      { message: (peer, [first]) => void (first !== undefined && onFrame(first, (bytes) => peer.send([bytes]))) },
    ),
  );
  await socket.listen(pathOf(address));
  return { address, socket };
}

describe("the zmtp transport", () => {
  after(async () => {
    await Promise.all(opened.map((each) => each.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  describe("at the handshake", () => {
    it("refuses a plain ZeroMQ peer, tells it why, and counts it", { timeout: LONG_MS }, async () => {
      const own = transport();
      const { address } = await listen(own, echo);
      const raw = await rawCaller(address, () => new Map());
      assert.match(raw.events[0] ?? "", /plain ZeroMQ peer cannot speak/);
      const theirs = keep(new Dealer({ linger: 0, reconnectInterval: 60_000 }));
      theirs.connect(address);
      await eventually(() => own.stats().refused["no-wire"] === 2, "libzmq's DEALER was refused");
    });

    it("refuses another wire version, whichever side has it", { timeout: LONG_MS }, async () => {
      const newer = () => new Map(unum()).set("X-Unum-Wire", textBytes("99"));
      const own = transport();
      const { address } = await listen(own, echo);
      const raw = await rawCaller(address, newer);
      assert.match(raw.events[0] ?? "", /wire version 99; this side speaks 2/);
      assert.equal(own.stats().refused["wire-version"], 1);
      const { address: other } = await rawListener(() => {}, newer);
      const reply = sent(own, other, call());
      await assert.rejects(reply, { code: "undeliverable", message: /wire version 99/ });
      assert.equal(own.stats().refused["wire-version"], 2);
    });

    it("refuses a window that is none", { timeout: LONG_MS }, async () => {
      const own = transport();
      const { address } = await listen(own, echo);
      for (const window of ["0", "-1", "1e9", "99999999999999999"]) {
        const raw = await rawCaller(address, () => new Map(unum()).set("X-Unum-Window-Bytes", textBytes(window)));
        assert.match(raw.events[0] ?? "", /whole numbers above zero/);
      }
      assert.equal(own.stats().refused["bad-window"], 4);
    });
  });

  describe("with credit", () => {
    it("sends what fits and keeps the rest in order, whatever the sizes", { timeout: LONG_MS }, async () => {
      const at = transport({ windowMessages: 64, windowBytes: 1_000 });
      const order: number[] = [];
      const { address } = await listen(at, (request) => {
        order.push(request.id);
        return echo(request);
      });
      const from = transport({ windowMessages: 3, windowBytes: 500 });
      await sent(from, address, call());
      order.length = 0;
      const requests = Array.from({ length: 300 }, (_, i) => call({ value: new Uint8Array((i * 37) % 2_000) }));
      const replies = await Promise.all(requests.map((request) => sent(from, address, request)));
      assert.deepEqual(
        order,
        requests.map(({ id }) => id),
      );
      assert.deepEqual(
        replies.map(({ value }) => (value as Uint8Array).length),
        requests.map(({ value }) => (value as Uint8Array).length),
      );
    });

    it("lets no small call overtake a large one that waits", { timeout: LONG_MS }, async () => {
      const sizes: number[] = [];
      let answer: (bytes: Uint8Array) => void = () => {};
      const { address } = await rawListener((bytes, reply) => {
        if (bytes[0] === FRAME.request) sizes.push(Math.round(bytes.length / 10_000));
        answer = reply;
      });
      const from = transport();
      sent(from, address, call({ value: new Uint8Array(90_000) }));
      await eventually(() => sizes.length === 1, "the first was sent");
      sent(from, address, call({ value: new Uint8Array(50_000) }));
      sent(from, address, call({ value: new Uint8Array(1) }));
      sent(from, address, call({ value: new Uint8Array(20_000) }));
      answer(frame(FRAME.credit, 1, 90_000));
      await eventually(() => sizes.length === 4, "the others were sent");
      assert.deepEqual(sizes, [9, 5, 0, 2]);
    });

    it("keeps no more under way than the other side takes, and refuses at once what its queue cannot hold", {
      timeout: LONG_MS,
    }, async () => {
      let got = 0;
      const { address } = await rawListener((bytes) => void (bytes[0] === FRAME.request && got++));
      const from = transport({ queueMessages: 5 });
      const replies = Array.from({ length: 20 }, () => sent(from, address, call()));
      const codes = await Promise.all(replies.slice(13).map(codeOf));
      assert.deepEqual(codes, Array(7).fill("overloaded"));
      // Before the connection stands, all of them wait; so only five were taken at all.
      await eventually(() => got === 5, "the queue was sent");
      const more = Array.from({ length: 20 }, () => sent(from, address, call()));
      assert.deepEqual(await Promise.all(more.slice(8).map(codeOf)), Array(12).fill("overloaded"));
      await eventually(() => got === WINDOW.messages, "the window is full");
      assert.equal(from.stats().overloaded, 15 + 12);
    });

    it("has room again for what was taken back", { timeout: LONG_MS }, async () => {
      let got = 0;
      const { address } = await rawListener((bytes) => void (bytes[0] === FRAME.request && got++));
      const from = transport({ queueBytes: 10_000 });
      for (let i = 0; i < WINDOW.messages; i++) sent(from, address, call());
      await eventually(() => got === WINDOW.messages, "the window is full");
      sent(from, address, call());
      const value = new Uint8Array(6_000);
      for (let i = 0; i < 10; i++) {
        const request = call({ value });
        const reply = sent(from, address, request);
        assert.equal(await codeOf(sent(from, address, call({ value }))), "overloaded");
        await sent(from, address, cancelOf(request));
        reply.catch(() => assert.fail("it had its place"));
      }
    });

    it("does not send what expired while it waited", { timeout: LONG_MS }, async () => {
      let got = 0;
      let answer: (bytes: Uint8Array) => void = () => {};
      const { address } = await rawListener((bytes, reply) => {
        if (bytes[0] === FRAME.request) got++;
        answer = reply;
      });
      const from = transport();
      for (let i = 0; i < WINDOW.messages; i++) sent(from, address, call());
      const late = sent(from, address, call({ deadline: env.clock.now() + 30 }));
      await eventually(() => got === WINDOW.messages, "the window is full");
      await new Promise<void>((resolve) => env.clock.after(40, resolve));
      answer(frame(FRAME.credit, 4, 0));
      assert.equal(await codeOf(late), "expired");
      assert.equal(got, WINDOW.messages);
    });

    it("tells the time to live that is left when it is sent, not when it was asked for", {
      timeout: LONG_MS,
    }, async () => {
      const got: Envelope[] = [];
      let answer: (bytes: Uint8Array) => void = () => {};
      const { address } = await rawListener((bytes, reply) => {
        if (bytes[0] === FRAME.request) got.push(decodeEnvelope(bytes.subarray(HEAD_BYTES), 0));
        answer = reply;
      });
      const from = transport();
      for (let i = 0; i < WINDOW.messages; i++) sent(from, address, call());
      sent(from, address, call({ deadline: env.clock.now() + 10_000 }));
      await eventually(() => got.length === WINDOW.messages, "the window is full");
      await new Promise<void>((resolve) => env.clock.after(100, resolve));
      answer(frame(FRAME.credit, 4, 0));
      await eventually(() => got.length > WINDOW.messages, "the last was sent");
      const left = got.at(-1)?.deadline ?? 0;
      assert.ok(left > 0 && left <= 9_900, `${left} ms left`);
    });

    it("cuts off a caller that gives back more than it was sent", { timeout: LONG_MS }, async () => {
      const at = transport();
      const { address } = await listen(at, echo);
      const raw = await rawCaller(address);
      raw.socket.send([frame(FRAME.credit, 1, 0)]);
      await raw.ended();
      assert.equal(at.stats().ended["malformed"], 1);
    });

    const bigReplies = (taken: () => void): Receive => {
      return async (request) => {
        taken();
        const reply = replyTo(request);
        reply.value = new Uint8Array(30_000);
        return reply;
      };
    };
    const ask = (raw: Awaited<ReturnType<typeof rawCaller>>, count: number) => {
      const encoded = encodeEnvelope(call(), env.clock.now());
      for (let i = 1; i <= count; i++) raw.socket.send([frame(FRAME.request, nowUs(), i, encoded)]);
    };

    it("gives no further credit to a caller that takes no replies, and cuts off one that goes on without", {
      timeout: LONG_MS,
    }, async () => {
      const at = transport({ windowMessages: 4, windowBytes: 10_000 });
      let taken = 0;
      const { address } = await listen(
        at,
        bigReplies(() => taken++),
      );
      const raw = await rawCaller(address);
      // It has room for 100,000 bytes and never says that it took them: three replies go out, and one waits.
      ask(raw, 4);
      await eventually(() => raw.frames.filter((each) => each[0] === FRAME.reply).length === 3, "three replies");
      assert.deepEqual(raw.events, ["connected"]);
      const given = raw.frames
        .filter((each) => each[0] === FRAME.credit)
        .reduce((sum, each) => sum + readNumber(each, 1), 0);
      ask(raw, given + 1);
      await raw.ended();
      assert.equal(taken, 4 + given);
      assert.equal(at.stats().ended["malformed"], 1);
    });

    it("cuts off a caller whose replies that wait take too much", { timeout: LONG_MS }, async () => {
      const at = transport({ replyBytes: 200_000 });
      const { address } = await listen(
        at,
        bigReplies(() => {}),
      );
      const raw = await rawCaller(address);
      ask(raw, 20);
      await raw.ended();
      assert.equal(at.stats().ended["too-many-bytes"], 1);
      assert.ok(at.stats().lostReplies > 0);
    });
  });

  describe("with what a broken peer sends", () => {
    const bad: [string, Uint8Array][] = [
      ["an empty frame", new Uint8Array(0)],
      ["an unknown type", new Uint8Array([99, 1, 2, 3])],
      ["a request that is too short", new Uint8Array([FRAME.request, 1, 2, 3])],
      ["a reply, to a listener", frame(FRAME.reply, 0, 1)],
      ["a refusal, to a listener", frame(FRAME.refusal, 0, 1)],
      ["a CREDIT of the wrong length", new Uint8Array([FRAME.credit, 1])],
      ["an envelope without id", frame(FRAME.request, 0, 1, new Uint8Array([255, 255, 255]))],
      ["a CANCEL that cannot be read", frame(FRAME.cancel, 0, 0, new Uint8Array([8]))],
    ];
    for (const [what, bytes] of bad) {
      it(`ends that connection and no other: ${what}`, { timeout: LONG_MS }, async () => {
        const at = transport();
        const { address } = await listen(at, echo);
        const good = transport();
        await sent(good, address, call());
        const raw = await rawCaller(address);
        assert.deepEqual(raw.events, ["connected"]);
        raw.socket.send([bytes]);
        await raw.ended();
        assert.equal(at.stats().garbage, 1);
        await sent(good, address, call());
        assert.equal(good.stats().dialled, 1);
        assert.deepEqual(good.stats().ended, {});
      });
    }

    it("answers a request that cannot be read, where it says which it is", { timeout: LONG_MS }, async () => {
      const at = transport();
      const { address } = await listen(at, echo);
      const raw = await rawCaller(address);
      const broken = Buffer.concat([encodeEnvelope(call({ id: 77 }), env.clock.now()), new Uint8Array([255])]);
      raw.socket.send([frame(FRAME.request, nowUs(), 5, broken)]);
      await eventually(() => raw.frames.length === 1, "an answer");
      assert.equal(raw.frames[0]?.[0], FRAME.refusal);
      assert.equal(readNumber(raw.frames[0] ?? new Uint8Array(17), 9), 5);
      assert.deepEqual(raw.events, ["connected"]);
    });

    it("drops and counts replies that come twice or to nobody", { timeout: LONG_MS }, async () => {
      const { address } = await rawListener((bytes, answer) => {
        if (bytes[0] !== FRAME.request) return;
        const sequence = readNumber(bytes, 9);
        const reply = encodeEnvelope(replyTo(call({ id: 4242 })), env.clock.now());
        for (const number of [sequence, sequence, 12_345]) answer(frame(FRAME.reply, nowUs(), number, reply));
      });
      const from = transport();
      const reply = await sent(from, address, call({ id: 4242 }));
      assert.equal(reply.id, 4242);
      await eventually(() => from.stats().lateReplies === 2, "both were counted");
    });

    it("rejects the call whose reply cannot be read as unknown", { timeout: LONG_MS }, async () => {
      const { address } = await rawListener((bytes, answer) => {
        if (bytes[0] === FRAME.request)
          answer(frame(FRAME.reply, nowUs(), readNumber(bytes, 9), new Uint8Array([255])));
      });
      assert.equal(await codeOf(sent(transport(), address, call())), "unknown");
    });

    it("answers questions about its clock and survives answers to none", { timeout: LONG_MS }, async () => {
      const at = transport();
      const { address } = await listen(at, echo);
      const raw = await rawCaller(address);
      const tick = new Uint8Array(9);
      tick.set([FRAME.tick, 7, 0, 0, 0, 0, 0, 0, 0]);
      raw.socket.send([frame(FRAME.tock, 1, 2)]);
      raw.socket.send([tick]);
      await eventually(() => raw.frames.length === 1, "a TOCK");
      const tock = raw.frames[0] ?? new Uint8Array(17);
      assert.deepEqual([tock[0], readNumber(tock, 1)], [FRAME.tock, 7]);
      assert.ok(Math.abs(readNumber(tock, 9) - nowUs()) < 5_000_000);
    });
  });

  describe("with time", () => {
    it("refuses as expired what was sent so long ago that its time to live is over", { timeout: LONG_MS }, async () => {
      const at = transport();
      let started = 0;
      const { address } = await listen(at, (request) => {
        started++;
        return echo(request);
      });
      const raw = await rawCaller(address);
      const encoded = (ttlMs: number) => encodeEnvelope(call({ deadline: env.clock.now() + ttlMs }), env.clock.now());
      raw.socket.send([frame(FRAME.request, nowUs() - 100_000, 1, encoded(50))]);
      raw.socket.send([frame(FRAME.request, nowUs() - 100_000, 2, encoded(60_000))]);
      await eventually(() => raw.frames.length === 2, "two answers");
      assert.deepEqual(
        raw.frames.map((each) => [each[0], readNumber(each, 9)]),
        [
          [FRAME.refusal, 1],
          [FRAME.reply, 2],
        ],
      );
      assert.equal(started, 1);
      assert.equal(at.stats().stale, 1);
    });

    it("asks a caller's clock while calls come, and not while none do", { timeout: LONG_MS }, async () => {
      const { address } = await listen(transport(), echo);
      const [busy, idle] = [await rawCaller(address), await rawCaller(address)];
      let over = false;
      const keepCalling = () => {
        if (over) return;
        busy.socket.send([frame(FRAME.request, nowUs(), 1, encodeEnvelope(call(), env.clock.now()))]);
        env.clock.after(300, keepCalling);
      };
      keepCalling();
      await eventually(() => busy.ticks.length === 3, "a TICK at first, and one a second");
      over = true;
      assert.equal(idle.ticks.length, 1);
    });

    it("forgets calls past their deadline though nobody withdraws them", { timeout: LONG_MS }, async () => {
      const { address } = await listen(transport(), () => new Promise(() => {}));
      const from = transport();
      assert.equal(await codeOf(sent(from, address, call({ deadline: env.clock.now() + 50 }))), "unknown");
    });

    it("ends a connection that was idle for long, and makes a new one when it is needed", {
      timeout: LONG_MS,
    }, async () => {
      const { address } = await listen(transport(), echo);
      const from = transport({ idleMs: 100 });
      await sent(from, address, call());
      assert.equal(from.stats().dialled, 1);
      await eventually(() => from.stats().dialled === 0, "the idle connection ended");
      await sent(from, address, call());
      assert.equal(from.stats().dialled, 1);
    });
  });

  describe("when the other side has ended", () => {
    /** Timers that run, on the system's clock. */
    function countedTimers() {
      const running = new Set<object>();
      const counted = (start: (fire: () => void) => Timer, fire: () => void): Timer => {
        const timer = start(() => {
          running.delete(own);
          fire();
        });
        const own: Timer = {
          cancel: () => {
            running.delete(own);
            timer.cancel();
          },
        };
        running.add(own);
        return own;
      };
      const clock: Clock = {
        now: () => env.clock.now(),
        wallNow: () => env.clock.wallNow(),
        soon: (fire) => env.clock.soon(fire),
        after: (ms, fire) => counted((own) => env.clock.after(ms, own), fire),
        at: (deadline, fire) => counted((own) => env.clock.at(deadline, own), fire),
      };
      return { clock, running };
    }

    it("keeps nothing of its link, however it ended, nor of one to an address where nobody was", {
      timeout: LONG_MS,
    }, async () => {
      const { clock, running } = countedTimers();
      const from = keep(zmtpTransport({ env: { ...env, clock }, limits: { idleMs: 3_600_000 } }));
      const [drains, killed] = [transport(), transport()];
      const drained = await listen(drains, echo);
      const { address } = await listen(killed, echo);
      await sent(from, drained.address, call());
      await sent(from, address, call());
      assert.equal(await codeOf(sent(from, newAddress(), call())), "undeliverable");
      assert.ok(running.size >= 3, "each of the three links has its timer");
      await Promise.all([drained.close(), killed.close()]);
      await eventually(() => running.size === 0, "no timer of theirs runs");
      const again = await listen(transport(), echo, address);
      await sent(from, again.address, call());
    });
  });

  describe("when the connection is lost", () => {
    /** The system's network, whose streams can be cut and whose connects can be made to fail. */
    function shakyNetwork() {
      const streams: ByteStream[] = [];
      const failures: string[] = [];
      const connect: Network["connect"] = async (to, timeoutMs) => {
        const code = failures.shift();
        if (code !== undefined) {
          throw new Fault("undeliverable", `no way (${code})`, { cause: Object.assign(new Error(code), { code }) });
        }
        const stream = await env.network.connect(to, timeoutMs);
        streams.push(stream);
        return stream;
      };
      const network: Network = { listen: env.network.listen, connect };
      const cut = () => {
        for (const stream of streams.splice(0)) stream.destroy();
      };
      return { network, failures, cut };
    }

    it("keeps calls that were not sent while the network may come back, and sends them when it does", {
      timeout: LONG_MS,
    }, async () => {
      const { network, failures, cut } = shakyNetwork();
      const { address } = await listen(transport(), echo);
      const from = keep(zmtpTransport({ env: { ...env, network } }));
      await sent(from, address, call());
      failures.push("ETIMEDOUT", "EHOSTUNREACH", "ETIMEDOUT");
      cut();
      await eventually(() => from.stats().dialled === 0, "the loss was noticed");
      const replies = await Promise.all(Array.from({ length: 10 }, () => sent(from, address, call())));
      assert.equal(replies.length, 10);
      assert.equal(failures.length, 0);
    });

    it("fails them at once where somebody says that nobody is there", { timeout: LONG_MS }, async () => {
      const { network, failures, cut } = shakyNetwork();
      const { address } = await listen(transport(), echo);
      const from = keep(zmtpTransport({ env: { ...env, network } }));
      await sent(from, address, call());
      failures.push("ECONNREFUSED");
      cut();
      await eventually(() => from.stats().dialled === 0, "the loss was noticed");
      assert.equal(await codeOf(sent(from, address, call())), "undeliverable");
      await eventually(() => failures.length === 0, "it was asked once");
    });

    it("does not ask again and again for each call while nobody is there", { timeout: LONG_MS }, async () => {
      let asked = 0;
      const connect: Network["connect"] = async () => {
        asked++;
        throw new Fault("undeliverable", "nobody");
      };
      const from = keep(zmtpTransport({ env: { ...env, network: { listen: env.network.listen, connect } } }));
      for (let i = 0; i < 1_000; i++) assert.equal(await codeOf(sent(from, newAddressOnce, call())), "undeliverable");
      assert.ok(asked <= 20, `asked ${asked} times`);
    });
  });

  it("sends a call that had to wait as it was when it was made", { timeout: LONG_MS }, async () => {
    const got: string[] = [];
    const { address } = await listen(transport(), async (request) => {
      if (request.value !== undefined) got.push(bodyMessage(request.value, PingReplySchema).container);
      return replyTo(request);
    });
    const message = create(PingReplySchema, { container: "before" });
    const reply = sent(transport(), address, call({ value: { schema: PingReplySchema, message } }));
    message.container = "after";
    await reply;
    assert.deepEqual(got, ["before"]);
  });

  describe("with CANCEL", () => {
    it("takes back what was not sent, and tells the other side of what was", { timeout: LONG_MS }, async () => {
      const types: number[] = [];
      const { address } = await rawListener((bytes) => void types.push(bytes[0] ?? -1));
      const from = transport({ queueMessages: 100 });
      const requests = Array.from({ length: WINDOW.messages + 2 }, () => call());
      for (const request of requests) sent(from, address, request);
      await eventually(() => types.length === WINDOW.messages, "the window is full");
      for (const request of requests) await sent(from, address, cancelOf(request));
      await eventually(() => types.length === WINDOW.messages * 2, "a CANCEL for each that was sent");
      assert.equal(types.filter((type) => type === FRAME.cancel).length, WINDOW.messages);
      assert.equal(from.stats().cancelsSent, WINDOW.messages);
    });
  });

  describe("while a listener drains", () => {
    it("loses no call, however many come in between", { timeout: LONG_MS }, async () => {
      for (let round = 0; round < 20; round++) {
        const at = transport();
        let started = 0;
        const listener = await listen(at, async (request) => {
          started++;
          await new Promise<void>((resolve) => env.clock.soon(resolve));
          return replyTo(request);
        });
        const from = transport();
        const codes = new Map<string, number>();
        let stop = false;
        const calling = Array.from({ length: 20 }, async () => {
          while (!stop) {
            const outcome = await sent(from, listener.address, call()).then(
              () => "ok",
              (fault: Fault) => fault.code,
            );
            codes.set(outcome, (codes.get(outcome) ?? 0) + 1);
            if (outcome !== "ok") await new Promise<void>((resolve) => env.clock.after(1, resolve));
          }
        });
        await eventually(() => started > 200, "calls are under way");
        await listener.close();
        stop = true;
        await Promise.all(calling);
        assert.deepEqual([...codes.keys()].sort(), ["ok", "undeliverable"]);
        assert.equal(codes.get("ok"), started);
        await from.close();
      }
    });

    it("does not wait for ever for a caller that says nothing, nor for a call that never ends", {
      timeout: LONG_MS,
    }, async () => {
      const at = transport({ farewellMs: 20 });
      const listener = await listen(at, () => new Promise(() => {}));
      const raw = await rawCaller(listener.address);
      const request = encodeEnvelope(call({ deadline: env.clock.now() + 100 }), env.clock.now());
      raw.socket.send([frame(FRAME.request, nowUs(), 1, request)]);
      await eventually(() => at.stats().requestsReceived === 1, "it was taken");
      await listener.close();
    });
  });
});
