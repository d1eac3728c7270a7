// Signatures that the program minisign makes and checks too.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { newSigningKey, readSigningKey } from "../keys/signing-key.ts";
import { publicKeyText, readPublicKey, signFile, verifyFile } from "./minisign.ts";

const missing = spawnSync("minisign", ["-v"]).error === undefined ? false : "minisign is not installed";

describe("a signature", () => {
  let folder = "";
  const bytes = new TextEncoder().encode("what was signed");
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "unum-minisign-"));
    await writeFile(join(folder, "file"), bytes);
  });
  after(() => rm(folder, { recursive: true }));

  it("is checked by minisign, with the public key as we write it", { skip: missing }, async () => {
    const key = newSigningKey();
    await writeFile(join(folder, "file.minisig"), signFile(bytes, key, "a comment"));
    await writeFile(join(folder, "key.pub"), publicKeyText(key));
    const check = () => spawnSync("minisign", ["-Vm", "file", "-p", "key.pub"], { cwd: folder, encoding: "utf8" });
    const { status, stdout, stderr } = check();
    assert.equal(status, 0, stderr);
    assert.match(stdout, /verified[\s\S]*a comment/);
    await writeFile(join(folder, "key.pub"), publicKeyText(newSigningKey()));
    assert.notEqual(check().status, 0);
  });

  it("of minisign is checked by us", { skip: missing }, async () => {
    const run = (args: string[]) => spawnSync("minisign", args, { cwd: folder, encoding: "utf8" });
    assert.equal(run(["-GW", "-p", "theirs.pub", "-s", "theirs.key"]).status, 0);
    assert.equal(run(["-Sm", "file", "-s", "theirs.key", "-t", "theirs", "-x", "theirs.minisig"]).status, 0);
    const signature = await readFile(join(folder, "theirs.minisig"), "utf8");
    const text = await readFile(join(folder, "theirs.pub"), "utf8");
    const key = readPublicKey(text);
    // Minisign draws its keys' ids; ours follow from the key.
    const drawn = Buffer.from(text.split("\n")[1] ?? "", "base64")
      .subarray(2, 10)
      .toString("hex");
    assert.throws(() => verifyFile(bytes, signature, [key]), { code: "denied", message: new RegExp(drawn) });
  });

  it("is of the key that is read back from its text", () => {
    const key = newSigningKey();
    const again = readSigningKey(key.secretPem);
    assert.equal(again.id, key.id);
    assert.deepEqual(readPublicKey(publicKeyText(key)), { id: key.id, raw: key.raw });
    assert.equal(verifyFile(bytes, signFile(bytes, again, "c"), [key]).comment, "c");
    assert.throws(() => readPublicKey("nonsense"), { code: "invalid" });
    assert.throws(() => readSigningKey("nonsense"), { code: "invalid" });
  });
});
