// Memberships over the system's own datagrams and clock: what a pretended network cannot show.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Fault } from "../../src/base/fault.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Member } from "../../src/discovery/members.ts";
import { newMembership } from "../../src/discovery/membership.ts";
import type { Membership, MembershipOptions } from "../../src/discovery/options.ts";
import { systemClock } from "../../src/system/clock.ts";
import { systemDatagrams } from "../../src/system/datagrams.ts";
import { systemRandom } from "../../src/system/random.ts";
import { entryOf } from "./world.ts";

const clock = systemClock();
const datagrams = systemDatagrams();
/** As the doors would, by id. */
const doors = new Map<string, Membership>();

/** Quick, so that the test is; the proportions are the default ones. */
const settings = {
  probeIntervalMs: 100,
  probeTimeoutMs: 50,
  gossipIntervalMs: 25,
  suspicionLeastMs: 500,
  deadProbeIntervalMs: 500,
};

async function start(id: string, over: Partial<MembershipOptions> = {}): Promise<Membership> {
  const membership = newMembership({
    clock,
    random: systemRandom(),
    log: silentLog,
    datagrams,
    self: { id, incarnation: 1, listen: { host: "127.0.0.1", port: 0 }, doors: [`test:${id}`] },
    seeds: [],
    settings,
    sync: async (peer, request) => {
      const door = doors.get(peer.id);
      if (door === undefined) throw new Fault("undeliverable", `no door of ${peer.id}`);
      return door.answerSync(request);
    },
    ...over,
  });
  membership.update(entryOf({ id }));
  await membership.start();
  doors.set(id, membership);
  return membership;
}

/** Resolves when the members are as wanted; rejects after ten times what is expected. */
function until(membership: Membership, wanted: (members: readonly Member[]) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      stop();
      late.cancel();
      settle();
    };
    const look = () => {
      if (wanted(membership.members())) end(resolve);
    };
    const stop = membership.onChange(look);
    const seen = () => membership.members().map(({ id, state }) => `${id} ${state}`);
    const late = clock.after(60_000, () => end(() => reject(new Error(`members are ${seen().join(", ")}`))));
    look();
  });
}

const alive =
  (...ids: string[]) =>
  (members: readonly Member[]) =>
    ids.every((id) =>
      members.some((member) => member.id === id && member.state === "alive" && member.entry !== undefined),
    );
const is = (id: string, state: Member["state"]) => (members: readonly Member[]) =>
  members.some((member) => member.id === id && member.state === state);

function textOf({ host, port }: { host: string; port: number }): string {
  return `${host}:${port}`;
}

describe("memberships over real datagrams", () => {
  it("meet by a seed, see a crash, a return and a farewell, under a key", async () => {
    const key = new Uint8Array(32).fill(9);
    const a = await start("a", { key });
    const seeds = [textOf(a.address)];
    const b = await start("b", { key, seeds });
    const c = await start("c", { key, seeds });
    await Promise.all([a, b, c].map((each) => until(each, alive("a", "b", "c"))));
    const { address } = c;
    await c.close();
    doors.delete("c");
    await Promise.all([a, b].map((each) => until(each, is("c", "dead"))));
    const self = { id: "c", incarnation: 2, listen: address, doors: ["test:c"] };
    const again = await start("c", { key, seeds, self });
    await Promise.all([a, b, again].map((each) => until(each, alive("a", "b", "c"))));
    await again.leave();
    await Promise.all([a, b].map((each) => until(each, is("c", "left"))));
    await Promise.all([a.close(), b.close()]);
  });

  it("meet by beacons where they are asked for, without seeds", async () => {
    // A port of its own for each run, so that two runs on one computer do not meet.
    const probe = await datagrams.open({ host: "127.0.0.1", port: 0 });
    const beacon = { host: "239.77.20.7", port: probe.address.port };
    await probe.close();
    const all = await Promise.all(["d", "e", "f"].map((id) => start(id, { beacon })));
    await Promise.all(all.map((each) => until(each, alive("d", "e", "f"))));
    await Promise.all(all.map((each) => each.close()));
  });

  it("stay apart where the key or the network's name is another", async () => {
    const a = await start("g");
    const seeds = [textOf(a.address)];
    const other = await start("h", { seeds, settings: { ...settings, network: "other" } });
    const keyed = await start("i", { seeds, key: new Uint8Array(32) });
    const refused = () => a.stats().refused;
    while (refused().foreign === 0 || refused().unsealed === 0) await once(new Ticker(), "tick");
    for (const each of [a, other, keyed]) {
      assert.equal(each.members().length, 1);
      await each.close();
    }
  });

  it("say which port is taken", async () => {
    const a = await start("j");
    const self = { id: "k", incarnation: 1, listen: a.address, doors: [] };
    await assert.rejects(start("k", { self }), { code: "invalid", message: /in use by another process/ });
    await a.close();
  });
});

/** Looks again after a short while: counts have no listener. */
class Ticker extends EventTarget {
  constructor() {
    super();
    clock.after(10, () => this.dispatchEvent(new Event("tick")));
  }
}

describe("options that make no sense are refused", () => {
  const self = { id: "a", incarnation: 1, listen: { host: "127.0.0.1", port: 0 }, doors: [] };
  const cases: readonly [what: string, over: Partial<MembershipOptions>, says: RegExp][] = [
    [
      "an address outside without a key",
      { self: { ...self, listen: { host: "10.0.0.1", port: 7_100 } } },
      /10\.0\.0\.1:7100 is not on this computer.*give a key/,
    ],
    ["a seed outside without a key", { seeds: ["10.0.0.1:7100"] }, /10\.0\.0\.1:7100 is not on this computer/],
    [
      "any address with none to advertise",
      { self: { ...self, listen: { host: "0.0.0.0", port: 1 } } },
      /say which one to advertise/,
    ],
    ["a seed without a port", { seeds: ["somewhere"] }, /the seed 'somewhere'; expected HOST:PORT/],
    ["a short key", { key: new Uint8Array(16) }, /a key of 16 bytes; expected 32/],
    ["an id with a space", { self: { ...self, id: "a b" } }, /the node id 'a b'/],
    ["no incarnation", { self: { ...self, incarnation: 0 } }, /incarnation 0; expected 1/],
    ["five doors", { self: { ...self, doors: ["1", "2", "3", "4", "5"] } }, /at most 4 doors/],
  ];
  for (const [what, over, says] of cases) {
    it(what, async () => {
      await assert.rejects(start("a", { self, ...over }), { name: "Fault", message: says });
    });
  }
});
