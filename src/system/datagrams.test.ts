import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isIpAddress, readAddress } from "../base/datagrams.ts";
import { systemDatagrams } from "./datagrams.ts";

const loopback = { host: "127.0.0.1", port: 0 };
const datagrams = systemDatagrams();

describe("datagrams of the system", () => {
  it("arrive with where they come from", async () => {
    const a = await datagrams.open(loopback);
    const b = await datagrams.open(loopback);
    const heard = new Promise((resolve) => {
      b.onDatagram = (bytes, from) => resolve({ bytes: [...bytes], from });
    });
    a.send(new Uint8Array([1, 2, 3]), b.address);
    assert.deepEqual(await heard, { bytes: [1, 2, 3], from: a.address });
    await Promise.all([a.close(), b.close()]);
  });

  it("go to names as well", async () => {
    const a = await datagrams.open(loopback);
    const heard = new Promise((resolve) => {
      a.onDatagram = (bytes) => resolve([...bytes]);
    });
    a.send(new Uint8Array([7]), { host: "localhost", port: a.address.port });
    assert.deepEqual(await heard, [7]);
    await a.close();
  });

  it("are lost without a word where they cannot go", async () => {
    const a = await datagrams.open(loopback);
    a.send(new Uint8Array([1]), { host: "127.0.0.1", port: 1 });
    a.send(new Uint8Array([1]), { host: "10.255.255.1", port: 7_100 });
    a.send(new Uint8Array([1]), { host: "no.such.name.invalid", port: 7_100 });
    a.send(new Uint8Array(70_000), a.address);
    a.send(new Uint8Array([1]), { host: "127.0.0.1", port: 99_999 });
    await a.close();
    a.send(new Uint8Array([1]), loopback);
    await a.close();
  });

  it("say what is wrong with an address, and what to do", async () => {
    const a = await datagrams.open(loopback);
    await assert.rejects(datagrams.open(a.address), {
      code: "invalid",
      message: `udp 127.0.0.1:${a.address.port} is in use by another process; choose another port`,
    });
    await assert.rejects(datagrams.open({ host: "203.0.113.77", port: 0 }), {
      message: /this computer has no address/,
    });
    await a.close();
  });

  it("to a group on loopback reach several sockets on one port", async () => {
    const group = "239.77.1.9";
    const first = await datagrams.open(loopback, { group });
    const at = { host: "127.0.0.1", port: first.address.port };
    const second = await datagrams.open(at, { group });
    const sender = await datagrams.open(at.host === "" ? at : loopback, { group });
    const heard = [first, second].map(
      (socket) =>
        new Promise((resolve) => {
          socket.onDatagram = (bytes) => resolve([...bytes]);
        }),
    );
    sender.send(new Uint8Array([5]), { host: group, port: at.port });
    assert.deepEqual(await Promise.all(heard), [[5], [5]]);
    await Promise.all([first, second, sender].map((socket) => socket.close()));
  });
});

describe("an address", () => {
  it("is read from HOST:PORT, and from nothing else", () => {
    assert.deepEqual(readAddress("127.0.0.1:7100"), { host: "127.0.0.1", port: 7_100 });
    assert.deepEqual(readAddress("[::1]:7100"), { host: "::1", port: 7_100 });
    assert.deepEqual(readAddress("db.example:1"), { host: "db.example", port: 1 });
    for (const text of ["", "127.0.0.1", "127.0.0.1:0", "h:65536", "::1:80", "a b:1", "h:1x"]) {
      assert.equal(readAddress(text), undefined, text);
    }
  });

  it("is one of IP, or a name", () => {
    for (const host of ["1.2.3.4", "255.255.255.255", "::1", "2001:db8::1"]) assert.ok(isIpAddress(host), host);
    for (const host of ["1.2.3", "256.1.1.1", "1.2.3.4.5", "1.2.3.4.", "host"]) assert.ok(!isIpAddress(host), host);
  });
});
