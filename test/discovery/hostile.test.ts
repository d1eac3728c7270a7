// Datagrams from whoever can reach the port: bytes that were ours and changed, and bytes that never were.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DatagramAddress, DatagramSocket, Datagrams } from "../../src/base/datagrams.ts";
import { silentLog } from "../../src/base/log.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { newMembership } from "../../src/discovery/membership.ts";
import type { Membership } from "../../src/discovery/options.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { World } from "./world.ts";

const RUNS = 120_000;
const FROM: DatagramAddress = { host: "127.0.0.99", port: 7_100 };

interface Heard {
  readonly bytes: Uint8Array;
  readonly to: DatagramAddress;
}

/** Writes down what is sent from now on. */
function record(world: World): Heard[] {
  const heard: Heard[] = [];
  const { network } = world;
  const host = network.host.bind(network);
  network.host = (name, process) => ({
    open: async (at, options) => {
      const socket = await host(name, process).open(at, options);
      const send = socket.send.bind(socket);
      socket.send = (bytes, to) => {
        heard.push({ bytes: bytes.slice(), to });
        send(bytes, to);
      };
      return socket;
    },
  });
  return heard;
}

/** What really travels in a small network on a day with a crash, a farewell and changing loads. */
async function corpus(): Promise<Uint8Array[]> {
  const world = new World({ seed: 5, nodes: 5 });
  const heard = record(world);
  await world.startAll();
  await world.clock.advance(5_000);
  const [, second, third] = world.nodes;
  assert.ok(second && third);
  await world.crash(second);
  await world.clock.advance(20_000);
  void third.membership.leave();
  third.alive = false;
  await world.clock.advance(5_000);
  await world.close();
  return heard.map(({ bytes }) => bytes);
}

/** A membership whose port is in the hands of the test. */
async function target() {
  const clock = new VirtualClock();
  let sent = 0;
  const socket: DatagramSocket = {
    address: { host: "127.0.0.1", port: 7_100 },
    onDatagram: () => {},
    send: () => {
      sent++;
    },
    close: async () => {},
  };
  const datagrams: Datagrams = { open: async () => socket };
  const membership = newMembership({
    clock,
    random: seededRandom(1),
    log: silentLog,
    datagrams,
    self: { id: "target", incarnation: 1, listen: socket.address, doors: [] },
    seeds: [],
    settings: { nodes: 200 },
    sync: () => Promise.reject(new Error("no door here")),
  });
  await membership.start();
  return { clock, membership, socket, sent: () => sent };
}

const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x3a, 0x62];

function mutate(from: Uint8Array, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes = [...from];
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(bytes.length + 1);
    switch (random.below(6)) {
      case 0:
        bytes = bytes.map((byte, place) => (place === at ? byte ^ (1 << random.below(8)) : byte));
        break;
      case 1:
        bytes = bytes.map((byte, place) => (place === at ? (EDGES[random.below(EDGES.length)] ?? 0) : byte));
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = bytes.toSpliced(at, random.below(9));
        break;
      case 4:
        bytes = bytes.toSpliced(at, 0, ...new Array(random.below(12)).fill(0xff));
        break;
      default: {
        const other = corpus[random.below(corpus.length)] ?? from;
        bytes = [...bytes.slice(0, at), ...other.slice(random.below(other.length + 1))];
      }
    }
  }
  return new Uint8Array(bytes);
}

function refusedBy(membership: Membership): number {
  return Object.values(membership.stats().refused).reduce((sum, count) => sum + count, 0);
}

describe("hostile datagrams", () => {
  it(`are counted and dropped, or heard, ${RUNS} of them, and the node goes on`, async () => {
    const random = seededRandom(20_260_114);
    const real = await corpus();
    assert.ok(real.length > 300, `only ${real.length} datagrams to start from`);
    const { clock, membership, socket, sent } = await target();
    for (let run = 0; run < RUNS; run++) {
      const from = real[random.below(real.length)] ?? new Uint8Array();
      socket.onDatagram(mutate(from, real, random), FROM);
      // Time passes, so that what they caused is acted on.
      if (run % 1_000 === 0) await clock.advance(500);
    }
    const { received, refused } = { received: membership.stats().receivedDatagrams, refused: refusedBy(membership) };
    assert.equal(received, RUNS);
    assert.ok(refused > RUNS / 20 && refused < (RUNS * 19) / 20, `${refused} of ${RUNS} were refused`);
    assert.ok(membership.members().length <= 200, `${membership.members().length} nodes are remembered`);
    for (const member of membership.members()) assert.ok(member.entry === undefined || member.entry.containers);
    // An answer to each question at most, and a few of its own.
    assert.ok(sent() < RUNS * 2, `${sent()} datagrams were sent`);
    await membership.close();
  });

  it("do not keep a node from seeing who is gone", async () => {
    const random = seededRandom(3);
    const real = await corpus();
    const world = new World({ seed: 8, nodes: 6, key: new Uint8Array(32).fill(1) });
    await world.startAll();
    assert.ok(await world.until(() => world.converged(), 20_000));
    const intruder = await world.network.host(FROM.host).open(FROM);
    const [first, ...others] = world.nodes;
    assert.ok(first);
    const flood = () => {
      for (const node of others) {
        for (let count = 0; count < 20; count++) {
          const from = real[random.below(real.length)] ?? new Uint8Array();
          const bytes = count % 2 === 0 ? from : mutate(from, real, random);
          intruder.send(bytes, { host: node.host, port: 7_100 });
        }
      }
      world.clock.after(100, flood);
    };
    flood();
    await world.crash(first);
    const allKnow = () => world.living.every(({ membership }) => membership.stats().dead === 1);
    assert.ok(await world.until(allKnow, 15_000), "the crash is not seen by all");
    for (const { membership } of world.living) {
      const { suspicions, refused } = membership.stats();
      assert.equal(suspicions, 1);
      assert.ok(refused.unsealed > 500, `${refused.unsealed} refused`);
    }
    await world.close();
  });

  it("played again, or sealed with another key, change nothing", async () => {
    const world = new World({ seed: 9, nodes: 4, key: new Uint8Array(32).fill(1) });
    const heard = record(world);
    await world.startAll();
    await world.clock.advance(30_000);
    // What was sent before its receiver was there, or before the two had met, would be new to it.
    heard.length = 0;
    await world.clock.advance(20_000);
    const other = new World({ seed: 9, nodes: 4, key: new Uint8Array(32).fill(2) });
    const foreign = record(other);
    await other.startAll();
    await other.clock.advance(10_000);
    const before = world.nodes.map(({ membership }) => membership.members().map(({ id, state }) => `${id} ${state}`));
    const intruder = await world.network.host(FROM.host).open(FROM);
    await world.clock.advance(10);
    const again = heard.slice(0, 150);
    for (const { bytes, to } of [...again, ...foreign]) intruder.send(bytes, to);
    await world.clock.advance(1_000);
    const counts = world.nodes.map(({ membership }) => membership.stats().refused);
    assert.equal(
      counts.reduce((sum, { replayed }) => sum + replayed, 0),
      again.length,
    );
    assert.equal(
      counts.reduce((sum, { forged }) => sum + forged, 0),
      foreign.length,
    );
    assert.ok(again.length === 150 && foreign.length > 100, `${again.length} and ${foreign.length} datagrams`);
    const after = world.nodes.map(({ membership }) => membership.members().map(({ id, state }) => `${id} ${state}`));
    assert.deepEqual(after, before);
    await Promise.all([world.close(), other.close()]);
  });

  it("from other computers are not heard without a key", async () => {
    const real = await corpus();
    const { membership, socket } = await target();
    for (const bytes of real) socket.onDatagram(bytes, { host: "10.0.0.1", port: 7_100 });
    assert.equal(membership.stats().refused.outside, real.length);
    assert.equal(membership.members().length, 1);
    await membership.close();
  });
});
