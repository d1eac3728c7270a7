// An archipelago comes to the same populations whatever happens to the hosts of its islands.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { bbob } from "../bbob/bbob.ts";
import { problem } from "../problem.ts";
import { RandomStream } from "../random-stream.ts";
import { foundIn, planOf, type SearchOptions } from "../search.ts";
import { Archipelago } from "./archipelago.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { fromColumns, toColumns } from "./columns.ts";
import { drive } from "./drive.ts";
import { type Hosts, ownHosts, runSlice } from "./host.ts";
import { mostLag } from "./lag.ts";
import { changed, DEFAULT_SETTINGS } from "./settings.ts";

const rastrigin = bbob(3, 4);
const made = problem({ dimensions: 4, lower: -5, upper: 5, evaluate: rastrigin.evaluate, name: "f3" });
const OPTIONS: SearchOptions = { seed: 11, islands: 4, evaluations: 4_000, engines: ["bipop", "de", "shade", "emas"] };
const SETTINGS = changed(DEFAULT_SETTINGS, ["migration.every=300", "migration.count=2"]);
/** So many epochs that they are asked for in stretches. */
const SHORT = changed(SETTINGS, ["migration.every=25"]);
const never = new AbortController().signal;

function begin(options: SearchOptions = OPTIONS): Archipelago {
  return new Archipelago(planOf(made, options), [{ epoch: 0, settings: SETTINGS }]);
}

/** Engines are reassigned every third epoch. */
function portfolio(): Archipelago {
  const plan = planOf(made, { seed: 11, islands: 4, evaluations: 12_000 });
  assert.deepEqual(plan.portfolio, ["bipop", "de-separable", "ipop", "shade"]);
  return new Archipelago(plan, [{ epoch: 0, settings: changed(SETTINGS, ["portfolio.every=3"]) }]);
}

function bytesOf(archipelago: Archipelago): string {
  const cut = archipelago.cut();
  assert.ok(cut, "no epoch is over");
  const { plan, changes } = archipelago;
  const bytes = encodeCheckpoint({ plan, changes, cut });
  return createHash("sha256").update(bytes).digest("hex");
}

/** One generation a slice, in any order, answers late, and every third host dies with its work. */
function unreliable(seed: number): Hosts & { readonly deaths: () => number } {
  const random = RandomStream.seeded(seed);
  let deaths = 0;
  let time = 0;
  return {
    deaths: () => deaths,
    evolve: async (request) => {
      for (;;) {
        for (let turns = random.below(6); turns > 0; turns--) await new Promise((next) => process.nextTick(next));
        const { reply } = await runSlice(made, { ...request, sliceMs: random.below(5) }, { now: () => time++ });
        if (random.below(3) > 0) return reply;
        deaths++;
      }
    },
    close: async () => {},
  };
}

describe("an archipelago", () => {
  it("comes to the same bytes with hosts that are late, die and stop anywhere", async () => {
    const plain = begin();
    await drive({ archipelago: plain, hosts: ownHosts(made, () => 0), signal: never });
    for (const seed of [1, 2, 3]) {
      const other = begin();
      const hosts = unreliable(seed);
      await drive({ archipelago: other, hosts, signal: never, width: 1 + (seed % 3) });
      assert.ok(hosts.deaths() > 10, "no host died");
      assert.equal(bytesOf(other), bytesOf(plain));
    }
  });

  it("ends with the first epoch in which one island reached the target, wherever the others were", async () => {
    const options = { ...OPTIONS, target: rastrigin.optimum + 1 };
    const ends: string[] = [];
    for (const seed of [1, 2]) {
      const archipelago = begin(options);
      await drive({ archipelago, hosts: unreliable(seed), signal: never });
      const found = foundIn(archipelago);
      assert.equal(found.reachedTarget, true);
      ends.push(bytesOf(archipelago));
    }
    assert.equal(ends[0], ends[1]);
  });

  it("goes on from any cut as if nothing had happened", async () => {
    const whole = begin();
    const cuts: Uint8Array[] = [];
    let last = 0;
    const told = () => {
      const cut = whole.cut();
      if (cut === undefined || cut.epoch === last) return;
      last = cut.epoch;
      cuts.push(encodeCheckpoint({ plan: whole.plan, changes: whole.changes, cut }));
    };
    await drive({ archipelago: whole, hosts: unreliable(5), signal: never, told });
    assert.ok(cuts.length > 5);
    for (const bytes of cuts) {
      const { plan, changes, cut } = decodeCheckpoint(bytes);
      const again = new Archipelago(plan, changes, cut);
      await drive({ archipelago: again, hosts: ownHosts(made, () => 0), signal: never });
      assert.equal(bytesOf(again), bytesOf(whole), `from epoch ${cut.epoch}`);
    }
  });

  it("gives islands the same engines at the same epochs, whatever happens to their hosts, and from any cut", async () => {
    const plain = portfolio();
    const cuts: Uint8Array[] = [];
    const given = plain.seats.map(({ engine }) => [engine]);
    await drive({
      ...{ archipelago: plain, hosts: ownHosts(made, () => 0), signal: never },
      told: (i, { figures }) => {
        if (given[i]?.at(-1) !== figures.engine) given[i]?.push(figures.engine);
        const cut = plain.cut();
        if (cut !== undefined && cut.epoch > cuts.length)
          cuts.push(encodeCheckpoint({ plan: plain.plan, changes: plain.changes, cut }));
      },
    });
    assert.deepEqual(given[0], ["bipop"]);
    const back = given.filter((engines) => new Set(engines).size < engines.length);
    assert.ok(back.length > 0, `no engine was taken up again: ${given.join(" | ")}`);
    const other = portfolio();
    await drive({ archipelago: other, hosts: unreliable(21), signal: never, width: 3 });
    assert.equal(bytesOf(other), bytesOf(plain));
    for (const bytes of cuts) {
      const { plan, changes, cut } = decodeCheckpoint(bytes);
      const again = new Archipelago(plan, changes, cut);
      await drive({ archipelago: again, hosts: ownHosts(made, () => 0), signal: never });
      assert.equal(bytesOf(again), bytesOf(plain), `from epoch ${cut.epoch}`);
    }
  });

  it("keeps engines that were chosen, and all of them with portfolio.every=0", async () => {
    const chosen = begin({ ...OPTIONS, engines: ["de", "shade"], evaluations: 12_000 });
    const kept = new Archipelago(portfolio().plan, [{ epoch: 0, settings: changed(SETTINGS, ["portfolio.every=0"]) }]);
    for (const archipelago of [chosen, kept]) {
      await drive({ archipelago, hosts: ownHosts(made, () => 0), signal: never });
      assert.deepEqual(
        archipelago.seats.map(({ engine }) => engine),
        archipelago.plan.engines,
      );
    }
  });

  it("comes to the same in stretches of epochs as with one epoch a message, and from any cut", async () => {
    const short = () => new Archipelago(planOf(made, OPTIONS), [{ epoch: 0, settings: SHORT }]);
    const plain = short();
    const one = ownHosts(made, () => 0);
    let longest = 0;
    await drive({
      archipelago: plain,
      hosts: {
        ...one,
        evolve: (request, signal) => {
          longest = Math.max(longest, request.immigrants.counts.length);
          const immigrants = toColumns(fromColumns(request.immigrants).slice(0, 1));
          const tasks = request.tasks.slice(0, 1).map((each) => ({ ...each, epochs: 1 }));
          return one.evolve({ ...request, tasks, immigrants }, signal);
        },
      },
      signal: never,
    });
    assert.ok(plain.epoch > 100, `${plain.epoch} epochs are too few`);
    assert.ok(longest >= 4, `at most ${longest} epochs were asked for at once`);
    const other = short();
    const cuts: Uint8Array[] = [];
    const told = () => {
      const cut = other.cut();
      if (cut !== undefined && cut.epoch >= 16 * (cuts.length + 1))
        cuts.push(encodeCheckpoint({ plan: other.plan, changes: other.changes, cut }));
    };
    await drive({ archipelago: other, hosts: unreliable(8), signal: never, told, width: 3 });
    assert.equal(bytesOf(other), bytesOf(plain));
    assert.ok(cuts.length > 5);
    for (const bytes of cuts) {
      const { plan, changes, cut } = decodeCheckpoint(bytes);
      const again = new Archipelago(plan, changes, cut);
      await drive({ archipelago: again, hosts: ownHosts(made, () => 0), signal: never });
      assert.equal(bytesOf(again), bytesOf(plain), `from epoch ${cut.epoch}`);
    }
  });

  it("goes back to the epoch in which the target was reached, whoever was past it in a stretch", async () => {
    // A value that island 2 alone comes to, late in a stretch that others are past or begin in.
    const reached: number[] = [];
    const ends: string[] = [];
    for (const [seed, hosts] of [ownHosts(made, () => 0), unreliable(1), unreliable(2), unreliable(3)].entries()) {
      const plan = planOf(made, { ...OPTIONS, evaluations: 20_000, target: rastrigin.optimum + 1e-3 });
      const archipelago = new Archipelago(plan, [{ epoch: 0, settings: SHORT }]);
      let most = 0;
      const told = (i: number) => {
        most = Math.max(most, archipelago.seats[i]?.epochs ?? 0);
      };
      await drive({ archipelago, hosts, signal: never, told, width: 1 + seed });
      assert.equal(foundIn(archipelago).reachedTarget, true);
      const { changes } = archipelago;
      const again = new Archipelago(plan, changes, archipelago.cut());
      assert.ok(again.over, "who goes on from the end has nothing to do");
      assert.equal(bytesOf(again), bytesOf(archipelago));
      reached.push(most - archipelago.epoch);
      ends.push(bytesOf(archipelago));
    }
    assert.ok(
      reached.some((past) => past > 1),
      "nobody was past the end",
    );
    assert.equal(new Set(ends).size, 1);
  });

  it("goes on with the lag of the version that a plan is from", async () => {
    const { lag, ...old } = planOf(made, OPTIONS);
    assert.equal(lag, mostLag(4, 4));
    const run = async (plan: typeof old) => {
      const archipelago = new Archipelago(plan, [{ epoch: 0, settings: SHORT }]);
      await drive({ archipelago, hosts: ownHosts(made, () => 0), signal: never });
      const states = archipelago.cut()?.islands.map(({ snapshot }) => snapshot.state) ?? [];
      return Buffer.concat(states).toString("base64");
    };
    assert.equal(await run(old), await run({ ...old, lag: 1 } as typeof old));
    assert.notEqual(await run(old), await run({ ...old, lag } as typeof old));
  });

  it("takes settings from the same epoch on, however far islands were when they were changed", async () => {
    const first = begin();
    let epoch = 0;
    const told = () => {
      if (epoch === 0 && first.epoch === 3) {
        epoch = first.change(changed(SETTINGS, ["migration.topology=full", "migration.every=150"]));
      }
    };
    await drive({ archipelago: first, hosts: unreliable(9), signal: never, told });
    assert.ok(epoch > 3);
    const known = new Archipelago(first.plan, first.changes);
    await drive({ archipelago: known, hosts: ownHosts(made, () => 0), signal: never });
    assert.equal(bytesOf(known), bytesOf(first));
  });

  it("moves energy between islands and loses none", async () => {
    const engines = ["emas", "emas", "emas"];
    const settings = changed(SETTINGS, ["energy.inflow=20", "energy.outflow=15", "energy.migrate=110"]);
    const archipelago = new Archipelago(planOf(made, { ...OPTIONS, islands: 3, engines }), [{ epoch: 0, settings }]);
    await drive({ archipelago, hosts: unreliable(4), signal: never });
    let moved = 0;
    for (const { figures, received } of archipelago.seats) {
      const { energy = 0, energyIn = 0, energyOut = 0 } = figures?.own ?? {};
      assert.equal(energy, energyIn - energyOut);
      assert.ok(energy > 0);
      moved += received;
    }
    assert.ok(moved > 0, "nobody migrated");
  });

  it("runs freely: never waits, and purges migrants that nobody took in time", async () => {
    const plan = { ...planOf(made, { ...OPTIONS, engines: ["de"] }), free: true };
    const settings = changed(SETTINGS, ["migration.expiry=2"]);
    const archipelago = new Archipelago(plan, [{ epoch: 0, settings }]);
    let time = 0;
    // Island 0 gets a turn only where no other wants one.
    const hosts: Hosts = {
      evolve: async (request) => {
        if (request.lane === 1) for (let i = 0; i < 400; i++) await new Promise((next) => process.nextTick(next));
        return (await runSlice(made, { ...request, sliceMs: 1 }, { now: () => time++ })).reply;
      },
      close: async () => {},
    };
    await drive({ archipelago, hosts, signal: never });
    const [slow] = archipelago.seats;
    assert.ok((slow?.stale ?? 0) > 0, "nothing was stale");
    assert.ok(archipelago.seats.filter(({ received }) => received > 0).length >= 3);
  });

  it("refuses engines and settings that make no sense, naming them", () => {
    assert.throws(() => begin({ ...OPTIONS, engines: ["cmaes"] }), { code: "invalid", message: /'cmaes'.*cma, bipop/ });
    for (const [change, message] of [
      ["migration.evry=3", /'migration.evry'.*migration.every/],
      ["migration.every=0", /'0'.*from 1/],
      ["migration.topology=rong", /'rong'.*ring/],
      ["energy.inflow=1.5", /'1.5'.*whole/],
      ["energy.inflow", /no value/],
    ] as const) {
      assert.throws(() => changed(SETTINGS, [change]), { code: "invalid", message });
    }
  });

  it("asks hosts for what they can do: other counts of epochs, or migrants of another problem, are refused", async () => {
    const request = begin().request(0, 1_000);
    const genes = (count: number) => ({ genes: new Float64Array(count), values: Float64Array.of(1) });
    const wrong = [
      [{ ...request, immigrants: toColumns([[], []]) }, /is of 1 epochs and has the immigrants of 2/],
      [{ ...request, tasks: [] }, /is of 0 epochs/],
      [{ ...request, immigrants: toColumns([[genes(5)]]) }, /have 5 genes and 1 values, the problem 4 and 1/],
    ] as const;
    for (const [asked, message] of wrong)
      await assert.rejects(runSlice(made, asked, { now: () => 0 }), { code: "invalid", message });
    assert.equal(
      (await runSlice(made, { ...request, immigrants: toColumns([[genes(4)]]) }, { now: () => 0 })).reply.over,
      true,
    );
  });
});
