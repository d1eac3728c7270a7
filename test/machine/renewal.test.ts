// A node's certificate is renewed before it ends, while it runs; and nobody gets one in another's name.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import tls from "node:tls";
import { issueIssuer, issueLeaf, newAuthority, newNodeKey } from "../../src/machine/identity/authority.ts";
import { leafOf } from "../../src/machine/identity/leaf.ts";
import { ageOf, certificateAsked } from "../../src/machine/identity/renewing.ts";
import { issuerAsked } from "../../src/machine/identity/renewing-issuer.ts";
import { LIMIT } from "../cli/unum.ts";
import { eventually, type LocalMachine, type LocalNode, localMachine } from "./local-machine.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const TTL = { ttlMs: 30_000 };
const DAY_MS = 86_400_000;

let machine: LocalMachine | undefined;
afterEach(async () => {
  await machine?.end();
  machine = undefined;
});

/** What a node shows of itself, to who comes with the certificate of `as`. */
async function shown(of: LocalNode, as: LocalNode): Promise<X509Certificate> {
  const { hostname, port } = new URL(of.door.replace("tls:", "https:"));
  const { key, cert, ca } = as.tls;
  const socket = tls.connect({ host: hostname, port: Number(port), key, cert, ca, minVersion: "TLSv1.3" });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  const found = socket.getPeerX509Certificate() ?? assert.fail("no certificate");
  socket.destroy();
  return found;
}

describe("a node's certificate", { skip: linux, ...LIMIT }, () => {
  it("is another, for another key, when two thirds of its life are over, and the node goes on", LIMIT, async () => {
    machine = await localMachine();
    const first = await machine.add();
    const old = await machine.add({ ageDays: 80 });
    const young = await machine.add({ ageDays: 10 });
    const fresh = await eventually(
      "it is renewed",
      () => shown(old, first),
      (cert) => ageOf(String(cert), Date.now()) < 0.1,
    );
    const before = new X509Certificate(old.tls.cert);
    assert.equal(fresh.subject, before.subject);
    assert.equal(fresh.subjectAltName, before.subjectAltName);
    assert.notEqual(
      String(fresh.publicKey.export({ format: "pem", type: "spki" })),
      String(before.publicKey.export({ format: "pem", type: "spki" })),
    );
    const kept = (name: string) => readFileSync(join(old.folder, "identity", name), "utf8");
    await eventually(
      "it is kept",
      async () => existsSync(join(old.folder, "identity/node.next")),
      (is) => !is,
    );
    assert.equal(new X509Certificate(kept("node.crt")).fingerprint256, fresh.fingerprint256);
    assert.equal(
      String(new X509Certificate((await shown(young, first)).raw)),
      String(new X509Certificate(young.tls.cert)),
    );
    // A later change of what is barred does not bring the old one back.
    await first.propose(`revoked/${young.id}`, { case: "revoked", value: { node: young.id } });
    const isOut = ({ nodes }: { nodes: { id: string; revoked: boolean }[] }) =>
      nodes.some(({ id, revoked }) => id === young.id && revoked);
    await eventually("the renewed node hears on", old.show, isOut);
    assert.equal((await shown(old, first)).fingerprint256, fresh.fingerprint256);
    const { entries } = await first.machine.audit({}, TTL);
    assert.ok(entries.some(({ what, verdict }) => what === `renew node/${old.id}` && verdict === "done"));
  });

  it("is given to nobody in another's name, nor for one that has ended or was revoked", LIMIT, async () => {
    machine = await localMachine();
    const { id, issuer } = machine;
    const first = await machine.add();
    const asked = async (node: string, change: object = {}, days = 0, from = issuer) => {
      const { key, publicKey } = newNodeKey();
      const now = Date.now() - days * DAY_MS;
      const cert = await issueLeaf(from, { node, machine: id, hosts: ["127.0.0.1"], publicKey, now });
      const own = { key, cert, root: issuer.root };
      return { ...certificateAsked({ machine: id, own, now: Date.now() }).asked, ...change };
    };
    const given = await first.machine.renew(await asked("nother", {}, 80), TTL);
    assert.match(new X509Certificate(given.certificate).subject, /CN=nother/);
    const stolen = newNodeKey().publicKey;
    const foreign = await newAuthority("mother", Date.now());
    await first.propose("revoked/ngone", { case: "revoked", value: { node: "ngone" } });
    for (const [what, question, why] of [
      ["another key put in", await asked("nother", { publicKey: stolen }), /has not signed it/],
      ["another certificate put in", await asked("nother", { certificate: first.tls.cert }), /has not signed it/],
      ["no signature", await asked("nother", { signature: new Uint8Array(64) }), /has not signed it/],
      ["asked long ago", await asked("nother", { atMs: 1n }), /has not signed it/],
      ["a certificate that has ended", await asked("nother", {}, 91), /has ended; it joins again/],
      ["of another machine", await asked("nother", {}, 0, foreign), /does not lead to the machine's root/],
      ["of a revoked node", await asked("ngone"), /was revoked/],
      ["nonsense", { certificate: "nonsense" }, /is not two certificates/],
    ] as const)
      await assert.rejects(first.machine.renew(question, TTL), (fault: Error) => why.test(fault.message), what);
  });
});

describe("a controller's signing certificate", { skip: linux, ...LIMIT }, () => {
  it("is another when two thirds of its life are over, and what either signed is good", LIMIT, async () => {
    machine = await localMachine();
    const { id, issuer } = machine;
    const first = await machine.add();
    const second = await machine.add({ controller: true, issuerAgeDays: 300 });
    const old = second.issuing?.present() ?? assert.fail("it signs by nothing");
    const young = await machine.add({ controller: true, issuerAgeDays: 30 });
    const before = young.issuing?.present().cert;
    const asked = async () => {
      const { key, publicKey } = newNodeKey();
      const cert = await issueLeaf(old, {
        ...{ node: "nguest", machine: id, hosts: ["127.0.0.1"], publicKey, now: Date.now() - 60 * DAY_MS },
      });
      const own = { key, cert, root: issuer.root };
      return { cert, ...certificateAsked({ machine: id, own, now: Date.now() }) };
    };
    const guest = await asked();
    assert.equal(leafOf(guest.cert, issuer.root).node, "nguest");
    await eventually(
      "it is renewed",
      async () => second.issuing?.present().cert ?? "",
      (cert) => cert !== old.cert,
    );
    const fresh = second.issuing?.present() ?? assert.fail();
    const [is, was] = [new X509Certificate(fresh.cert), new X509Certificate(old.cert)];
    assert.ok(ageOf(fresh.cert, Date.now()) < 0.1);
    assert.equal(is.subject, was.subject);
    assert.notEqual(fresh.key, old.key);
    const kept = (name: string) => readFileSync(join(second.folder, "identity", name), "utf8");
    assert.deepEqual([kept("issuer.key"), kept("issuer.crt")], [fresh.key, fresh.cert]);
    // Who was let in by the old one gets a certificate under the new one, which the root has signed too.
    const { certificate } = await second.machine.renew(guest.asked, TTL);
    assert.equal(leafOf(certificate, issuer.root).node, "nguest");
    assert.ok(certificate.includes(fresh.cert.trim()));
    assert.equal(young.issuing?.present().cert, before, "one that is young stays");
    const { entries } = await first.machine.audit({}, TTL);
    assert.ok(entries.some(({ what, verdict }) => what === `renew controller/${second.id}` && verdict === "done"));
  });

  it("is given to nobody in another's name, nor by who has not the root's key", LIMIT, async () => {
    machine = await localMachine();
    const { id, issuer } = machine;
    const first = await machine.add();
    const second = await machine.add({ controller: true, issuerAgeDays: 1 });
    const signer = async (node: string, days = 0, by = issuer) => {
      const { key, publicKey } = newNodeKey();
      const now = Date.now() - days * DAY_MS;
      const cert = await issueIssuer({ rootKey: by.rootKey, root: by.root }, { machine: id, node, publicKey, now });
      return { key, cert, root: issuer.root };
    };
    const asked = async (node: string, change: object = {}, days = 0, by = issuer) => ({
      ...issuerAsked({ machine: id, issuer: await signer(node, days, by), now: Date.now() }).asked,
      ...change,
    });
    const given = await first.machine.renewIssuer(await asked("nother", {}, 300), TTL);
    assert.match(new X509Certificate(given.certificate).subject, /CN=controller nother/);
    const foreign = await newAuthority("mother", Date.now());
    await first.propose("revoked/ngone", { case: "revoked", value: { node: "ngone" } });
    const { key, cert } = await signer("nother");
    const asNode = certificateAsked({ machine: id, own: { key, cert, root: issuer.root }, now: Date.now() }).asked;
    for (const [what, question, why] of [
      ["another key put in", await asked("nother", { publicKey: newNodeKey().publicKey }), /has not signed it/],
      [
        "another certificate put in",
        await asked("nother", { certificate: (await signer("nother")).cert }),
        /has not signed it/,
      ],
      ["no signature", await asked("nother", { signature: new Uint8Array(64) }), /has not signed it/],
      ["a signature for another purpose", asNode, /has not signed it/],
      ["one that has ended", await asked("nother", {}, 366), /has ended; it joins again/],
      ["of another machine's root", await asked("nother", {}, 0, foreign), /root has not signed it/],
      ["of a revoked node", await asked("ngone"), /was revoked/],
      ["a node's certificate", await asked("nother", { certificate: first.tls.cert }), /proves nothing/],
      ["nonsense", { certificate: "nonsense" }, /proves nothing/],
    ] as const)
      await assert.rejects(first.machine.renewIssuer(question, TTL), (fault: Error) => why.test(fault.message), what);
    await assert.rejects(second.machine.renewIssuer(await asked("nother"), TTL), {
      code: "denied",
      message: /root's key/,
    });
  });
});
