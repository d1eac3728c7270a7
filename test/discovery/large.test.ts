// A thousand nodes on a virtual clock: what each pays, how soon a crash is known, and what becomes of a cut.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SimulatedNode, World } from "./world.ts";

const MANY = 1_000;
const CRASHED = 3;
const CUT = 5;
/** Of rest, in which is measured. */
const SECONDS = 6;

async function together(nodes: number): Promise<World> {
  // Little to tell of each: what is told of a node costs no more than its budget, whatever it is.
  const world = new World({ seed: 11, nodes, entryOf: () => ({ unum: "0.1.0" }) });
  await world.startTogether();
  await world.clock.advance(3_000);
  return world;
}

/** What each node sends at rest on average, headers included. */
async function bytesPerSecond(world: World, seconds: number): Promise<number> {
  const sent = () => world.nodes.reduce((sum, { host }) => sum + world.network.sentBytes(host), 0);
  const before = sent();
  await world.clock.advance(seconds * 1_000);
  return (sent() - before) / seconds / world.nodes.length;
}

/** Whether each of them sees so many as alive and so many as dead, and nobody as anything else. */
function see(nodes: readonly SimulatedNode[], alive: number, dead: number): boolean {
  return nodes.every(({ membership }) => {
    const stats = membership.stats();
    return stats.alive === alive && stats.dead === dead;
  });
}

async function secondsUntil(world: World, so: () => boolean, withinS: number): Promise<number> {
  const from = world.clock.now();
  assert.ok(await world.until(so, withinS * 1_000), `not so within ${withinS} s`);
  return (world.clock.now() - from) / 1_000;
}

describe(`a network of ${MANY} nodes`, { timeout: 1_800_000 }, () => {
  it("costs each what 100 cost, knows crashes, grows together after a cut, and counts nobody as dead who can be reached", async (test) => {
    const few = await together(100);
    const bytesOfFew = await bytesPerSecond(few, SECONDS);
    await few.close();

    const world = await together(MANY);
    const bytes = await bytesPerSecond(world, SECONDS);
    assert.ok(bytes < bytesOfFew * 1.2 && bytes < 200, `${bytes} bytes/s, ${bytesOfFew} with 100 nodes`);

    for (const victim of world.nodes.slice(-CRASHED)) await world.crash(victim);
    const left = MANY - CRASHED;
    const knownS = await secondsUntil(world, () => see(world.living, left, CRASHED), 40);

    // Not at the same time: who is cut off hears of the crashes by tables, and doubts for as long as a suspicion may last.
    const apart = world.living.slice(-CUT);
    const rest = world.living.slice(0, -CUT);
    world.split(apart, rest);
    const goneS = await secondsUntil(world, () => see(rest, left - CUT, CRASHED + CUT), 40);
    world.network.mendAll();
    const healedS = await secondsUntil(world, () => see(world.living, left, CRASHED), 60);

    // Each counts as dead who crashed and who was cut off, once; whoever can be reached, never.
    for (const { id, membership } of rest) assert.equal(membership.stats().deaths, CRASHED + CUT, id);
    test.diagnostic(
      `${bytes.toFixed(0)} bytes/s a node (100 nodes: ${bytesOfFew.toFixed(0)}), ${CRASHED} crashes known to all after ${knownS} s, ` +
        `${CUT} cut off after ${goneS} s, together ${healedS} s after the cut was mended`,
    );
    await world.close();
  });
});
