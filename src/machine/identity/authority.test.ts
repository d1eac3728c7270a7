// Certificates and tokens: who they are for, and what is refused.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { ageOf, issueLeaf, newAuthority, newNodeKey, rootHash } from "./authority.ts";
import { isSecretOf, readToken, secretHash, tokenText } from "./token.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

describe("a machine's authority", () => {
  it("signs a node's key through an intermediate, for its name and hosts, with no right to sign others", async () => {
    const authority = await newAuthority("m1", NOW);
    const { publicKey } = newNodeKey();
    const text = await issueLeaf(authority, {
      node: "nabc",
      machine: "m1",
      hosts: ["10.0.0.1", "host.example"],
      publicKey,
      now: NOW,
    });
    const [leaf, issuer] = text.split(/(?<=-----END CERTIFICATE-----)\n/).map((pem) => new X509Certificate(pem));
    const root = new X509Certificate(authority.root);
    assert.ok(leaf !== undefined && issuer !== undefined);
    assert.ok(leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey));
    assert.ok(issuer.checkIssued(root) && issuer.verify(root.publicKey) && issuer.ca);
    assert.ok(!leaf.ca);
    assert.ok(leaf.checkIP("10.0.0.1") !== undefined && leaf.checkHost("host.example") !== undefined);
    assert.ok(leaf.checkHost("nabc.unum") !== undefined && leaf.checkHost("other.unum") === undefined);
    assert.match(leaf.subject, /CN=nabc/);
    assert.equal(leaf.publicKey.asymmetricKeyType, "ed25519");
  });

  it("is another for each machine, and its certificates age", async () => {
    const [one, two] = [await newAuthority("m1", NOW), await newAuthority("m1", NOW)];
    assert.notEqual(rootHash(one.root), rootHash(two.root));
    const { publicKey } = newNodeKey();
    const leaf = await issueLeaf(one, { node: "nabc", machine: "m1", hosts: [], publicKey, now: NOW });
    assert.ok(ageOf(leaf, NOW + DAY_MS) < 0.1);
    assert.ok(ageOf(leaf, NOW + 80 * DAY_MS) > 2 / 3);
    assert.ok(ageOf(leaf, NOW + 91 * DAY_MS) > 1);
  });

  it("refuses what is no Ed25519 key, no node's id and no host", async () => {
    const authority = await newAuthority("m1", NOW);
    const { publicKey, key } = newNodeKey();
    const sound = { node: "nabc", machine: "m1", hosts: ["h"], publicKey, now: NOW };
    for (const wrong of [
      { publicKey: "" },
      { publicKey: key },
      { publicKey: publicKey.replace("MCow", "AAAA") },
      { node: "" },
      { node: "nabc, O=root" },
      { node: "../x" },
      { hosts: ["a b"] },
      { hosts: ["x,DNS:y"] },
      { hosts: ["*"] },
    ]) {
      await assert.rejects(issueLeaf(authority, { ...sound, ...wrong }), { code: "invalid" }, JSON.stringify(wrong));
    }
  });
});

describe("a join token", () => {
  it("is read back from its text, and nothing else is one", () => {
    const token = { id: "tabcd", secret: "s".repeat(32), root: "r".repeat(43) };
    assert.deepEqual(readToken(tokenText(token)), token);
    for (const text of ["", "a.b.c", `${tokenText(token)}x`, tokenText({ ...token, secret: "short" })]) {
      assert.throws(() => readToken(text), { code: "invalid" }, text);
    }
  });

  it("is known by the hash of its secret alone", () => {
    assert.ok(isSecretOf(secretHash("a"), "a"));
    assert.ok(!isSecretOf(secretHash("a"), "b"));
    assert.ok(!isSecretOf(new Uint8Array(), ""));
  });
});
