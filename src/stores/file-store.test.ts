// The store in a folder: the suite of all stores, and what may happen to files.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { silentLog } from "../base/log.ts";
import { systemDisk } from "../system/disk.ts";
import { storePromises } from "../testing/promises/store.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { type FileStore, fileStore } from "./file-store.ts";
import { decodeObject, encodeObject } from "./object-file.ts";

const disk = systemDisk();

storePromises("files", async () => {
  const folder = await mkdtemp(join(tmpdir(), "unum-store-"));
  const clock = new VirtualClock();
  const made: FileStore[] = [];
  return {
    store: () => {
      const store = fileStore({ folder, disk, clock, log: silentLog });
      made.push(store);
      return store;
    },
    // Two looks: the second begins after the first, which may have begun before what was written.
    noticed: async () => {
      for (let look = 0; look < 2; look++) {
        clock.advance(1_000);
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        await disk.scan(folder, { skip: [], limit: 1_000 });
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    close: async () => {
      for (const store of made) store.close();
      await rm(folder, { recursive: true });
    },
  };
});

describe("a stored object's file", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "unum-store-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("says that it is damaged, whichever byte changed and wherever it was cut", async () => {
    const file = encodeObject({ writtenAt: 1_000, bytes: new TextEncoder().encode("some bytes that matter") });
    assert.equal(decodeObject(file)?.bytes?.length, 22);
    for (let at = 0; at < file.length; at++) {
      const changed = Uint8Array.from(file);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.equal(decodeObject(changed), undefined, `byte ${at}`);
      assert.equal(decodeObject(file.subarray(0, at)), undefined, `cut at ${at}`);
    }
    assert.equal(decodeObject(Buffer.concat([file, Buffer.from("x")])), undefined, "lengthened");
  });

  it("gives back what it was made from", () => {
    fc.assert(
      fc.property(fc.option(fc.uint8Array(), { nil: undefined }), fc.nat(), (bytes, writtenAt) => {
        const back = decodeObject(encodeObject({ bytes, writtenAt }));
        assert.deepEqual(back?.bytes && [...back.bytes], bytes && [...bytes]);
        assert.equal(back?.writtenAt, writtenAt);
      }),
    );
  });

  it("is named where it is damaged, and the version before it can still be had", async () => {
    const store = fileStore({ folder, disk, clock: new VirtualClock(), log: silentLog });
    await store.put("k", new TextEncoder().encode("one"));
    await store.put("k", new TextEncoder().encode("two"));
    const path = join(folder, "k", "0000000000000002");
    await truncate(path, (await readFile(path)).length - 1);
    await assert.rejects(store.get("k"), {
      code: "internal",
      message: /version 2 of 'k' is damaged.*0000000000000002/,
    });
    assert.equal(new TextDecoder().decode((await store.get("k", 1))?.bytes), "one");
    // What is put over it is whole again.
    await store.put("k", new TextEncoder().encode("three"));
    assert.equal((await store.get("k"))?.version, 3);
  });

  it("is not taken for a version where somebody left another file beside it", async () => {
    const store = fileStore({ folder, disk, clock: new VirtualClock(), log: silentLog });
    await store.put("n", new TextEncoder().encode("one"));
    await writeFile(join(folder, "n", "0000000000000009.123-4.new"), "half");
    assert.deepEqual(await store.versions("n"), [1]);
  });
});
