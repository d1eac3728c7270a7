// Against the real libzmq, both ways round.

import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Dealer, Reply, Request, Router } from "zeromq";
import type { Endpoint } from "../base/network.ts";
import { systemEnv } from "../system/env.ts";
import { type DealerHandlers, DealerSocket, type RouterHandlers, RouterSocket, type SocketOptions } from "./index.ts";

const LONG_MS = 120_000;
const env = systemEnv();
const folder = mkdtempSync(path.join(tmpdir(), "unum-zmtp-"));
const opened: { close(): unknown }[] = [];
let sockets = 0;

function ipc(): { at: Endpoint; url: string } {
  const at = path.join(folder, `${++sockets}.sock`);
  return { at: { kind: "ipc", path: at }, url: `ipc://${at}` };
}

function keep<T extends { close(): unknown }>(socket: T): T {
  opened.push(socket);
  return socket;
}

/** The next so many calls of the function it answers with. */
function arrivals<T>() {
  const came: T[] = [];
  const waiting: ((value: T) => void)[] = [];
  const push = (value: T) => {
    const first = waiting.shift();
    if (first === undefined) came.push(value);
    else first(value);
  };
  const next = (): Promise<T> => {
    const first = came.shift();
    return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
  };
  return { push, next };
}

const texts = (parts: readonly Uint8Array[]) => parts.map((part) => Buffer.from(part).toString());
const bytes = (...parts: string[]) => parts.map((part) => Buffer.from(part));

function dealer(handlers: Partial<DealerHandlers>, options: Partial<SocketOptions> = {}): DealerSocket {
  return keep(new DealerSocket({ env, ...options }, { message: () => {}, ...handlers }));
}

function router(handlers: Partial<RouterHandlers>, options: Partial<SocketOptions> = {}): RouterSocket {
  return keep(new RouterSocket({ env, ...options }, { message: () => {}, ...handlers }));
}

const SIZES = [0, 1, 255, 256, 8_191, 65_536, 1_000_000, 16 * 1024 * 1024];

/** Bytes that show when they come out in another order. */
function pattern(size: number): Buffer {
  const made = Buffer.alloc(size);
  for (let at = 0; at < size; at++) made[at] = (at * 31 + (at >>> 8)) & 255;
  return made;
}

function suite(): void {
  after(() => {
    for (const socket of opened) socket.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("our ROUTER answers a DEALER, 0 bytes to 16 MiB, several parts", { timeout: LONG_MS }, async () => {
    const { at, url } = ipc();
    const mine = router({ message: (peer, parts) => assert.equal(peer.send([...parts].reverse()), "sent") });
    await mine.listen(at);
    const theirs = keep(new Dealer({ linger: 0 }));
    theirs.connect(url);
    for (const size of SIZES) {
      const body = pattern(size);
      await theirs.send(["head", body]);
      const [back, head] = await theirs.receive();
      assert.ok(back?.equals(body), `${size} bytes`);
      assert.equal(String(head), "head");
    }
  });

  it("our DEALER talks to a ROUTER, 0 bytes to 16 MiB, several parts, under its own identity", {
    timeout: LONG_MS,
  }, async () => {
    const { at, url } = ipc();
    const theirs = keep(new Router({ linger: 0 }));
    await theirs.bind(url);
    const { push, next } = arrivals<Uint8Array[]>();
    const mine = dealer({ message: push }, { identity: Buffer.from("ada") });
    mine.connect(at);
    for (const size of SIZES) {
      const body = pattern(size);
      assert.ok(mine.send([body, Buffer.from("tail")]));
      const [identity, got, tail] = await theirs.receive();
      assert.equal(String(identity), "ada");
      assert.ok(got?.equals(body), `${size} bytes`);
      await theirs.send(["ada", tail ?? "", got ?? ""]);
      const [first, second] = await next();
      assert.equal(String(Buffer.from(first ?? [])), "tail");
      assert.ok(Buffer.from(second ?? []).equals(body));
    }
  });

  it("our DEALER talks to a REP", { timeout: LONG_MS }, async () => {
    const { at, url } = ipc();
    const theirs = keep(new Reply({ linger: 0 }));
    await theirs.bind(url);
    const { push, next } = arrivals<Uint8Array[]>();
    const mine = dealer({ message: push });
    mine.connect(at);
    for (const word of ["one", "two"]) {
      mine.send(bytes("", word, "more"));
      assert.deepEqual(texts(await theirs.receive()), [word, "more"]);
      await theirs.send(`re: ${word}`);
      assert.deepEqual(texts(await next()), ["", `re: ${word}`]);
    }
  });

  it("our ROUTER answers a REQ", { timeout: LONG_MS }, async () => {
    const { at, url } = ipc();
    const mine = router({
      message: (peer, [empty, ...rest]) => void peer.send([empty ?? new Uint8Array(0), ...rest, Buffer.from("!")]),
    });
    await mine.listen(at);
    const theirs = keep(new Request({ linger: 0 }));
    theirs.connect(url);
    for (const word of ["one", "two"]) {
      await theirs.send([word, "x"]);
      assert.deepEqual(texts(await theirs.receive()), [word, "x", "!"]);
    }
  });

  it("our DEALER talks to a DEALER, whoever listens", { timeout: LONG_MS }, async () => {
    for (const weListen of [true, false]) {
      const { at, url } = ipc();
      const theirs = keep(new Dealer({ linger: 0 }));
      const { push, next } = arrivals<Uint8Array[]>();
      const mine = dealer({ message: push });
      if (weListen) {
        await mine.listen(at);
        theirs.connect(url);
      } else {
        await theirs.bind(url);
        mine.connect(at);
      }
      await theirs.send(["from", "them"]);
      assert.deepEqual(texts(await next()), ["from", "them"]);
      mine.send(bytes("from", "us"));
      assert.deepEqual(texts(await theirs.receive()), ["from", "us"]);
    }
  });

  it("speaks over TCP, and our ROUTER sends to the identity a peer gave itself", { timeout: LONG_MS }, async () => {
    const { push, next } = arrivals<readonly [string, string[]]>();
    const mine = router({ message: (peer, parts) => push([Buffer.from(peer.identity).toString(), texts(parts)]) });
    const at = await mine.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    assert.ok(at.kind === "tcp");
    const theirs = keep(new Dealer({ linger: 0, routingId: "grace" }));
    theirs.connect(`tcp://127.0.0.1:${at.port}`);
    await theirs.send("here I am");
    assert.deepEqual(await next(), ["grace", ["here I am"]]);
    assert.equal(mine.send(Buffer.from("grace"), bytes("welcome")), "sent");
    assert.deepEqual(texts(await theirs.receive()), ["welcome"]);
    assert.equal(mine.send(Buffer.from("nobody"), bytes("hello")), "no-peer");
  });

  it("thousands of small messages keep their order, both ways", { timeout: LONG_MS }, async () => {
    const { at, url } = ipc();
    const count = 20_000;
    const mine = router(
      { message: (peer, parts) => assert.equal(peer.send(parts), "sent") },
      { highWaterMark: { messages: count } },
    );
    await mine.listen(at);
    const theirs = keep(new Dealer({ linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0 }));
    theirs.connect(url);
    const sending = (async () => {
      for (let i = 0; i < count; i++) await theirs.send(String(i));
    })();
    for (let i = 0; i < count; i++) {
      const [got] = await theirs.receive();
      if (String(got) !== String(i)) assert.fail(`expected ${i}, got ${got}`);
    }
    await sending;
  });

  it("both sides' heartbeats keep an idle connection, and libzmq's end one that is silent", {
    timeout: LONG_MS,
  }, async () => {
    const { at, url } = ipc();
    const ended = arrivals<string>();
    const came = arrivals<void>();
    const mine = router(
      {
        message: (peer, parts) => void peer.send(parts),
        connected: () => came.push(),
        disconnected: (_peer, fault) => ended.push(fault.message),
      },
      { heartbeat: { intervalMs: 50, timeoutMs: 2_000 } },
    );
    await mine.listen(at);
    // If our PONGs were wrong, libzmq would drop the connection every 200 ms.
    const theirs = keep(
      new Dealer({ linger: 0, heartbeatInterval: 40, heartbeatTimeout: 200, heartbeatTimeToLive: 400 }),
    );
    theirs.connect(url);
    await came.next();
    let over = false;
    void ended.next().then(() => (over = true));
    await new Promise<void>((resolve) => env.clock.after(1_200, resolve));
    assert.equal(over, false);
    await theirs.send("still here");
    assert.deepEqual(texts(await theirs.receive()), ["still here"]);
  });

  it("a peer that is killed is noticed, and its successor is talked to, both ways", { timeout: 60_000 }, async () => {
    const asDealer = ipc();
    const asRouter = ipc();
    const up = arrivals<string>();
    const down = arrivals<string>();
    const got = arrivals<string>();
    const mine = dealer(
      {
        message: (parts) => got.push(texts(parts).join()),
        connected: () => up.push("dealer"),
        disconnected: () => down.push("dealer"),
      },
      { backoff: { firstMs: 5, mostMs: 50 } },
    );
    mine.connect(asDealer.at);
    const ours = router({
      message: (peer, parts) => void peer.send(parts),
      connected: () => up.push("router"),
      disconnected: () => down.push("router"),
    });
    await ours.listen(asRouter.at);
    for (let life = 0; life < 3; life++) {
      const child = await peer(asDealer.url, asRouter.url);
      assert.deepEqual([await up.next(), await up.next()].sort(), ["dealer", "router"]);
      mine.send(bytes(`life ${life}`));
      assert.equal(await got.next(), `life ${life}`);
      child.send("ask");
      const [answer] = await once(child, "message");
      assert.deepEqual(answer, "asked and answered");
      child.kill("SIGKILL");
      assert.deepEqual([await down.next(), await down.next()].sort(), ["dealer", "router"]);
    }
  });

  it("a libzmq peer of the wrong type, and one that wants security, is refused", { timeout: LONG_MS }, async () => {
    // Where libzmq is first to see that the mechanisms differ, it hangs up before it names its own.
    const peers: [RegExp, (url: string) => void][] = [
      [/^socket-type$/, (url) => keep(new Reply({ linger: 0 })).connect(url)],
      [
        /^(mechanism|lost)$/,
        (url) => keep(new Dealer({ linger: 0, plainUsername: "ada", plainPassword: "x" })).connect(url),
      ],
    ];
    for (const [reason, connect] of peers) {
      const { at, url } = ipc();
      const refused = arrivals<string>();
      const mine = router({ refused: (fault) => refused.push(fault.reason) });
      await mine.listen(at);
      connect(url);
      assert.match(await refused.next(), reason);
      assert.equal([...mine.peers].length, 0);
    }
  });
}

/** A libzmq ROUTER that echoes at one url, and a DEALER that asks at the other, in a process of their own. */
async function peer(routerUrl: string, dealerUrl: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(import.meta.url), ["peer", routerUrl, dealerUrl]);
  keep({ close: () => child.kill("SIGKILL") });
  await once(child, "message");
  return child;
}

async function bePeer(routerUrl: string, dealerUrl: string): Promise<void> {
  const echo = new Router();
  await echo.bind(routerUrl);
  const asking = new Dealer();
  asking.connect(dealerUrl);
  process.on("message", async () => {
    await asking.send("question");
    await asking.receive();
    process.send?.("asked and answered");
  });
  process.send?.("ready");
  for await (const message of echo) await echo.send(message);
}

// Under the test runner this file is the suite; forked by it with arguments, it is the peer.
if (process.argv[2] === "peer") await bePeer(process.argv[3] ?? "", process.argv[4] ?? "");
else describe("with libzmq", suite);
