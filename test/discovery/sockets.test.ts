// Memberships over real datagrams of this computer: they find each other, see who left and who is gone, and outlive garbage.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { describe, it } from "node:test";
import { silentLog } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { newMembership } from "../../src/discovery/membership.ts";
import type { Membership } from "../../src/discovery/options.ts";
import { systemClock } from "../../src/system/clock.ts";
import { systemDatagrams } from "../../src/system/datagrams.ts";
import { systemRandom } from "../../src/system/random.ts";

const NOBODY = () => Promise.reject(new Error("no door here"));

async function member(id: string, seeds: readonly string[], key?: Uint8Array): Promise<Membership> {
  const membership = newMembership({
    clock: systemClock(),
    random: systemRandom(),
    log: silentLog,
    datagrams: systemDatagrams(),
    self: { id, incarnation: 1, listen: { host: "127.0.0.1", port: 0 }, doors: [`ipc:///${id}`] },
    seeds,
    sync: NOBODY,
    ...(key === undefined ? {} : { key }),
  });
  await membership.start();
  return membership;
}

const text = ({ address: { host, port } }: Membership) => `${host}:${port}`;

const seen = (membership: Membership, id: string) =>
  membership.members().find((each) => each.id === id)?.state ?? "unknown";

/** Settles when it is so, and is looked at with every change; rejects after a minute. */
async function until(membership: Membership, so: () => boolean): Promise<void> {
  if (so()) return;
  const settled = Promise.withResolvers<void>();
  const late = setTimeout(() => settled.reject(new Error(JSON.stringify(membership.members()))), 60_000);
  const stop = membership.onChange(() => so() && settled.resolve());
  await settled.promise.finally(() => {
    stop();
    clearTimeout(late);
  });
}

describe("memberships over sockets", { timeout: 180_000 }, () => {
  it("find each other by one seed, see who left, and who is gone without a word", async () => {
    const a = await member("a", []);
    const b = await member("b", [text(a)]);
    const c = await member("c", [text(b)]);
    await until(a, () => seen(a, "b") === "alive" && seen(a, "c") === "alive");
    await until(c, () => seen(c, "a") === "alive" && seen(c, "b") === "alive");
    await b.leave();
    await until(a, () => seen(a, "b") === "left");
    await c.close();
    await until(a, () => seen(a, "c") === "dead");
    await a.close();
  });

  it("drop what is garbage, and go on", async () => {
    const a = await member("a", []);
    const random = seededRandom(7);
    const stranger = createSocket("udp4");
    for (let i = 0; i < 5_000; i++) {
      const bytes = Uint8Array.from({ length: random.below(1_400) }, () => random.below(256));
      // What looks like a packet of the right version for a byte or two gets further in.
      if (i % 2 === 0 && bytes.length > 0) bytes[0] = 1;
      await new Promise((resolve) => stranger.send(bytes, a.address.port, a.address.host, resolve));
    }
    stranger.close();
    const b = await member("b", [text(a)]);
    await until(b, () => seen(b, "a") === "alive");
    await until(a, () => seen(a, "b") === "alive");
    assert.equal(a.members().length, 2);
    await Promise.all([a.close(), b.close()]);
  });

  it("hear nothing from who has another key", async () => {
    const key = new Uint8Array(32).fill(1);
    const a = await member("a", [], key);
    const friend = await member("b", [text(a)], key);
    const stranger = await member("c", [text(a)], new Uint8Array(32).fill(2));
    await until(a, () => seen(a, "b") === "alive");
    assert.equal(seen(a, "c"), "unknown");
    assert.equal(seen(stranger, "a"), "unknown");
    await Promise.all([a.close(), friend.close(), stranger.close()]);
  });
});
