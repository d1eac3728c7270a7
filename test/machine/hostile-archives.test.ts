// Archives that somebody made in order to harm, signed by a trusted key or by nobody: none is accepted, and nothing is written.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type Archive, digestOf, openArchive } from "../../src/machine/archive/archive.ts";
import { ARCHIVE_LIMITS, readEntries } from "../../src/machine/archive/entries.ts";
import { signFile } from "../../src/machine/archive/minisign.ts";
import { packArchive } from "../../src/machine/archive/pack.ts";
import { newSigningKey, type SigningKey } from "../../src/machine/keys/signing-key.ts";
import { PIECE_BYTES } from "../../src/machine/programs/archive-folder.ts";
import { mib, PROGRAMS, ZIPS } from "./hostile-zips.ts";
import { eventually, localMachine } from "./local-machine.ts";
import { zipOf } from "./zip-maker.ts";

const key = newSigningKey();
const open = (bytes: Uint8Array): Promise<Archive> => openArchive(bytes, signFile(bytes, key, "test"), [key]);

async function sound() {
  const description = {
    ...{
      name: "sound",
      version: "1.0.0",
      description: "",
      runsOn: "nodes" as const,
      containers: 1,
      threads: 0,
      capabilities: [],
    },
    ...{ trust: "operator" as const, parts: [{ kind: "component" as const, folder: "components" }] },
    disconnected: { policy: "keep" as const, afterMs: 60_000, onReturn: "resume" as const },
  };
  const files = new Map([["components/a.ts", Buffer.from("export default 1;\n")]]);
  const contracts = create(FileDescriptorSetSchema, {});
  return (await packArchive({ description, contracts, serves: [], files }, key)).bytes;
}

describe("an archive is refused that", () => {
  for (const [what, make, why] of ZIPS) {
    it(what, async () => {
      await assert.rejects(readEntries(make()), { code: "invalid", message: why });
      await assert.rejects(open(make()), { code: "invalid" });
    });
  }
  for (const [what, make, why] of PROGRAMS) {
    it(what, async () => {
      await assert.rejects(open(make()), { code: "invalid", message: why });
    });
  }

  it("is larger than an archive may be, without being looked at", async () => {
    const limits = { ...ARCHIVE_LIMITS, archiveBytes: 1_000 };
    await assert.rejects(openArchive(Buffer.alloc(1_001), "", [key], limits), {
      message: /1001 bytes, the limit is 1000/,
    });
  });

  it("holds no more than the limits say while a bomb is read", async () => {
    const bomb = zipOf(
      Array.from({ length: 4 }, (_, i) => ({ name: `f${i}`, content: mib(50), both: { size: 1_000 } })),
    );
    const before = process.memoryUsage().arrayBuffers;
    await assert.rejects(readEntries(bomb), { code: "invalid" });
    assert.ok(process.memoryUsage().arrayBuffers - before < 32 * 2 ** 20);
  });

  it("is signed by nobody, by another key, or by a key that is not trusted any more", async () => {
    const bytes = await sound();
    const other = newSigningKey();
    await assert.rejects(openArchive(bytes, "", [key]), { code: "denied" });
    await assert.rejects(openArchive(bytes, signFile(bytes, other, ""), [key]), {
      code: "denied",
      message: /not trusted/,
    });
    await assert.rejects(openArchive(bytes, signFile(bytes, key, ""), []), { code: "denied", message: /not trusted/ });
    assert.equal((await openArchive(bytes, signFile(bytes, key, ""), [other, key])).manifest.name, "sound");
  });

  it("has another key's name on its signature", async () => {
    const bytes = await sound();
    const other = newSigningKey();
    const lines = signFile(bytes, other, "x").split("\n");
    const packet = Buffer.from(lines[1] ?? "", "base64");
    Buffer.from(key.id, "hex").copy(packet, 2);
    lines[1] = packet.toString("base64");
    await assert.rejects(openArchive(bytes, lines.join("\n"), [key]), { code: "denied", message: /not what key/ });
  });

  it("has another comment than was signed", async () => {
    const bytes = await sound();
    const signature = signFile(bytes, key, "sound 1.0.0").replace("sound 1.0.0", "sound 9.0.0");
    await assert.rejects(openArchive(bytes, signature, [key]), { code: "denied", message: /comment/ });
  });

  it("had any one byte changed, wherever it is, and so had its signature", async () => {
    const bytes = await sound();
    const signature = signFile(bytes, key, "sound");
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      await assert.rejects(openArchive(changed, signature, [key]), { code: "denied" }, `byte ${at}`);
    }
    const [first = ""] = signature.split("\n");
    // What stands in the first line is said by nobody, and counts for nothing.
    for (let at = first.length; at < signature.length - 1; at++) {
      const changed = `${signature.slice(0, at)}${signature[at] === "A" ? "B" : "A"}${signature.slice(at + 1)}`;
      await assert.rejects(openArchive(bytes, changed, [key]), { code: "denied" }, `character ${at} of the signature`);
    }
  });

  it("was cut or lengthened anywhere", async () => {
    const bytes = await sound();
    const signature = signFile(bytes, key, "sound");
    for (let at = 0; at < bytes.length; at += 7) {
      await assert.rejects(openArchive(bytes.subarray(0, at), signature, [key]), { code: "denied" });
    }
    await assert.rejects(openArchive(Buffer.concat([bytes, Buffer.from("x")]), signature, [key]), { code: "denied" });
  });
});

describe("a controller", { skip: process.platform === "linux" ? false : "needs Linux", timeout: 300_000 }, () => {
  it("takes none of them in, writes nothing of them, and holds little while it looks", async () => {
    const machine = await localMachine();
    try {
      const first = await machine.add();
      const gone = newSigningKey();
      await first.propose(`grant/${gone.id}`, { case: "grant", value: { key: gone.raw, role: "operator", label: "" } });
      await first.propose(`revoked/${gone.id}`, { case: "revoked", value: { key: gone.id } });
      const { machine: door } = first;
      const handIn = async (bytes: Uint8Array, signature: string) => {
        const [digest, total] = [digestOf(bytes), BigInt(bytes.length)];
        for (let at = 0; ; at += PIECE_BYTES) {
          const piece = { bytes: bytes.subarray(at, at + PIECE_BYTES), offset: BigInt(at), total, digest, signature };
          if ((await door.putArchive(piece, { ttlMs: 60_000 })).complete) return;
        }
      };
      const by = (signer: SigningKey) => (bytes: Uint8Array) => signFile(bytes, signer, "");
      const good = new Uint8Array(await sound());
      const tried: (readonly [string, Uint8Array, (bytes: Uint8Array) => string, string])[] = [
        ...[...ZIPS, ...PROGRAMS].map(
          ([what, make]) => [what, new Uint8Array(make()), by(machine.founder), "invalid"] as const,
        ),
        ["is signed by nobody", good, () => "", "denied"],
        ["is signed by a key that nobody knows", good, by(newSigningKey()), "denied"],
        ["is signed by a key that was revoked", good, by(gone), "denied"],
        ["has the signature of another", good, () => signFile(good.subarray(1), machine.founder, ""), "denied"],
      ];
      assert.ok(tried.length > 60);
      const kept = async () => {
        const all = await readdir(dirname(dirname(first.folder)), { recursive: true });
        // What it notes of them, and says, is its own.
        return all.filter((path) => !/(^|\/)(audit|log|records)(\/|$)/.test(path)).sort();
      };
      const before = await kept();
      for (const [what, bytes, signed, code] of tried) {
        const held = process.memoryUsage().arrayBuffers;
        await assert.rejects(handIn(bytes, signed(bytes)), { code }, what);
        const more = process.memoryUsage().arrayBuffers - held;
        assert.ok(more < 64 * 2 ** 20, `${what}: ${more} bytes`);
      }
      assert.deepEqual(await kept(), before);
      // It goes on, and takes what is sound.
      await handIn(good, signFile(good, machine.founder, ""));
      await eventually(
        "it is there",
        () => readdir(join(first.folder, "archives")),
        (names) => names.length === 2,
      );
    } finally {
      await machine.end();
    }
  });
});
