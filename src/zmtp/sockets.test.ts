import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import type { Endpoint } from "../base/network.ts";
import { seededRandom } from "../base/random.ts";
import { systemEnv } from "../system/env.ts";
import { backoffMs } from "./backoff.ts";
import { DealerSocket, RouterSocket, type ZmtpFault } from "./index.ts";
import { SendQueue } from "./send-queue.ts";

const LONG_MS = 120_000;
const env = systemEnv();
const folder = mkdtempSync(path.join(tmpdir(), "unum-zmtp-"));
const opened: { close(): unknown }[] = [];
let sockets = 0;

const ipc = (): Endpoint => ({ kind: "ipc", path: path.join(folder, `${++sockets}.sock`) });

function keep<T extends { close(): unknown }>(socket: T): T {
  opened.push(socket);
  return socket;
}

/** Settles when `done` answers true; asked again after each call of the function it hands out. */
function until(done: () => boolean): { check: () => void; reached: Promise<void> } {
  let settle = () => {};
  const reached = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { check: () => void (done() && settle()), reached };
}

const text = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString();

describe("a DEALER and a ROUTER", () => {
  after(async () => {
    await Promise.all(opened.map((socket) => socket.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  it("keep what is sent before the connection stands, in order", { timeout: LONG_MS }, async () => {
    const at = ipc();
    const dealer = keep(new DealerSocket({ env, backoff: { firstMs: 1, mostMs: 5 } }, { message: () => {} }));
    dealer.connect(at);
    for (let i = 0; i < 100; i++) assert.ok(dealer.send([Buffer.from(`${i},`)]));
    assert.equal(dealer.queued, 100);
    let got = "";
    const { check, reached } = until(() => got.endsWith("99,"));
    const router = keep(
      new RouterSocket(
        { env },
        {
          message: (_peer, parts) => {
            got += text(parts);
            check();
          },
        },
      ),
    );
    await router.listen(at);
    await reached;
    assert.equal(got, Array.from({ length: 100 }, (_, i) => `${i},`).join(""));
    assert.equal(dealer.queued, 0);
  });

  it("refuse what is past the high-water mark, and say when there is room again", { timeout: LONG_MS }, async () => {
    const at = ipc();
    let drained = false;
    const { check, reached } = until(() => drained);
    const dealer = keep(
      new DealerSocket(
        { env, highWaterMark: { messages: 10 }, backoff: { firstMs: 1, mostMs: 5 } },
        {
          message: () => {},
          drained: () => {
            drained = true;
            check();
          },
        },
      ),
    );
    dealer.connect(at);
    for (let i = 0; i < 10; i++) assert.ok(dealer.send([new Uint8Array(1)]));
    assert.equal(dealer.send([new Uint8Array(1)]), false);
    await keep(new RouterSocket({ env }, { message: () => {} })).listen(at);
    await reached;
    assert.ok(dealer.send([new Uint8Array(1)]));
  });

  it("tell a ROUTER's sender that a peer who does not read is full", { timeout: LONG_MS }, async () => {
    const at = ipc();
    const dealer = keep(new DealerSocket({ env }, { message: () => {} }));
    const outcomes: string[] = [];
    const { check, reached } = until(() => outcomes.includes("full"));
    const router = keep(
      new RouterSocket(
        { env, highWaterMark: { messages: 5 } },
        {
          message: () => {},
          connected: (peer) => {
            // Nothing is read in this turn, so the kernel's buffer and then the queue fill up.
            for (let i = 0; i < 50; i++) outcomes.push(peer.send([new Uint8Array(1_000_000)]));
            check();
          },
        },
      ),
    );
    await router.listen(at);
    dealer.connect(at);
    await reached;
    assert.equal(outcomes[0], "sent");
    assert.equal(outcomes.lastIndexOf("sent") + 1, outcomes.indexOf("full"));
  });

  it("refuse a second peer under an identity that is connected", { timeout: LONG_MS }, async () => {
    const at = ipc();
    const refused: ZmtpFault[] = [];
    const identity = Buffer.from("ada");
    const first = until(() => true);
    const second = until(() => refused.length > 0);
    const router = keep(new RouterSocket({ env }, { message: () => {}, connected: first.check }));
    await router.listen(at);
    const one = keep(new DealerSocket({ env, identity }, { message: () => {} }));
    one.connect(at);
    await first.reached;
    let up = 0;
    const third = until(() => up > 0);
    const late = keep(
      new DealerSocket(
        { env, identity },
        {
          message: () => {},
          refused: (fault) => {
            refused.push(fault);
            second.check();
          },
          connected: () => {
            up++;
            third.check();
          },
        },
      ),
    );
    late.connect(at);
    await second.reached;
    assert.match(refused[0]?.message ?? "", /identity is in use/);
    assert.equal([...router.peers].length, 1);
    await one.close();
    await third.reached;
    assert.equal([...router.peers].length, 1);
  });

  it("let a newcomer in when the places are taken by some who do not finish their handshake", {
    timeout: LONG_MS,
  }, async () => {
    const at = ipc();
    const reasons: string[] = [];
    let ready = 0;
    const { check, reached } = until(() => ready === 1);
    const router = keep(
      new RouterSocket(
        { env, limits: { connections: 3 } },
        {
          message: () => {},
          refused: (fault) => reasons.push(fault.reason),
          connected: () => {
            ready++;
            check();
          },
        },
      ),
    );
    await router.listen(at);
    const silent = await Promise.all([1, 2, 3].map(() => env.network.connect(at, 1_000)));
    const third = until(() => router.connections === 3);
    const poll = () => {
      third.check();
      if (router.connections < 3) env.clock.after(1, poll);
    };
    poll();
    await third.reached;
    keep(new DealerSocket({ env }, { message: () => {} })).connect(at);
    await reached;
    assert.deepEqual(reasons, ["too-many-connections"]);
    for (const stream of silent) stream.destroy();
  });

  it("refuse a newcomer when all places are taken by peers", { timeout: LONG_MS }, async () => {
    const at = ipc();
    let ready = 0;
    const full = until(() => ready === 2);
    const reasons: string[] = [];
    const refused = until(() => reasons.length > 0);
    const router = keep(
      new RouterSocket(
        { env, limits: { connections: 2 } },
        {
          message: () => {},
          connected: () => {
            ready++;
            full.check();
          },
          refused: (fault) => {
            reasons.push(fault.reason);
            refused.check();
          },
        },
      ),
    );
    await router.listen(at);
    for (let i = 0; i < 2; i++) keep(new DealerSocket({ env }, { message: () => {} })).connect(at);
    await full.reached;
    keep(new DealerSocket({ env, backoff: { firstMs: 1_000 } }, { message: () => {} })).connect(at);
    await refused.reached;
    assert.equal(reasons[0], "too-many-connections");
    assert.equal([...router.peers].length, 2);
  });

  it("have a place again for each who left", { timeout: LONG_MS }, async () => {
    const at = ipc();
    await keep(new RouterSocket({ env, limits: { connections: 2 } }, { message: () => {} })).listen(at);
    for (let i = 0; i < 10; i++) {
      const up = until(() => true);
      const dealer = keep(
        new DealerSocket({ env, backoff: { firstMs: 5, mostMs: 5 } }, { message: () => {}, connected: up.check }),
      );
      dealer.connect(at);
      await up.reached;
      await dealer.close();
    }
  });

  it("share a DEALER's messages among its peers", { timeout: LONG_MS }, async () => {
    const places = [ipc(), ipc()];
    const got = [0, 0];
    const all = until(() => (got[0] ?? 0) + (got[1] ?? 0) === 100);
    let up = 0;
    const both = until(() => up === 2);
    for (const [index, at] of places.entries()) {
      const router = keep(
        new RouterSocket(
          { env },
          {
            message: () => {
              got[index] = (got[index] ?? 0) + 1;
              all.check();
            },
          },
        ),
      );
      await router.listen(at);
    }
    const dealer = keep(
      new DealerSocket(
        { env },
        {
          message: () => {},
          connected: () => {
            up++;
            both.check();
          },
        },
      ),
    );
    for (const at of places) dealer.connect(at);
    await both.reached;
    for (let i = 0; i < 100; i++) dealer.send([new Uint8Array(1)]);
    await all.reached;
    assert.deepEqual(got, [50, 50]);
  });
});

describe("the pause between attempts", () => {
  it("doubles up to its limit, less up to half by chance", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), (failures, seed) => {
        const wait = backoffMs({ firstMs: 20, mostMs: 5_000 }, failures, seededRandom(seed));
        const full = failures > 8 ? 5_000 : 20 * 2 ** (failures - 1);
        assert.ok(wait >= Math.min(full, 5_000) / 2 && wait <= Math.min(full, 5_000), `${wait} after ${failures}`);
      }),
    );
  });
});

describe("a queue of messages to send", () => {
  it("is first in, first out, and keeps its limits, whatever is done with it", () => {
    const step = fc.oneof(
      fc.nat(300).map((size) => ({ push: size })),
      fc.nat(10).map((count) => ({ drain: count })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
        const queue = new SendQueue({ messages: 20, bytes: 1_000 });
        const model: Uint8Array[] = [];
        let refused = false;
        for (const each of steps) {
          if ("push" in each) {
            const held = model.reduce((sum, part) => sum + part.length, 0);
            const fits = model.length < 20 && (model.length === 0 || held + each.push <= 1_000);
            const part = new Uint8Array(each.push);
            assert.equal(queue.push([part]), fits);
            if (fits) model.push(part);
            else refused = true;
          } else {
            let room = each.drain;
            const sink = { writable: true, send: ([part]: readonly Uint8Array[]) => assert.equal(part, model.shift()) };
            const again = queue.drain(() => (room-- > 0 ? sink : undefined));
            const held = model.reduce((sum, part) => sum + part.length, 0);
            assert.equal(again, refused && model.length <= 10 && held <= 500);
            if (again) refused = false;
          }
          assert.equal(queue.messages, model.length);
          assert.equal(
            queue.bytes,
            model.reduce((sum, part) => sum + part.length, 0),
          );
        }
      }),
    );
  });
});
