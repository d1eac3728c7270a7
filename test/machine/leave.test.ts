// A node that leaves by itself: it says so by its own key, the others hear it and take its certificate no more, and nothing of the
// machine stays with it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import tls from "node:tls";
import { issueLeaf, newAuthority, newNodeKey } from "../../src/machine/identity/authority.ts";
import { newSigningKey, readSigningKey } from "../../src/machine/keys/signing-key.ts";
import { endNodes, ok, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, unum } from "../cli/unum.ts";
import { eventually, type LocalMachine, type LocalNode, localMachine } from "./local-machine.ts";
import { founded, joined, online, view } from "./machine-nodes.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const TTL = { ttlMs: 30_000 };

let machine: LocalMachine | undefined;
afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
  await machine?.end();
  machine = undefined;
});
after(cleanUp);

/** What comes first at a door: its greeting, or the end. */
async function dial({ tls: as }: LocalNode, { door }: LocalNode): Promise<"greeted" | "ended"> {
  const { hostname, port } = new URL(door.replace("tls:", "https:"));
  const { key, cert, ca } = as;
  const socket = tls.connect({ host: hostname, port: Number(port), key, cert, ca, minVersion: "TLSv1.3" });
  socket.on("error", () => {});
  const first = await Promise.race([
    once(socket, "data").then(() => "greeted" as const),
    once(socket, "close").then(() => "ended" as const),
  ]);
  socket.destroy();
  return first;
}

describe("a node that leaves", { skip: linux, ...LIMIT }, () => {
  it("is heard by the others, who take its certificate no more", LIMIT, async () => {
    machine = await localMachine();
    const [first, second, third] = [await machine.add(), await machine.add(), await machine.add()];
    const knows = (count: number) => (seen: { nodes: { online: boolean; revoked: boolean }[] }) =>
      seen.nodes.filter((node) => node.online && !node.revoked).length === count;
    for (const node of [first, second, third]) await eventually("all know each other", node.show, knows(3));
    assert.equal(await dial(second, first), "greeted");
    await assert.rejects(first.machine.leave({}, TTL), /is a controller/);
    const { told } = await second.machine.leave({}, TTL);
    // One that hears it from another first refuses who has left already.
    assert.ok(told.length > 0 && told.every((id) => [first.id, third.id].includes(id)), told.join());
    const isOut = (seen: { nodes: { id: string; revoked: boolean }[] }) =>
      seen.nodes.some(({ id, revoked }) => id === second.id && revoked);
    for (const node of [first, third]) {
      await eventually("it is out", node.show, isOut);
      await eventually(
        "its certificate opens nothing",
        () => dial(second, node),
        (how) => how === "ended",
      );
    }
    assert.equal(await dial(third, first), "greeted", "nobody else is out");
    await assert.rejects(second.machine.leave({}, TTL), /has heard of no other node|none of \d+ other nodes/);
  });

  it("is not made to leave by anybody else's word", LIMIT, async () => {
    machine = await localMachine();
    const [first, second] = [await machine.add(), await machine.add()];
    const stranger = newSigningKey();
    const other = newNodeKey();
    const foreign = await newAuthority("mother", Date.now());
    const leaf = { machine: "mother", hosts: ["127.0.0.1"], publicKey: other.publicKey, now: Date.now() };
    const forged = await issueLeaf(foreign, { ...leaf, node: second.id });
    const [own, its] = [first.tls.cert, second.tls.cert];
    for (const [certificate, key, why] of [
      [its, stranger, /has not said that it leaves/],
      [own, readSigningKey(first.tls.key), /has not said that it leaves/],
      [forged, readSigningKey(other.key), /does not lead to the machine's root/],
      [`${its}\n${own}`, readSigningKey(second.tls.key), /is not two certificates/],
      ["nonsense", stranger, /is not two certificates/],
      ["", stranger, /'revoke' needs the role operator/],
    ] as const) {
      const value = { node: second.id, certificate };
      const said = first.propose(`revoked/${second.id}`, { case: "revoked", value }, key);
      await assert.rejects(said, (fault: Error & { code: string }) => why.test(fault.message));
    }
    assert.ok((await first.show()).nodes.every(({ revoked }) => !revoked));
    assert.equal(await dial(second, first), "greeted");
  });

  it("keeps nothing of the machine, and may come back as another", LIMIT, async () => {
    const first = await founded();
    const second = await joined(first);
    await until("both know each other", () => view(first), online(2));
    const { node } = await view(second);
    const refused = await unum(["leave"], { home: first });
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /is a controller.*--force/);
    assert.match(ok(await unum(["leave", "--grace", "1s"], { home: second })), new RegExp(`node ${node} has left`));
    for (const name of ["machine", "run"]) assert.ok(!existsSync(join(second, name)), name);
    const { nodes } = await view(first);
    const gone = nodes.find(({ id }: { id: string }) => id === node);
    assert.deepEqual([gone.revoked, gone.left], [true, true]);
    assert.match(ok(await unum(["machine"], { home: first })), /node +left/);
    assert.equal((await unum(["leave"], { home: second })).code, 3);
  });
});
