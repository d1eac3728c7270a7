import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DatagramSocket } from "../base/datagrams.ts";
import { seededRandom } from "../base/random.ts";
import { DatagramNetwork } from "./datagram-network.ts";
import { ProcessClock } from "./process-clock.ts";
import { VirtualClock } from "./virtual-clock.ts";

async function world(seed = 1) {
  const clock = new VirtualClock();
  const network = new DatagramNetwork({ clock, random: seededRandom(seed) });
  const process = new ProcessClock(clock);
  const a = await network.host("a").open({ host: "a", port: 1 });
  const b = await network.host("b", process).open({ host: "b", port: 1 });
  return { clock, network, process, a, b, heard: hear(b) };
}

function hear(socket: DatagramSocket): string[] {
  const heard: string[] = [];
  socket.onDatagram = (bytes, from) => heard.push(`${Buffer.from(bytes)} from ${from.host}:${from.port}`);
  return heard;
}

const text = (from: string) => Buffer.from(from);

describe("pretended datagrams", () => {
  it("arrive after a delay, with where they come from", async () => {
    const { clock, a, b, heard } = await world();
    a.send(text("hello"), b.address);
    assert.deepEqual(heard, []);
    await clock.advance(2);
    assert.deepEqual(heard, ["hello from a:1"]);
  });

  it("are lost, doubled and overtaken as often as the weather says", async () => {
    const { clock, network, a, b, heard } = await world();
    network.weather = { delayMs: [1, 100], loss: 0.25, doubled: 0.1 };
    for (let count = 0; count < 1_000; count++) a.send(text(String(count).padStart(4, "0")), b.address);
    await clock.advance(100);
    assert.ok(heard.length > 750 && heard.length < 900, `${heard.length} arrived`);
    assert.ok(network.counts.doubled > 60 && network.counts.lost > 200);
    assert.notDeepEqual(heard, heard.toSorted());
  });

  it("share a fate with the seed", async () => {
    const runs = [1, 1, 2].map(async (seed) => {
      const { clock, network, a, b, heard } = await world(seed);
      network.weather = { delayMs: [1, 100], loss: 0.5, doubled: 0.1 };
      for (let count = 0; count < 100; count++) a.send(text(String(count)), b.address);
      await clock.advance(100);
      return heard.join();
    });
    const [one, same, other] = await Promise.all(runs);
    assert.equal(one, same);
    assert.notEqual(one, other);
  });

  it("do not travel where the road is cut, one way or both", async () => {
    const { clock, network, a, b, heard } = await world();
    const back = hear(a);
    network.cut("a", "b");
    a.send(text("1"), b.address);
    b.send(text("2"), a.address);
    await clock.advance(5);
    network.mend("a", "b");
    a.send(text("3"), b.address);
    await clock.advance(5);
    assert.deepEqual([heard, back], [["3 from a:1"], ["2 from b:1"]]);
    assert.equal(network.counts.cut, 1);
  });

  it("wait for a process that stands still, and for a dead one in vain", async () => {
    const { clock, process, a, b, heard } = await world();
    process.pause();
    a.send(text("1"), b.address);
    await clock.advance(50);
    assert.deepEqual(heard, []);
    process.resume();
    await clock.advance(1);
    assert.deepEqual(heard, ["1 from a:1"]);
    process.kill();
    a.send(text("2"), b.address);
    await clock.advance(50);
    assert.equal(heard.length, 1);
  });

  it("find nobody at a closed socket, whose port is free again", async () => {
    const { clock, network, a, b, heard } = await world();
    await assert.rejects(network.host("b").open({ host: "b", port: 1 }), { name: "Fault", message: /in use/ });
    await b.close();
    a.send(text("1"), b.address);
    await clock.advance(5);
    assert.equal(network.counts.nobody, 1);
    assert.deepEqual(heard, []);
    const again = await network.host("b").open({ host: "b", port: 1 });
    const later = hear(again);
    a.send(text("2"), again.address);
    await clock.advance(5);
    assert.deepEqual(later, ["2 from a:1"]);
  });

  it("to a group reach all who joined it", async () => {
    const { clock, network, a } = await world();
    const group = "239.1.1.1";
    const sockets = await Promise.all(["c", "d"].map((host) => network.host(host).open({ host, port: 9 }, { group })));
    const heard = sockets.map(hear);
    a.send(text("here"), { host: group, port: 9 });
    await clock.advance(5);
    assert.deepEqual(heard, [["here from a:1"], ["here from a:1"]]);
  });

  it("are counted in bytes with their headers", async () => {
    const { network, a, b } = await world();
    a.send(text("12345"), b.address);
    assert.equal(network.sentBytes("a"), 33);
  });
});
