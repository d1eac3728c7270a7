// Why lifetimes alone are not merged, as the seeds do it: node → lifetime, the shorter one counts. The same network, the
// same exchanges, with plain minimum and with ours; nobody ever fails.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { mergeStatus, type Status } from "../../src/discovery/status.ts";

const NODES = 10;
const ROUNDS = 200;
/** Several times as many rounds as news takes to come around. */
const LIFETIME = 30;

/** What a node believes of each other: undefined where it thinks that there is none. */
type Dictionary = (Status | undefined)[];
type Merge = (mine: Status, theirs: Status) => Status;

const plainMinimum: Merge = (mine, theirs) => ({ ...mine, until: Math.min(mine.until, theirs.until) });

/** As often as a node that never failed disappeared from somebody's dictionary. */
function falseDeaths(merge: Merge, random: Random): number {
  const nodes = Array.from({ length: NODES }, (): Dictionary => new Array<Status | undefined>(NODES).fill(undefined));
  let deaths = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [id, known] of nodes.entries()) {
      // "add/update yourself with max_ttl"
      known[id] = { incarnation: round, state: "alive", until: LIFETIME, accusers: [] };
      const other = nodes[random.below(NODES)] ?? known;
      for (let about = 0; about < NODES; about++) {
        const theirs = other[about];
        const mine = known[about];
        if (theirs !== undefined) known[about] = mine === undefined ? theirs : merge(mine, theirs);
      }
      // "decrement everyone else's TTL, kill those with 0"
      for (const [about, status] of known.entries()) {
        if (about === id || status === undefined) continue;
        known[about] = status.until > 1 ? { ...status, until: status.until - 1 } : undefined;
        if (known[about] === undefined) deaths++;
      }
    }
  }
  return deaths;
}

describe("lifetimes in a network where nobody fails", () => {
  it("run out again and again where the shorter always counts", () => {
    for (let seed = 1; seed <= 5; seed++)
      assert.ok(falseDeaths(plainMinimum, seededRandom(seed)) > 500, `seed ${seed}`);
  });

  it("are renewed where the incarnation counts first", () => {
    for (let seed = 1; seed <= 5; seed++) assert.equal(falseDeaths(mergeStatus, seededRandom(seed)), 0, `seed ${seed}`);
  });
});
