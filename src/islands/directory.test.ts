// The directory of nodes, kept in a store that many write.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { fileStore } from "unum/stores";
import { silentLog } from "../base/log.ts";
import { systemDisk } from "../system/disk.ts";
import { systemEnv } from "../system/env.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { Directory, type DirectoryEntry, merged } from "./directory.ts";

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function world(): Promise<{ clock: VirtualClock; node: (name: string, incarnation?: number) => Directory }> {
  const folder = await mkdtemp(join(tmpdir(), "unum-directory-"));
  folders.push(folder);
  const clock = new VirtualClock();
  const node = (name: string, incarnation = 1) => {
    // A store each, as processes of their own have.
    const store = fileStore({ folder, disk: systemDisk(), clock: systemEnv().clock, log: silentLog });
    const self = { node: name, incarnation, lifetimeMs: 1_000 };
    return new Directory({ store, clock, self, about: () => ({ islands: 2 }) });
  };
  return { clock, node };
}

describe("the directory of nodes", () => {
  it("loses nobody when all write at the same time", async () => {
    const { node } = await world();
    const nodes = Array.from({ length: 6 }, (_, i) => node(`n${i}`));
    await Promise.all(
      nodes.map(async (each) => {
        for (let round = 0; round < 4; round++) await each.checkIn();
      }),
    );
    const all = await (nodes[0] as Directory).checkIn();
    assert.deepEqual(Object.keys(all).sort(), ["n0", "n1", "n2", "n3", "n4", "n5"]);
    assert.equal(all["n3"]?.beat, 4);
  });

  it("strikes out who has been silent for its lifetime, and takes it back when it is heard again", async () => {
    const { clock, node } = await world();
    const [here, away] = [node("here"), node("away")];
    await away.checkIn();
    await here.checkIn();
    clock.advance(900);
    assert.deepEqual(Object.keys(await here.checkIn()).sort(), ["away", "here"]);
    clock.advance(200);
    assert.deepEqual(Object.keys(await here.checkIn()), ["here"]);
    await away.checkIn();
    assert.deepEqual(Object.keys(await here.checkIn()).sort(), ["away", "here"]);
  });

  it("has a later process take the name over, and forgets who leaves", async () => {
    const { node } = await world();
    await node("n", 1).checkIn();
    const later = node("n", 2);
    assert.equal((await later.checkIn())["n"]?.incarnation, 2);
    assert.equal((await node("n", 1).leave())["n"]?.incarnation, 2);
    assert.deepEqual(await later.leave(), {});
  });

  it("merges to the same in any order, and once more changes nothing", () => {
    const entry = fc.record(
      {
        node: fc.constantFrom("a", "b"),
        incarnation: fc.integer({ min: 1, max: 3 }),
        beat: fc.integer({ min: 1, max: 3 }),
        lifetimeMs: fc.integer({ min: 1, max: 3 }),
        about: fc.constant({}),
      },
      // Two that say the same, one of them without a prototype, are no different entries.
      { noNullPrototype: true },
    );
    const entries = fc
      .array(entry, { maxLength: 2 })
      .map((list) => merged(...list.map((each: DirectoryEntry) => ({ [each.node]: each }))));
    fc.assert(
      fc.property(entries, entries, entries, (a, b, c) => {
        assert.deepEqual({ ...merged(a, merged(b, c)) }, { ...merged(merged(a, b), c) });
        assert.deepEqual({ ...merged(b, a) }, { ...merged(a, b) });
        assert.deepEqual({ ...merged(a, a) }, { ...a });
      }),
    );
  });
});
