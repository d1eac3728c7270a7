// From every one of two hundred cuts the search goes on bit by bit as if nothing had happened, and damage costs one version.

import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { silentLog } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { loadCheckpoint, openRunStore, saveCheckpoint } from "../../src/cli/islands/run-store.ts";
import {
  Archipelago,
  bbob,
  changed,
  DEFAULT_SETTINGS,
  decodeCheckpoint,
  drive,
  encodeCheckpoint,
  ownHosts,
  planOf,
  problem,
} from "../../src/islands/index.ts";
import { cleanUp, scratch } from "../cli/unum.ts";

after(cleanUp);

const { evaluate } = bbob(15, 3);
const made = problem({ dimensions: 3, lower: -5, upper: 5, evaluate });
const engines = ["bipop", "de", "shade", "emas", "sep-cma"];
const plan = { ...planOf(made, { seed: 3, islands: 5, engines, evaluations: 400 }), portfolio: engines };
const often = ["migration.every=4", "migration.count=2", "migration.topology=torus", "portfolio.every=5"];
const settings = changed(DEFAULT_SETTINGS, often);
const never = new AbortController().signal;

async function ran(archipelago: Archipelago, told = () => {}): Promise<Archipelago> {
  await drive({ archipelago, hosts: ownHosts(made, () => 0), signal: never, told });
  return archipelago;
}

function cutOf(archipelago: Archipelago): Uint8Array {
  const cut = archipelago.cut();
  assert.ok(cut);
  return encodeCheckpoint({ plan: archipelago.plan, changes: archipelago.changes, cut });
}

/** Every cut of the search, and its last state. */
async function cuts(): Promise<{ readonly all: readonly Uint8Array[]; readonly end: Uint8Array }> {
  const all: Uint8Array[] = [];
  let last = 0;
  const archipelago = new Archipelago(plan, [{ epoch: 0, settings }]);
  await ran(archipelago, () => {
    if (archipelago.epoch === last || archipelago.cut() === undefined) return;
    last = archipelago.epoch;
    all.push(cutOf(archipelago));
  });
  return { all, end: cutOf(archipelago) };
}

describe("a search", () => {
  it("goes on from two hundred cuts, migrants under way and all, to the same bytes", async () => {
    const { all, end } = await cuts();
    const random = seededRandom(200);
    assert.ok(all.length > 30, `${all.length} cuts`);
    for (let times = 0; times < 200; times++) {
      const from = decodeCheckpoint(all[random.below(all.length)] ?? assert.fail());
      const again = await ran(new Archipelago(from.plan, from.changes, from.cut));
      assert.ok(
        Buffer.compare(cutOf(again), end) === 0,
        `another end than from the beginning, from epoch ${from.cut.epoch}`,
      );
    }
  });

  it("goes on from the version before one that is torn or has a flipped bit anywhere, and says which is damaged", async () => {
    const { all } = await cuts();
    const home = process.env["UNUM_HOME"];
    process.env["UNUM_HOME"] = await scratch();
    const store = openRunStore("damaged", silentLog);
    try {
      for (const bytes of all.slice(0, 4)) await saveCheckpoint(store, decodeCheckpoint(bytes));
      const folder = join(store.folder, "store", "checkpoint");
      const newest = join(folder, (await readdir(folder)).sort().at(-1) ?? "");
      const whole = await readFile(newest);
      const random = seededRandom(7);
      for (let times = 0; times < 60; times++) {
        const at = random.below(whole.length);
        const broken = times % 2 === 0 ? whole.subarray(0, at) : Buffer.from(whole);
        if (times % 2 === 1) broken.writeUInt8(broken.readUInt8(at) ^ (1 << random.below(8)), at);
        await writeFile(newest, broken);
        const said: string[] = [];
        const found = await loadCheckpoint(store, { damaged: (why) => said.push(why) });
        assert.equal(found?.cut.epoch, 3, `${times % 2 === 0 ? "torn" : "flipped"} at byte ${at} of ${whole.length}`);
        assert.match(said.join(), /version 4 of 'checkpoint' is damaged/);
      }
      await writeFile(newest, whole);
      assert.equal((await loadCheckpoint(store, { damaged: assert.fail }))?.cut.epoch, 4);
    } finally {
      store.close();
      if (home === undefined) delete process.env["UNUM_HOME"];
      else process.env["UNUM_HOME"] = home;
    }
  });
});
