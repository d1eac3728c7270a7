// A spool over the simulator's disk: what is left of it after crashes, losses of power, torn ends and full disks.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Clock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { SimulatedDisk } from "../testing/hosts/simulated-disk.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import type { Item } from "./box.ts";
import type { Place } from "./segment-files.ts";
import { Spool } from "./spool.ts";

const LIMITS = { items: 10_000, bytes: 64 * 2 ** 20 };
const ALL = { items: 100_000, bytes: 2 ** 30 };
const FOREVER = Number.POSITIVE_INFINITY;

function world(seed = 1, limits = LIMITS) {
  const clock = new VirtualClock();
  const disk = new SimulatedDisk(clock, seededRandom(seed));
  const said: string[] = [];
  /** What the time of day is off by. */
  const wall = { offMs: 0 };
  const shown: Clock = {
    now: () => clock.now(),
    wallNow: () => clock.wallNow() + wall.offMs,
    after: (ms, fire) => clock.after(ms, fire),
    at: (deadline, fire) => clock.at(deadline, fire),
    soon: (fire) => clock.soon(fire),
  };
  const left: string[] = [];
  const open = (user = { alive: true, deliver: (fire: () => void) => fire() }) =>
    run(
      clock,
      Spool.open({
        ...{ disk: disk.of(user), clock: shown, folder: "/box", limits, id: "s1" },
        log: { write: (_, text) => said.push(text) },
        left: (items, why) => left.push(...items.map(({ sequence }) => `${why} ${sequence}`)),
      }),
    );
  return { clock, disk, wall, said, left, open };
}

/** Lets time pass until it has settled. */
async function run<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = promise.finally(() => {
    settled = true;
  });
  done.catch(() => {});
  assert.ok(await clock.runUntil(() => settled, 600_000), "it does not settle");
  return done;
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const letter = (message: string, set: { key?: string; expiresAt?: number; mark?: number; lane?: string } = {}) => ({
  ...{ message: new TextEncoder().encode(message), lane: "", key: "", expiresAt: FOREVER, mark: 0 },
  ...set,
});
const all = async (clock: VirtualClock, spool: Spool) => {
  const items = spool.take("", ALL);
  const messages = await run(clock, spool.read(items));
  spool.ended("", new Set());
  return messages.map(text);
};

describe("a spool", () => {
  it("has after a restart what it had, without what is gone, in order", async () => {
    const { clock, open } = world();
    const spool = await open();
    await run(clock, Promise.all(["a", "b", "c", "d"].map((each) => spool.put(letter(each)))));
    const [, second] = spool.take("", ALL);
    spool.ended("", new Set([second?.sequence ?? 0]));
    await run(clock, spool.settled());
    const again = await open();
    assert.deepEqual(await all(clock, again), ["a", "c", "d"]);
    assert.equal(again.id, spool.id);
    await run(clock, again.put(letter("e")));
    assert.deepEqual(await all(clock, await open()), ["a", "c", "d", "e"]);
  });

  it("keeps what it answered for through a loss of power", async () => {
    const { clock, disk, open, said } = world();
    const spool = await open();
    await run(clock, spool.put(letter("kept")));
    disk.losePower();
    assert.deepEqual(await all(clock, await open()), ["kept"]);
    assert.deepEqual(said, []);
  });

  it("reads on behind any torn end: each prefix of a segment is a spool, and what is written after it stays", async () => {
    const { clock, disk, open } = world();
    const spool = await open();
    for (const each of ["first", "second", "third"]) await run(clock, spool.put(letter(each)));
    const [path = ""] = disk.paths;
    const user = { alive: true, deliver: (fire: () => void) => fire() };
    const bytes = await run(clock, disk.of(user).read(path, 1e9));
    assert.ok(bytes !== undefined);
    for (let end = 0; end <= bytes.length; end++) {
      for (const each of disk.paths) disk.remove(each);
      await run(clock, disk.of(user).replace(path, bytes.subarray(0, end)));
      const torn = await open();
      const found = await all(clock, torn);
      assert.deepEqual(found, ["first", "second", "third"].slice(0, found.length), `${end} bytes`);
      await run(clock, torn.put(letter("later")));
      assert.deepEqual(await all(clock, await open()), [...found, "later"], `${end} bytes`);
    }
  });

  it("passes over what is behind a flipped bit, and says so", async () => {
    const { clock, disk, open, said } = world();
    const spool = await open();
    for (const each of ["first", "second"]) await run(clock, spool.put(letter(each)));
    const [path = ""] = disk.paths;
    const user = { alive: true, deliver: (fire: () => void) => fire() };
    const bytes = (await run(clock, disk.of(user).read(path, 1e9))) ?? assert.fail();
    const at = Buffer.from(bytes).indexOf("second");
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await run(clock, disk.of(user).replace(path, bytes));
    assert.deepEqual(await all(clock, await open()), ["first"]);
    assert.match(said.join(), /is no record, and is cut off/);
  });

  it("counts time on while it is closed; a clock that was set back gives nothing more than it had", async () => {
    const { clock, wall, open, left } = world();
    const spool = await open();
    await run(clock, spool.put(letter("short", { expiresAt: clock.now() + 10_000 })));
    await run(clock, spool.put(letter("long", { expiresAt: clock.now() + 60_000 })));
    await clock.advance(20_000);
    assert.deepEqual(await all(clock, await open()), ["long"]);
    assert.deepEqual(left, ["expired 1"]);
    wall.offMs = -3_600_000;
    const again = await open();
    await clock.advance(60_000);
    assert.deepEqual(await all(clock, again), []);
  });

  it("supersedes across restarts", async () => {
    const { clock, open, left } = world();
    const spool = await open();
    await run(clock, spool.put(letter("old", { key: "k" })));
    const again = await open();
    await run(clock, again.put(letter("new", { key: "k" })));
    assert.deepEqual(await all(clock, again), ["new"]);
    assert.deepEqual(left, ["superseded 1"]);
    assert.deepEqual(await all(clock, await open()), ["new"]);
  });

  it("refuses what is too much or too long, and says what the limits are", async () => {
    const { clock, open } = world(1, { items: 2, bytes: 3_000_000 });
    const spool = await open();
    await run(clock, Promise.all([spool.put(letter("a")), spool.put(letter("b"))]));
    assert.throws(() => spool.put(letter("c")), {
      code: "overloaded",
      message: /full: 2 messages, 2 bytes; the limits are 2 and/,
    });
    assert.throws(() => spool.put({ ...letter(""), message: new Uint8Array(2 ** 20 + 1) }), { code: "invalid" });
  });

  it("refuses on a full disk, with what the disk says, and goes on when there is room", async () => {
    const { clock, disk, open } = world();
    const spool = await open();
    await run(clock, spool.put(letter("a", { mark: 1 })));
    disk.full = true;
    await assert.rejects(run(clock, spool.put(letter("b", { mark: 2 }))), { message: /no space is left/ });
    assert.equal(spool.mark, 1, "it may come again");
    disk.full = false;
    await run(clock, spool.put(letter("c", { mark: 2 })));
    assert.deepEqual(await all(clock, await open()), ["a", "c"]);
  });

  it("follows another's numbering from the beginning, and knows both after a restart", async () => {
    const { clock, open } = world();
    const spool = await open();
    await run(clock, spool.put(letter("a", { mark: 7 })));
    spool.follow("other");
    assert.equal(spool.mark, 0);
    await run(clock, spool.put(letter("b", { mark: 2 })));
    const again = await open();
    assert.deepEqual([again.stream, again.mark], ["other", 2]);
  });

  it("takes no more of the disk than twice what lives and a little, though one message stays for ever", async () => {
    const { clock, disk, open } = world();
    const spool = await open();
    const big = "x".repeat(100_000);
    await run(clock, spool.put(letter("stays")));
    for (let round = 0; round < 200; round++) {
      await run(clock, spool.put(letter(big)));
      const items = spool.take("", ALL);
      spool.ended("", new Set(items.slice(1).map(({ sequence }) => sequence)));
    }
    await run(clock, spool.settled());
    const bytes = disk.paths.reduce((sum, path) => sum + (disk.text(path)?.length ?? 0), 0);
    assert.ok(bytes < 6 * 2 ** 20, `${bytes} bytes in ${disk.paths.length} files`);
    assert.deepEqual(await all(clock, await open()), ["stays"]);
  });

  /** Whatever is done, and whenever the process dies: what was answered for is there once, or was said to be gone. */
  it("loses nothing it answered for, and brings back only what was not yet said to be gone", async () => {
    const step = fc.record({
      put: fc.nat(3),
      take: fc.nat(3),
      crash: fc.boolean(),
      power: fc.boolean(),
      wait: fc.nat(20),
    });
    await fc.assert(
      fc.asyncProperty(fc.nat(1e9), fc.array(step, { minLength: 1, maxLength: 12 }), async (seed, steps) => {
        const { clock, disk, open } = world(seed);
        let user = { alive: true, deliver: (fire: () => void) => fire() };
        let spool = await open(user);
        const answered = new Set<string>();
        const gone = new Set<string>();
        const said = new Set<string>();
        let next = 0;
        for (const { put, take, crash, power, wait } of steps) {
          for (let each = 0; each < put; each++) {
            const name = `m${next++}`;
            const life = user;
            spool.put(letter(name)).then(
              () => life.alive && answered.add(name),
              () => {},
            );
          }
          await run(clock, passing(clock, wait / 4));
          const items = spool.take("", { items: take + 1, bytes: 1e9 });
          const names = (await run(clock, spool.read(items))).map(text);
          const done = items.slice(0, take);
          spool.ended("", new Set(done.map(({ sequence }: Item<Place>) => sequence)));
          for (const name of names.slice(0, take)) gone.add(name);
          if (!crash) {
            await run(clock, spool.settled());
            for (const name of gone) said.add(name);
            continue;
          }
          await run(clock, passing(clock, wait / 16));
          user.alive = false;
          user.deliver = () => {};
          if (power) disk.losePower();
          user = { alive: true, deliver: (fire) => fire() };
          spool = await open(user);
          const found = await all(clock, spool);
          assert.equal(new Set(found).size, found.length, "none twice");
          assert.deepEqual(
            found,
            [...found].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))),
            "in order",
          );
          for (const name of answered) assert.ok(gone.has(name) || found.includes(name), `${name} is lost`);
          for (const name of found) assert.ok(!said.has(name), `${name} is back`);
          // One that is back counts as waiting again.
          for (const name of found) gone.delete(name);
        }
      }),
      { numRuns: 60 },
    );
  });
});

function passing(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
