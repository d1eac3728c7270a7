import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../../base/random.ts";
import { cancelOf, type Envelope, envelope, Kind, Mode, replyTo } from "../../messages/envelope.ts";
import { ProcessClock } from "../../testing/process-clock.ts";
import { settledOn } from "../../testing/promises/settled.ts";
import { transportPromises } from "../../testing/promises/transport.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import type { Receive } from "../transport.ts";
import { MemoryNetwork, type MemorySettings } from "./memory-network.ts";
import type { MemoryProcess } from "./process.ts";

for (const encode of [true, false]) {
  transportPromises(
    `memory, ${encode ? "encoded" : "copied"},`,
    { calls: 50, refusesTooLarge: encode, losesCalls: true, deadlineErrorMs: 1 },
    async () => {
      const clock = new VirtualClock();
      const network = new MemoryNetwork({
        clock,
        random: seededRandom(7),
        conditions: { delayMs: 1, jitterMs: 2, duplicateRate: 0.1 },
        limits: { calls: 50 },
        encode,
      });
      let count = 0;
      const made: { close(): Promise<void> }[] = [];
      return {
        clock,
        transport: () => {
          const transport = network.transport(`p${++count}`);
          made.push(transport);
          return transport;
        },
        address: () => `memory://a${++count}`,
        settled: (promise) => settledOn(clock, promise, 10_000),
        close: async () => {
          await Promise.all(made.map((transport) => transport.close()));
        },
      };
    },
  );
}

function memoryProcess(name: string, clock: ProcessClock): MemoryProcess {
  return {
    name,
    clock,
    get free() {
      return clock.free;
    },
    deliver: (fire) => clock.deliver(fire),
  };
}

const echo: Receive = async (request) => replyTo(request);

function world(settings: Partial<MemorySettings> = {}) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({
    clock,
    random: seededRandom(3),
    conditions: { delayMs: 1, jitterMs: 0 },
    ...settings,
  });
  let id = 0;
  const request = (set: Partial<Envelope> = {}) =>
    envelope({
      kind: Kind.CALL,
      mode: Mode.SYNC,
      id: ++id,
      from: ["c"],
      to: "x",
      deadline: clock.now() + 60_000,
      ...set,
    });
  const received: number[] = [];
  const note: Receive = (each) => {
    received.push(each.id);
    return echo(each);
  };
  /** The outcome once it is there: "ok" or the fault's code. */
  const outcome = (reply: Promise<Envelope> | undefined) => {
    const seen = { is: "pending", at: 0 };
    reply?.then(
      () => Object.assign(seen, { is: "ok", at: clock.now() }),
      (error) => Object.assign(seen, { is: error.code, at: clock.now() }),
    );
    return seen;
  };
  return { clock, network, request, received, note, outcome };
}

describe("memory network", () => {
  it("takes the time its conditions say: a handshake, then one way there and one back", async () => {
    const { clock, network, request, outcome } = world();
    await network.transport("b").listen("memory://b", echo);
    const a = network.transport("a");
    const first = outcome(a.send("memory://b", request()));
    await clock.advance(100);
    assert.deepEqual(first, { is: "ok", at: 4 });
    const second = outcome(a.send("memory://b", request()));
    await clock.advance(100);
    assert.deepEqual(second, { is: "ok", at: 102 });
  });

  it("lets connections overtake each other, and frames of one connection never", async () => {
    const { clock, network, request } = world({ conditions: { delayMs: 1, jitterMs: 20 } });
    const order: string[] = [];
    await network.transport("b").listen("memory://b", (each) => {
      order.push(`${each.from[0]}${each.id}`);
      return echo(each);
    });
    const senders = ["a", "c"].map((name) => ({ name, transport: network.transport(name) }));
    const sent: string[] = [];
    for (let i = 0; i < 50; i++) {
      for (const { name, transport } of senders) {
        const each = request({ from: [name] });
        sent.push(`${name}${each.id}`);
        transport.send("memory://b", each);
      }
    }
    await clock.advance(10_000);
    const of = (list: string[], name: string) => list.filter((each) => each.startsWith(name));
    assert.deepEqual(of(order, "a"), of(sent, "a"));
    assert.deepEqual(of(order, "c"), of(sent, "c"));
    assert.notDeepEqual(order, sent);
  });

  it("swallows frames while the connection goes on", async () => {
    const { clock, network, request, outcome } = world();
    await network.transport("b").listen("memory://b", echo);
    const a = network.transport("a");
    a.send("memory://b", request());
    await clock.advance(10);
    network.set("a", "b", { lossRate: 0.5 });
    const seen = Array.from({ length: 100 }, () => outcome(a.send("memory://b", request())));
    await clock.advance(60_000);
    const answered = seen.filter(({ is }) => is === "ok").length;
    assert.ok(answered > 25 && answered < 75, `${answered} answered`);
    assert.equal(network.counts.lost, 100 - answered);
    assert.equal(seen.filter(({ is }) => is === "pending").length, 100 - answered);
  });

  it("hands over once what the wire brings twice", async () => {
    const { clock, network, request, received, note, outcome } = world();
    await network.transport("b").listen("memory://b", note);
    const a = network.transport("a");
    network.set("a", "b", { duplicateRate: 1 });
    network.set("b", "a", { duplicateRate: 1 });
    const seen = Array.from({ length: 20 }, () => outcome(a.send("memory://b", request())));
    await clock.advance(1_000);
    assert.equal(received.length, 20);
    assert.ok(seen.every(({ is }) => is === "ok"));
    assert.equal(network.counts.duplicated, network.counts.seenBefore);
    assert.ok(network.counts.duplicated >= 40);
  });

  it("brings late, in order, what was sent during a short cut", async () => {
    const { clock, network, request, received, note, outcome } = world();
    await network.transport("b").listen("memory://b", note);
    const a = network.transport("a");
    a.send("memory://b", request());
    await clock.advance(10);
    network.set("a", "b", { cut: true });
    const seen = [request(), request(), request()].map((each) => outcome(a.send("memory://b", each)));
    await clock.advance(1_000);
    assert.deepEqual(received, [1]);
    network.set("a", "b", { cut: false });
    await clock.advance(10);
    assert.deepEqual(received, [1, 2, 3, 4]);
    assert.ok(seen.every(({ is, at }) => is === "ok" && at === 1_012));
  });

  it("gives a connection up at both ends after a long cut of one way, and connects anew when it heals", async () => {
    const { clock, network, request, received, note, outcome } = world();
    await network.transport("b").listen("memory://b", note);
    const a = network.transport("a");
    a.send("memory://b", request());
    await clock.advance(10);
    network.set("b", "a", { cut: true });
    const sent = outcome(a.send("memory://b", request()));
    await clock.advance(1_600);
    assert.deepEqual(sent, { is: "unknown", at: 1_510 });
    assert.deepEqual(received, [1, 2]);
    const unsent = outcome(a.send("memory://b", request()));
    await clock.advance(1_100);
    assert.equal(unsent.is, "undeliverable");
    network.reset("b", "a");
    const after = outcome(a.send("memory://b", request()));
    await clock.advance(10);
    assert.equal(after.is, "ok");
  });

  it("tells callers of a crash what is known: sent, or certainly not", async () => {
    const { clock, network, request, received, outcome } = world();
    const process = new ProcessClock(clock);
    const target = memoryProcess("b", process);
    const transport = network.transport(target);
    await transport.listen("memory://b", (each) => {
      received.push(each.id);
      return new Promise(() => {});
    });
    const a = network.transport("a");
    const sent = outcome(a.send("memory://b", request()));
    await clock.advance(10);
    process.kill();
    network.crash(target);
    const intoTheVoid = outcome(a.send("memory://b", request()));
    const unsent = outcome(network.transport("c").send("memory://b", request()));
    await clock.advance(10);
    assert.deepEqual([sent.is, intoTheVoid.is, unsent.is], ["unknown", "unknown", "undeliverable"]);
    assert.deepEqual(received, [1]);
    await network.transport("b").listen("memory://b", echo);
    const again = outcome(a.send("memory://b", request()));
    await clock.advance(10);
    assert.equal(again.is, "ok");
  });

  it("loses what is on the way when a connection breaks, and lets nothing arrive afterwards", async () => {
    const { clock, network, request, received, note, outcome } = world();
    await network.transport("b").listen("memory://b", note);
    const a = network.transport("a");
    a.send("memory://b", request());
    await clock.advance(10);
    const lost = outcome(a.send("memory://b", request()));
    network.breakBetween("a", "b");
    await clock.advance(10);
    const after = outcome(a.send("memory://b", request()));
    await clock.advance(10);
    assert.deepEqual([lost.is, after.is], ["unknown", "ok"]);
    assert.deepEqual(received, [1, 3]);
    assert.equal(network.counts.brokenOff, 1);
  });

  it("holds what comes to a paused process and takes its age off the time to live", async () => {
    const { clock, network, request } = world();
    const process = new ProcessClock(clock);
    const left: number[] = [];
    await network.transport(memoryProcess("b", process)).listen("memory://b", (each) => {
      left.push(each.deadline - process.now());
      return echo(each);
    });
    const a = network.transport("a");
    a.send("memory://b", request({ deadline: clock.now() + 100 }));
    await clock.advance(10);
    process.pause();
    a.send("memory://b", request({ deadline: clock.now() + 1_000 }));
    await clock.advance(400);
    process.resume();
    await clock.advance(1);
    // The handshake's way there and back is waiting in the caller; the least delay of one way is not counted.
    assert.deepEqual(left.map(Math.round), [98, 601]);
  });

  it("counts the time to live on each process's own clock", async () => {
    const { clock, network, request } = world();
    const ahead = new ProcessClock(clock, { offsetMs: 1e6, rate: 1 });
    const left: number[] = [];
    await network.transport(memoryProcess("b", ahead)).listen("memory://b", (each) => {
      left.push(each.deadline - ahead.now());
      return echo(each);
    });
    const a = network.transport("a");
    await settledOn(clock, a.send("memory://b", request({ deadline: clock.now() + 50 })) ?? Promise.reject(), 100);
    assert.deepEqual(left.map(Math.round), [48]);
  });

  it("forgets a call that is cancelled before it has left", async () => {
    const { clock, network, request, received, note } = world();
    await network.transport("b").listen("memory://b", note);
    const a = network.transport("a");
    const [first, second] = [request(), request()];
    a.send("memory://b", first);
    a.send("memory://b", second);
    a.send("memory://b", cancelOf(first));
    await clock.advance(10);
    assert.deepEqual(received, [2]);
  });

  it("runs the same with the same seed, and otherwise with another", async () => {
    const run = async (seed: number) => {
      const { clock, network, request } = world({
        random: seededRandom(seed),
        conditions: { delayMs: 1, jitterMs: 3, lossRate: 0.1, duplicateRate: 0.1 },
      });
      const arrivals: string[] = [];
      await network.transport("b").listen("memory://b", (each) => {
        arrivals.push(`${each.id}@${clock.now()}`);
        return echo(each);
      });
      const a = network.transport("a");
      for (let i = 0; i < 100; i++) a.send("memory://b", request())?.catch(() => {});
      await clock.advance(1_000);
      return arrivals.join();
    };
    assert.equal(await run(5), await run(5));
    assert.notEqual(await run(5), await run(6));
  });
});
