// A node that was put out: its connections end, its key opens none, and what is gossiped is not for it any more.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import tls from "node:tls";
import type { TlsSettings } from "../../src/base/network.ts";
import { newSigningKey } from "../../src/machine/keys/signing-key.ts";
import { endNodes, ok, statusOf, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, unum } from "../cli/unum.ts";
import { eventually, type LocalMachine, localMachine } from "./local-machine.ts";
import { founded, joined, online, view } from "./machine-nodes.ts";
import { packed } from "./program-folder.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
/** From the command's end; on a machine that has nothing else to do it takes some milliseconds. */
const CUT_WITHIN_MS = 5_000;

let machine: LocalMachine | undefined;
afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
  await machine?.end();
  machine = undefined;
});
after(cleanUp);

/** Settles with what came first: greeting or end. */
async function dial(as: TlsSettings, address: string): Promise<{ socket: tls.TLSSocket; first: "greeted" | "ended" }> {
  const { hostname, port } = new URL(address.replace("tls:", "https:"));
  const { key, cert, ca } = as;
  const socket = tls.connect({ host: hostname, port: Number(port), key, cert, ca, minVersion: "TLSv1.3" });
  socket.on("error", () => {});
  const ended = once(socket, "close").then(() => "ended" as const);
  // Whoever listens greets, as ZMTP has it.
  const greeted = once(socket, "data").then(() => "greeted" as const);
  return { socket, first: await Promise.race([greeted, ended]) };
}

describe("a node that was revoked", { skip: linux, ...LIMIT }, () => {
  it("is cut off at every door, reaches nobody again, and the others gossip on under a new key", LIMIT, async () => {
    machine = await localMachine();
    const [first, second, third] = [await machine.add(), await machine.add(), await machine.add()];
    const online3 = ({ nodes }: { nodes: { online: boolean }[] }) => nodes.filter((node) => node.online).length === 3;
    for (const node of [first, second, third]) await eventually("all know each other", node.show, online3);
    const isAlive = (id: string) => (status: { peers: { id: string; state: string }[] }) =>
      status.peers.some((peer) => peer.id === id && peer.state === "alive");
    const statusAt = (node: typeof first) => () => node.node.status({}, { ttlMs: 10_000 });
    await eventually("they gossip", statusAt(third), isAlive(second.id));
    const doors = [first.door, third.door];
    const open = await Promise.all(doors.map((door) => dial(second.tls, door)));
    assert.deepEqual(
      open.map(({ first: what }) => what),
      ["greeted", "greeted"],
    );

    const closed = open.map(({ socket }) => once(socket, "close"));
    await first.propose(`revoked/${second.id}`, { case: "revoked", value: { node: second.id, reason: "stolen" } });
    const since = performance.now();
    await Promise.all(closed);
    const cutMs = performance.now() - since;
    assert.ok(cutMs < CUT_WITHIN_MS, `it took ${cutMs} ms`);
    for (const door of doors) {
      assert.equal((await dial(second.tls, door)).first, "ended", door);
      assert.equal((await dial(third.tls, door)).first, "greeted", "the others do");
    }
    const secret = ({ folder }: typeof first) => readFileSync(join(folder, "identity", "gossip.key"), "utf8");
    const same = async () => secret(third) === secret(first);
    await eventually("the third has the first's new key", () => same().catch(() => false), Boolean);
    assert.notEqual(secret(first).trim(), Buffer.from(machine.gossipKey).toString("base64"));
    assert.throws(() => secret(second), /ENOENT/, "it was told no new one");
    for (const node of [first, third]) {
      const { peers } = await statusAt(node)();
      assert.ok(!peers.some(({ id }) => id === second.id), "nobody names it any more");
    }
    await eventually("it has lost the others", second.show, ({ nodes }) => nodes.filter((n) => n.online).length === 1);
    assert.ok(isAlive(first.id)(await statusAt(third)()), "the others gossip on");
    await third.close();
    await third.again();
    await eventually("one that was away for the new key too", statusAt(third), isAlive(first.id));
    assert.equal((await dial(second.tls, third.door)).first, "ended", "it is barred before its door is open");
  });

  it("is cut off at containers", LIMIT, async () => {
    const first = await founded();
    const second = await joined(first);
    await until("both know each other", () => view(second), online(2));
    ok(await unum(["load", await packed(first, { version: "1.0.0" })], { home: first }));
    ok(await unum(["start", "thumbnails"], { home: first }));
    const { containers } = await statusOf(first);
    const places: string[] = containers
      .flatMap((each: { addresses: string[] }) => each.addresses)
      .filter((address: string) => address.startsWith("tls:"));
    assert.ok(places.length > 0, "a container that other computers reach");
    const [key, cert, ca] = ["node.key", "node.crt", "ca.pem"].map((name) =>
      readFileSync(join(second, "machine", "identity", name), "utf8"),
    );
    const as = { key: key ?? "", cert: cert ?? "", ca: ca ?? "" };
    const open = await Promise.all(places.map((place) => dial(as, place)));
    assert.ok(open.every(({ first: what }) => what === "greeted"));
    const closed = open.map(({ socket }) => once(socket, "close"));
    const { node } = await view(second);
    ok(await unum(["revoke", node, "--reason", "stolen"], { home: first }));
    await Promise.all(closed);
    for (const place of places) assert.equal((await dial(as, place)).first, "ended", place);
  });
});

describe("a key that was revoked", LIMIT, () => {
  it(
    "commands no more, nor does what it gave, though it is granted again; nor can it take that back",
    LIMIT,
    async () => {
      machine = await localMachine();
      const first = await machine.add();
      const [stolen, given] = [newSigningKey(), newSigningKey()];
      const grant = (key: { raw: Uint8Array }) => ({
        case: "grant" as const,
        value: { key: key.raw, role: "operator" },
      });
      const revoke = (key: string) => ({ case: "revoked" as const, value: { key, reason: "stolen" } });
      await first.propose(`grant/${stolen.id}`, grant(stolen));
      await first.propose(`grant/${given.id}`, grant(given), stolen);
      const set = (by: typeof stolen) =>
        first.propose("variable/region", { case: "variable", value: { value: "x" } }, by);
      await set(given);
      await assert.rejects(first.propose(`revoked/${stolen.id}`, revoke(stolen.id), stolen), /cannot revoke itself/);
      await first.propose(`revoked/${stolen.id}`, revoke(stolen.id));
      await assert.rejects(set(stolen), { code: "denied" });
      await assert.rejects(set(given), { code: "denied" });
      await first.propose(`grant/${stolen.id}`, grant(stolen));
      await assert.rejects(set(stolen), { code: "denied" }, "granted again it stays out");
      const { founder } = machine;
      const back = { case: "removed" as const, value: { reason: "" } };
      await assert.rejects(first.propose(`revoked/${stolen.id}`, back), /for good/);
      await assert.rejects(first.propose(`revoked/${founder.id}`, revoke(founder.id)), /founded the machine/);
      const text = await packed(join(first.folder, ".."), { version: "1.0.0" });
      const bytes = new Uint8Array(readFileSync(text));
      const { digestOf } = await import("../../src/machine/archive/archive.ts");
      const { signFile } = await import("../../src/machine/archive/minisign.ts");
      const put = (by: typeof stolen) => {
        const signature = signFile(bytes, by, "test");
        const piece = { digest: digestOf(bytes), offset: 0n, total: BigInt(bytes.length), bytes, signature };
        return first.machine.putArchive(piece, { ttlMs: 30_000 });
      };
      await assert.rejects(put(stolen), { code: "denied" });
      assert.equal((await put(founder)).complete, true);
    },
  );
});
