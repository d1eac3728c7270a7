// Bad input at real sockets: who sends it is closed, memory stays bounded, and good callers are answered meanwhile.

import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Fault } from "../../base/fault.ts";
import type { ByteStream, Endpoint, TlsSettings } from "../../base/network.ts";
import { envelope, Kind, replyTo } from "../../messages/envelope.ts";
import { systemEnv } from "../../system/env.ts";
import { Engine } from "../../zmtp/index.ts";
import { parseAddress } from "./address.ts";
import { testCertificates } from "./certificates.test.ts";
import { introduction } from "./handshake.ts";
import { DEFAULT_TRANSPORT_LIMITS, zmtpLimits } from "./settings.ts";
import { zmtpTransport } from "./zmtp.ts";

const LONG_MS = 600_000;
/** Short, so that what is closed by time is closed in the test's time. */
const LIMITS = { handshakeMs: 2_000, messageMs: 1_000, heartbeatMs: 250, silenceMs: 60_000 };
const CROWD = 2_000;
/** What two thousand strangers may cost. Measured: 20 to 90 MB, with TLS the most. */
const MEMORY_MB = 400;

const env = systemEnv();

/** The process under attack: answers calls at three addresses, and says what memory it takes. */
async function serve(folder: string, tls: TlsSettings): Promise<void> {
  const transport = zmtpTransport({ env, tls, limits: LIMITS });
  const addresses: string[] = [];
  for (const at of [`ipc://${folder}/u.sock`, "tcp://127.0.0.1:0", "tls://127.0.0.1:0"]) {
    const listener = await transport.listen(at, async (request) => {
      const reply = replyTo(request);
      reply.value = request.value;
      return reply;
    });
    addresses.push(listener?.address ?? "");
  }
  let peakMb = 0;
  const look = () => {
    peakMb = Math.max(peakMb, process.memoryUsage.rss() / 2 ** 20);
    env.clock.after(20, look);
  };
  look();
  process.on("message", (question) => {
    if (question === "reset") peakMb = 0;
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    process.send?.({ peakMb, rssMb: rss / 2 ** 20, heldMb: (heapUsed + external) / 2 ** 20, stats: transport.stats() });
  });
  process.send?.(addresses);
}

interface Answer {
  readonly peakMb: number;
  readonly rssMb: number;
  /** What JavaScript holds after a collection; unlike resident memory it goes back at once. */
  readonly heldMb: number;
  readonly stats: {
    readonly accepted: number;
    readonly refused: Record<string, number>;
    readonly ended: Record<string, number>;
  };
}

function suite(): void {
  const tls = testCertificates();
  const folder = mkdtempSync(path.join(tmpdir(), "unum-"));
  let child: ChildProcess;
  let addresses: string[] = [];
  let heldAtFirstMb = 0;

  before(async () => {
    child = fork(fileURLToPath(import.meta.url), ["serve", folder, JSON.stringify(tls)], { execArgv: ["--expose-gc"] });
    const [got] = await once(child, "message");
    addresses = got;
    heldAtFirstMb = (await ask("reset")).heldMb;
  });

  after(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(question: "reset" | "tell"): Promise<Answer> {
    child.send(question);
    const [answer] = await once(child, "message");
    return answer;
  }

  /** Two good callers of each address, whose every call must be answered until `attack` has settled. */
  async function whileGoodPeersAreServed(what: string, attack: () => Promise<void>): Promise<void> {
    const before = await ask("reset");
    const good = zmtpTransport({ env, tls });
    let over = false;
    let calls = 0;
    let slowestMs = 0;
    const value = new Uint8Array(200);
    const calling = addresses
      .flatMap((address) => [address, address])
      .map(async (address, caller) => {
        // The last one begins when the attack is over.
        for (let id = 1, last = false; !last; id++) {
          last = over;
          const now = env.clock.now();
          const request = envelope({
            kind: Kind.CALL,
            id,
            from: [`good${caller}`],
            to: "t.v1.T/T",
            deadline: now + 30_000,
            value,
          });
          const reply = await good.send(address, request);
          assert.equal(reply?.id, id);
          calls++;
          slowestMs = Math.max(slowestMs, env.clock.now() - now);
          await new Promise<void>((resolve) => env.clock.after(1, resolve));
        }
      });
    const attacking = attack().finally(() => {
      over = true;
    });
    await Promise.all([attacking, ...calling]);
    assert.deepEqual(good.stats().ended, {}, "no good peer lost its connection");
    await good.close();
    const { peakMb, heldMb } = await ask("tell");
    const grewMb = peakMb - before.rssMb;
    console.log(
      `${what}: memory ${before.rssMb.toFixed(0)} MB before, ${peakMb.toFixed(0)} MB at most, ${heldMb.toFixed(0)} MB held after; ` +
        `${calls} good calls, the slowest ${slowestMs.toFixed(0)} ms`,
    );
    assert.ok(grewMb < MEMORY_MB, `memory grew by ${grewMb.toFixed(0)} MB`);
  }

  const endpoints = (): Endpoint[] => addresses.map((address) => parseAddress(address, tls));
  /** Without TLS where TLS is expected: what a stranger can do. */
  const plain = (at: Endpoint): Endpoint => (at.kind === "tls" ? { kind: "tcp", host: at.host, port: at.port } : at);

  /** Opens so many streams, does something with each, and settles when the other side has closed every one of them. */
  async function crowd(
    at: Endpoint,
    count: number,
    behave: (stream: ByteStream, index: number) => void,
  ): Promise<void> {
    const closed = Array.from({ length: count }, async (_, index) => {
      const stream = await env.network.connect(at, 30_000).catch((fault: Fault) => fault);
      // Dropped before it stood is closed, too.
      if (stream instanceof Error) return;
      await new Promise<void>((resolve) => {
        stream.onClose = () => resolve();
        behave(stream, index);
      });
    });
    await Promise.all(closed);
  }

  /** Speaks the handshake as a good caller does, and then something else. */
  function afterHandshake(stream: ByteStream, misbehave: () => void): void {
    const engine = new Engine(
      {
        socketType: "DEALER",
        role: "dials",
        limits: zmtpLimits(DEFAULT_TRANSPORT_LIMITS),
        properties: () => introduction({ name: "bad", window: { messages: 10, bytes: 1_000 }, clock: env.clock }),
      },
      {
        output: (bytes) => stream.write(bytes),
        ready: misbehave,
        message: () => {},
        pinged: (_ttlMs, context) => {
          engine.pong(context);
          engine.flush();
        },
        over: () => {},
      },
    );
    stream.onData = (bytes) => engine.push(bytes);
    engine.start();
  }

  /** Bytes nobody would take for anything, different for each index. */
  function garbage(index: number): Uint8Array {
    const bytes = new Uint8Array(1 + ((index * 37) % 500));
    for (let at = 0; at < bytes.length; at++) bytes[at] = (index * 7919 + at * 104_729) >>> 3;
    return bytes;
  }

  /** One byte each so often, until the other side has had enough. */
  function drip(stream: ByteStream, bytes: () => Uint8Array, everyMs: number): void {
    const closed = stream.onClose;
    let ended = false;
    stream.onClose = (cause) => {
      ended = true;
      closed(cause);
    };
    const next = () => {
      if (ended) return;
      stream.write(bytes());
      env.clock.after(everyMs, next);
    };
    next();
  }

  it(`${CROWD} silent connections at every socket`, { timeout: LONG_MS }, async () => {
    for (const at of endpoints()) {
      await whileGoodPeersAreServed(`${CROWD} silent at ${at.kind}`, () => crowd(plain(at), CROWD, () => {}));
    }
  });

  it(`${CROWD} connections with garbage at every socket`, { timeout: LONG_MS }, async () => {
    for (const at of endpoints()) {
      await whileGoodPeersAreServed(`${CROWD} with garbage at ${at.kind}`, () =>
        crowd(plain(at), CROWD, (stream, index) => stream.write(garbage(index))),
      );
    }
  });

  it("one byte at a time at every socket, before the handshake and inside a message", {
    timeout: LONG_MS,
  }, async () => {
    const greeting = new Uint8Array([255, 0, 0, 0, 0, 0, 0, 0, 1, 127, 3, 1, 78, 85, 76, 76]);
    for (const at of endpoints()) {
      await whileGoodPeersAreServed(`100 + 100 slow ones at ${at.kind}`, async () => {
        const early = crowd(plain(at), 100, (stream) => {
          let next = 0;
          drip(stream, () => greeting.subarray(next, ++next), 100);
        });
        const late = crowd(at, 100, (stream) =>
          afterHandshake(stream, () => {
            stream.write(new Uint8Array([2, 0, 0, 0, 0, 0, 1, 0, 0]));
            drip(stream, () => new Uint8Array(1), 100);
          }),
        );
        await Promise.all([early, late]);
      });
    }
  });

  const ZERO = new Uint8Array(0);
  const attacks: [string, (stream: ByteStream) => void][] = [
    ["a frame that announces 2^63 bytes", (stream) => stream.write(new Uint8Array([2, 128, 0, 0, 0, 0, 0, 0, 0]))],
    ["a command that announces 2^63 bytes", (stream) => stream.write(new Uint8Array([6, 128, 0, 0, 0, 0, 0, 0, 0]))],
    ["a message without end", (stream) => drip(stream, () => new Uint8Array([1, 1, 7]), 1)],
    [
      "a truncated message",
      (stream) => {
        stream.write(new Uint8Array([0, 200, 1, 2, 3]));
        stream.end();
      },
    ],
    ["frames of no type", (stream) => stream.write(new Uint8Array([0, 3, 99, 99, 99]))],
    ["garbage", (stream) => stream.write(new Uint8Array(1_000).fill(0xf8))],
    [
      "announcing 16 MiB, sending little",
      (stream) => {
        stream.write(new Uint8Array([2, 0, 0, 0, 0, 1, 0, 0, 0]));
        stream.write(new Uint8Array(10_000));
      },
    ],
  ];
  for (const [what, misbehave] of attacks) {
    it(`200 connections that after a good handshake send ${what}, at every socket`, { timeout: LONG_MS }, async () => {
      for (const at of endpoints()) {
        let shook = 0;
        await whileGoodPeersAreServed(`200 × ${what} at ${at.kind}`, () =>
          crowd(at, 200, (stream) =>
            afterHandshake(stream, () => {
              shook++;
              misbehave(stream);
            }),
          ),
        );
        assert.equal(shook, 200);
      }
    });
  }

  it("ends of the stream at every byte of the handshake", { timeout: LONG_MS }, async () => {
    const bytes: Uint8Array[] = [];
    const engine = new Engine(
      { socketType: "DEALER", role: "dials", limits: zmtpLimits(DEFAULT_TRANSPORT_LIMITS) },
      {
        output: (out) => bytes.push(Buffer.from(out)),
        ready: () => {},
        message: () => {},
        pinged: () => {},
        over: () => {},
      },
    );
    engine.start();
    engine.push(bytes[0] ?? ZERO);
    const whole = Buffer.concat(bytes);
    for (const at of endpoints()) {
      await whileGoodPeersAreServed(`a handshake cut at each of ${whole.length} bytes at ${at.kind}`, () =>
        crowd(at, whole.length, (stream, index) => {
          stream.write(whole.subarray(0, index));
          stream.end();
        }),
      );
    }
  });

  it("leaves nothing behind", { timeout: LONG_MS }, async () => {
    const { stats, heldMb } = await ask("tell");
    assert.equal(stats.accepted, 0);
    console.log(
      `held ${heldAtFirstMb.toFixed(0)} MB at first, ${heldMb.toFixed(0)} MB in the end; refused ${JSON.stringify(stats.refused)}; ended ${JSON.stringify(stats.ended)}`,
    );
    assert.ok(heldMb - heldAtFirstMb < 20, `${(heldMb - heldAtFirstMb).toFixed(0)} MB are still held`);
    assert.ok((stats.refused["not-zmtp"] ?? 0) > 0 && (stats.refused["handshake-timeout"] ?? 0) > 0);
  });
}

if (process.argv[2] === "serve") await serve(process.argv[3] ?? "", JSON.parse(process.argv[4] ?? ""));
else describe("a listening socket under attack by", suite);
