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
        for (const name of await disk.list(folder)) await disk.list(join(folder, name));
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

  it("costs the same to write, however many versions are kept", async () => {
    const inside = join(folder, "cost");
    let looks = 0;
    const counting = {
      ...disk,
      list: (path: string) => {
        looks++;
        return disk.list(path);
      },
    };
    const store = fileStore({ folder: inside, disk: counting, clock: new VirtualClock(), log: silentLog, kept: 1_000 });
    for (let i = 1; i <= 60; i++)
      assert.deepEqual(await store.put("c", Uint8Array.of(i)), { kind: "stored", version: i });
    assert.ok(looks <= 2, `the folder was listed ${looks} times`);
    assert.equal((await store.versions("c")).length, 60);
  });

  it("is numbered after what other processes wrote, pruned or not, and after what was taken away by hand", async () => {
    const inside = join(folder, "others");
    const [one, other] = [1, 2].map(() =>
      fileStore({ folder: inside, disk, clock: new VirtualClock(), log: silentLog }),
    );
    assert.ok(one && other);
    assert.equal((await one.put("o", Uint8Array.of(1))).version, 1);
    for (let i = 2; i <= 40; i++) assert.equal((await other.put("o", Uint8Array.of(i))).version, i);
    assert.equal((await one.versions("o")).length, 16, "pruned");
    // The first remembers version 1, and finds the number after it free.
    assert.deepEqual(await one.put("o", Uint8Array.of(41), 1), { kind: "conflict", version: 40 });
    assert.deepEqual(await one.put("o", Uint8Array.of(41)), { kind: "stored", version: 41 });
    assert.deepEqual((await other.get("o"))?.bytes, Uint8Array.of(41));
    await rm(join(inside, "o"), { recursive: true });
    assert.deepEqual(await one.put("o", Uint8Array.of(1)), { kind: "stored", version: 1 });
  });
});
