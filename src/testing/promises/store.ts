// What every Store promises, as tests: run with each implementation, so that a program need not know which it has.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Store } from "../../stores/store.ts";

export interface StoreWorld {
  /** Each call: another process's view of the same objects. */
  store(): Store;
  /** Lets what others wrote be noticed, where that takes time. */
  noticed(): Promise<void>;
  close(): Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (of: Uint8Array | undefined) => (of === undefined ? undefined : new TextDecoder().decode(of));

export function storePromises(kind: string, open: () => Promise<StoreWorld>): void {
  const inWorld = (test: (world: StoreWorld) => Promise<void>) => async () => {
    const world = await open();
    try {
      await test(world);
    } finally {
      await world.close();
    }
  };
  describe(`what a store promises: ${kind}`, () => {
    it(
      "keeps what was put, every version under its number, and the newest where none is named",
      inWorld(async ({ store }) => {
        const one = store();
        assert.equal(await one.get("a/b"), undefined);
        assert.deepEqual(await one.put("a/b", bytes("first")), { kind: "stored", version: 1 });
        assert.deepEqual(await one.put("a/b", bytes("second")), { kind: "stored", version: 2 });
        const other = store();
        assert.equal(text((await other.get("a/b"))?.bytes), "second");
        assert.equal(text((await other.get("a/b", 1))?.bytes), "first");
        assert.equal(await other.get("a/b", 3), undefined);
        assert.deepEqual(await other.versions("a/b"), [1, 2]);
      }),
    );

    it(
      "stores an empty object as one, not as a removed one",
      inWorld(async ({ store }) => {
        const one = store();
        await one.put("empty", new Uint8Array());
        assert.equal((await one.get("empty"))?.bytes?.length, 0);
        assert.deepEqual(await one.keys(""), ["empty"]);
      }),
    );

    it(
      "writes only where the version is the one asked for, and says which is there",
      inWorld(async ({ store }) => {
        const one = store();
        assert.deepEqual(await one.put("k", bytes("a"), 3), { kind: "conflict", version: 0 });
        await one.put("k", bytes("a"), 0);
        assert.deepEqual(await one.put("k", bytes("b"), 0), { kind: "conflict", version: 1 });
        assert.deepEqual(await store().put("k", bytes("b"), 1), { kind: "stored", version: 2 });
        assert.equal(text((await one.get("k"))?.bytes), "b");
      }),
    );

    it(
      "lets one of many win who ask for the same version, and loses none of those who do not mind which",
      inWorld(async ({ store }) => {
        const many = Array.from({ length: 8 }, () => store());
        const asked = await Promise.all(many.map((each, index) => each.put("race", bytes(`${index}`), 0)));
        assert.equal(asked.filter(({ kind: outcome }) => outcome === "stored").length, 1);
        const unasked = await Promise.all(many.map((each, index) => each.put("race", bytes(`${index}`))));
        const numbers = unasked.map(({ version }) => version).sort((a, b) => a - b);
        assert.deepEqual(numbers, [2, 3, 4, 5, 6, 7, 8, 9]);
      }),
    );

    it(
      "removes with a tombstone, which has a version of its own and can be put over",
      inWorld(async ({ store }) => {
        const one = store();
        await one.put("gone", bytes("a"));
        assert.deepEqual(await one.remove("gone", 1), { kind: "stored", version: 2 });
        const newest = await one.get("gone");
        assert.deepEqual([newest?.version, newest?.bytes], [2, undefined]);
        assert.equal(text((await one.get("gone", 1))?.bytes), "a");
        assert.deepEqual(await one.keys(""), []);
        assert.deepEqual(await one.put("gone", bytes("b"), 2), { kind: "stored", version: 3 });
        assert.deepEqual(await one.keys(""), ["gone"]);
      }),
    );

    it(
      "prunes the oldest versions and never gives a number twice",
      inWorld(async ({ store }) => {
        const one = store();
        for (let i = 1; i <= 40; i++) await one.put("many", bytes(`${i}`));
        const kept = await one.versions("many");
        assert.equal(kept.at(-1), 40);
        assert.ok(kept.length >= 16 && kept.length < 40, `${kept.length} are kept`);
        assert.equal(await one.get("many", 1), undefined);
        assert.deepEqual(await one.put("many", bytes("x"), 1), { kind: "conflict", version: 40 });
      }),
    );

    it(
      "lists keys by how they begin, in order",
      inWorld(async ({ store }) => {
        const one = store();
        for (const key of ["b", "a/2", "a/1", "ab"]) await one.put(key, bytes(key));
        assert.deepEqual(await one.keys("a"), ["a/1", "a/2", "ab"]);
        assert.deepEqual(await one.keys("a/"), ["a/1", "a/2"]);
        assert.deepEqual(await one.keys("c"), []);
      }),
    );

    it(
      "gives notice of new versions, its own and others', and of nothing once that ended",
      inWorld(async ({ store, noticed }) => {
        const one = store();
        await one.put("w/old", bytes("before"));
        const told: string[] = [];
        const end = one.watch("w/", (key, version) => told.push(`${key} ${version}`));
        await noticed();
        await one.put("w/own", bytes("a"));
        await store().put("w/other", bytes("b"));
        await store().put("x/else", bytes("c"));
        await noticed();
        assert.deepEqual([...told].sort(), ["w/other 1", "w/own 1"]);
        end();
        await one.put("w/own", bytes("d"));
        await noticed();
        assert.equal(told.length, 2);
      }),
    );

    it(
      "refuses what is no key",
      inWorld(async ({ store }) => {
        const one = store();
        for (const key of ["", "/", "a//b", "../a", "a/..", ".a", "a/.b", "a%b", "a b", "a\0", "ä", "x".repeat(200)]) {
          await assert.rejects(one.put(key, bytes("x")), { code: "invalid" }, JSON.stringify(key));
          await assert.rejects(one.get(key), { code: "invalid" }, JSON.stringify(key));
        }
      }),
    );
  });
}
