import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "../base/clock.ts";
import type { ByteStream } from "../base/network.ts";
import { ProcessClock } from "../testing/process-clock.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { encodePing } from "./commands.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { FrameWriter } from "./frame-writer.ts";
import { greeting } from "./greeting.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import type { ZmtpFault } from "./zmtp-fault.ts";

const nothing = (): void => {};

/** One end of a stream in memory; its bytes arrive after a millisecond. */
class MemoryStream implements ByteStream {
  onData: (bytes: Uint8Array) => void = nothing;
  onDrain: () => void = nothing;
  onClose: (cause: Error | undefined) => void = nothing;
  readonly peer = "memory";
  other: MemoryStream | undefined;
  buffered = 0;
  /** The other side reads nothing. */
  stuck = false;
  /** Nothing comes through any more, and nobody is told. */
  cut = false;
  writes: Uint8Array[] = [];
  closed = false;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  write(bytes: Uint8Array): boolean {
    this.writes.push(bytes);
    if (this.stuck) {
      this.buffered += bytes.length;
      return false;
    }
    this.#clock.after(1, () => {
      // What was under way when its sender destroyed the stream is lost.
      if (!this.cut && !this.closed && this.other?.closed === false) this.other.onData(bytes);
    });
    return true;
  }

  pause(): void {}
  resume(): void {}

  end(): void {
    this.#clock.after(2, () => this.destroy());
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.#clock.after(1, () => {
      this.onClose(undefined);
      if (!this.cut) this.other?.destroy();
    });
  }
}

/** `clockOfTwo`: what the first writes arrives by it. */
function pair(clock: Clock, clockOfTwo = clock): [MemoryStream, MemoryStream] {
  const one = new MemoryStream(clockOfTwo);
  const two = new MemoryStream(clock);
  one.other = two;
  two.other = one;
  return [one, two];
}

function options(clock: Clock, set: Partial<ConnectionOptions> = {}): ConnectionOptions {
  return {
    socketType: "DEALER",
    role: "dials",
    clock,
    limits: DEFAULT_LIMITS,
    heartbeat: { intervalMs: 100, timeoutMs: 500 },
    ...set,
  };
}

function connect(stream: ByteStream, set: ConnectionOptions) {
  const seen = { messages: [] as string[], closed: [] as ZmtpFault[], released: 0, drained: 0 };
  const connection = new Connection(stream, set, {
    ready: nothing,
    message: (parts) => seen.messages.push(Buffer.concat(parts).toString()),
    closed: (fault) => seen.closed.push(fault),
    released: () => seen.released++,
    drained: () => seen.drained++,
  });
  return { connection, seen };
}

async function two(set: Partial<ConnectionOptions> = {}) {
  const clock = new VirtualClock();
  const streams = pair(clock);
  const dealer = connect(streams[0], options(clock, set));
  const router = connect(streams[1], options(clock, { socketType: "ROUTER", role: "accepts", ...set }));
  await clock.advance(10);
  assert.ok(dealer.connection.open && router.connection.open);
  return { clock, streams, dealer, router };
}

/** For tests that write the peer's bytes themselves. */
const SILENT = { heartbeat: { intervalMs: 0, timeoutMs: 0 } };

describe("a ZMTP connection", () => {
  it("gathers what one turn sends into one write", async () => {
    const { clock, streams, dealer, router } = await two();
    const before = streams[0].writes.length;
    for (let i = 0; i < 100; i++) dealer.connection.send([Buffer.from(`m${i}`)]);
    await clock.advance(5);
    assert.equal(streams[0].writes.length, before + 1);
    assert.equal(router.seen.messages.length, 100);
  });

  it("stays while both sides only ping each other", async () => {
    const { clock, dealer, router } = await two();
    await clock.advance(60_000);
    assert.ok(dealer.connection.open && router.connection.open);
  });

  it("ends on both sides when nothing comes through any more", async () => {
    const { clock, streams, dealer, router } = await two();
    streams[0].cut = true;
    streams[1].cut = true;
    await clock.advance(450);
    assert.ok(dealer.connection.open);
    await clock.advance(300);
    assert.equal(dealer.seen.closed[0]?.reason, "heartbeat-timeout");
    assert.equal(router.seen.closed[0]?.reason, "heartbeat-timeout");
    await clock.advance(10);
    assert.equal(dealer.seen.released, 1);
  });

  it("stays through a silence that was announced, and no longer than that", async () => {
    const { clock, streams, dealer } = await two();
    streams[0].cut = true;
    streams[1].cut = true;
    dealer.connection.peerMayBeSilentUntil(clock.now() + 5_000);
    await clock.advance(4_900);
    assert.ok(dealer.connection.open);
    await clock.advance(300);
    assert.equal(dealer.seen.closed[0]?.reason, "heartbeat-timeout");
  });

  it("keeps what came while this side stood still as it had said, and drops it where it had not", async () => {
    for (const announced of [true, false]) {
      const clock = new VirtualClock();
      const stopped = new ProcessClock(clock);
      // What the dealer writes reaches the router in the router's own turns.
      const streams = pair(clock, stopped);
      const dealer = connect(streams[0], options(clock));
      const router = connect(streams[1], options(stopped, { socketType: "ROUTER", role: "accepts" }));
      await clock.advance(10);
      dealer.connection.peerMayBeSilentUntil(clock.now() + 5_000);
      if (announced) router.connection.mayStandStillUntil(clock.now() + 5_000);
      stopped.pause();
      await clock.advance(1_000);
      dealer.connection.send([Buffer.from("meanwhile")]);
      await clock.advance(2_000);
      stopped.resume();
      await clock.advance(200);
      assert.deepEqual(router.seen.messages, announced ? ["meanwhile"] : []);
      assert.equal(router.connection.open, announced);
    }
  });

  it("without heartbeats of its own keeps to the patience a peer's ping asks for", async () => {
    const { clock, streams, router } = await two(SILENT);
    const ping: Uint8Array[] = [];
    const writer = new FrameWriter((bytes) => ping.push(bytes));
    writer.command(encodePing(3_000, new Uint8Array(0)));
    writer.flush();
    await clock.advance(60_000);
    assert.ok(router.connection.open);
    streams[0].write(Buffer.concat(ping));
    await clock.advance(2_500);
    assert.ok(router.connection.open);
    await clock.advance(2_000);
    assert.equal(router.seen.closed[0]?.reason, "heartbeat-timeout");
  });

  it("ends when the handshake takes too long, even one byte at a time", async () => {
    const clock = new VirtualClock();
    const [silent, router] = pair(clock);
    const { seen } = connect(router, options(clock, { role: "accepts", socketType: "ROUTER" }));
    for (const byte of greeting()) {
      await clock.advance(300);
      silent.write(new Uint8Array([byte]));
    }
    assert.deepEqual(
      seen.closed.map((fault) => fault.reason),
      ["handshake-timeout"],
    );
    assert.ok(router.closed);
  });

  it("ends when one message takes too long, however steadily its bytes come", async () => {
    const { clock, streams, router } = await two(SILENT);
    streams[0].write(new Uint8Array([2, 0, 0, 0, 0, 0, 1, 0, 0]));
    for (let second = 0; second < 40 && router.connection.open; second++) {
      streams[0].write(new Uint8Array([7]));
      await clock.advance(1_000);
    }
    assert.equal(router.seen.closed[0]?.reason, "message-timeout");
  });

  it("does not mind many messages none of which takes too long", async () => {
    const { clock, streams, router } = await two(SILENT);
    for (let second = 0; second < 60; second++) {
      streams[0].write(new Uint8Array([0, 2, 7]));
      await clock.advance(500);
      streams[0].write(new Uint8Array([7, 0, 2, 7]));
      await clock.advance(500);
      streams[0].write(new Uint8Array([7]));
    }
    assert.ok(router.connection.open);
  });

  it("ends, unread bytes with it, when this process stood still for longer than the peer's patience", async () => {
    const clock = new VirtualClock();
    let ahead = 0;
    const own = {
      now: () => clock.now() + ahead,
      wallNow: () => 0,
      after: clock.after.bind(clock),
      at: clock.at.bind(clock),
      soon: clock.soon.bind(clock),
    };
    const [one, other] = pair(clock);
    const dealer = connect(one, options(clock));
    const router = connect(other, options(clock, { socketType: "ROUTER", role: "accepts", clock: own }));
    await clock.advance(10);
    dealer.connection.send([Buffer.from("stale")]);
    clock.soon(() => (ahead = 700)); // what a SIGSTOP looks like from inside: time is later all of a sudden
    await clock.advance(5);
    assert.deepEqual(router.seen.messages, []);
    assert.equal(router.seen.closed[0]?.reason, "paused");
  });

  it("tells a peer why it is refused before it closes", async () => {
    const clock = new VirtualClock();
    const [one, other] = pair(clock);
    const dealer = connect(one, options(clock));
    const router = connect(
      other,
      options(clock, { socketType: "ROUTER", role: "accepts", refusal: () => "not today" }),
    );
    await clock.advance(5_000);
    assert.equal(router.seen.closed[0]?.reason, "refused");
    assert.equal(dealer.seen.closed[0]?.reason, "peer-refused");
    assert.match(dealer.seen.closed[0]?.message ?? "", /not today/);
    assert.equal(router.seen.released, 1);
  });

  it("sends what was sent before it ends", async () => {
    const { clock, dealer, router } = await two();
    dealer.connection.send([Buffer.from("last words")]);
    dealer.connection.end();
    await clock.advance(10);
    assert.deepEqual(router.seen.messages, ["last words"]);
    assert.equal(dealer.seen.closed[0]?.reason, "closed");
    assert.equal(router.seen.closed[0]?.reason, "lost");
  });

  it("holds no answers for a peer that pings and never reads", async () => {
    const { clock, streams, router } = await two(SILENT);
    streams[1].stuck = true;
    const pings: Uint8Array[] = [];
    const writer = new FrameWriter((bytes) => pings.push(bytes));
    for (let i = 0; i < 10; i++) writer.command(encodePing(0, new Uint8Array(16)));
    writer.flush();
    for (let i = 0; i < 10_000; i++) {
      streams[0].write(Buffer.concat(pings));
      await clock.advance(2);
    }
    assert.ok(router.connection.buffered < 1_000, `${router.connection.buffered} bytes held`);
  });

  it("says when it can take more again", async () => {
    const { clock, streams, dealer } = await two(SILENT);
    streams[0].stuck = true;
    dealer.connection.send([new Uint8Array(10)]);
    await clock.advance(1);
    assert.equal(dealer.connection.writable, false);
    streams[0].stuck = false;
    streams[0].onDrain();
    assert.equal(dealer.connection.writable, true);
    assert.equal(dealer.seen.drained, 1);
  });
});
