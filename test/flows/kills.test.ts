// Real processes, killed with SIGKILL at random: containers and the router itself, in the midst of joins. UNUM_JOINS=1000 makes 1,000 joins,
// 'npm run nightly -- joins' 10,000.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { seededRandom } from "../../src/base/random.ts";
import { cleanUp, endOf, jsonLines, scratch, start, unum } from "../cli/unum.ts";

after(cleanUp);

const JOINS = Number(process.env["UNUM_JOINS"] ?? 100);
/** At most: a run may be over before. */
const CONTAINER_KILLS = Math.max(6, JOINS / 50);
const ROUTER_KILLS = Math.max(2, JOINS / 500);
/** Of each item, 16 at a time in two containers: the run lasts while that many are killed, however fast the machine is. */
const WORK_MS = Math.max(1_000, 200_000 / JOINS);
const FLOW = "test/flows/kills-flow";

/** Processes of one run's containers: children of the router. */
function childrenOf(pid: number | undefined): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/stat`, "utf8").split(") ")[1]?.split(" ")[1] === String(pid);
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe("joins under SIGKILL", {
  timeout: Math.max(20, JOINS / 50) * 60_000,
  skip: process.platform !== "linux",
}, () => {
  it("come together all the same: none stuck, none lost, none completed twice", async (test) => {
    const home = await scratch();
    const input = join(home, "items.ndjson");
    writeFileSync(
      input,
      Array.from({ length: JOINS }, (_, number) =>
        JSON.stringify({ name: `i${number}`, number: 3, workMs: WORK_MS }),
      ).join("\n"),
    );
    const random = seededRandom(5);
    const output = join(home, "out.ndjson");
    const args = ["flow", "run", FLOW, "--input", input, "--workers", "2", "--json"];
    let router: ChildProcess | undefined;
    let routers = 0;
    let containers = 0;
    /** Of which the router said so. */
    let told = 0;
    let last: Awaited<ReturnType<typeof endOf>> | undefined;
    for (let life = 0; ; life++) {
      const resume = life === 0 ? ["--id", "joins"] : ["--resume", "joins"];
      router = start([...args, ...resume, "--output", `${output}.${life}`], { home });
      const child = router;
      let over = false;
      const ended = endOf(child).finally(() => {
        over = true;
      });
      // Each life begins with a status that answers: the router works.
      while (!over) {
        const status = await unum(["flow", "status", "joins", "--json"], { home });
        if (over) break;
        const state = status.code === 0 ? jsonLines(status)[0] : undefined;
        if (state === undefined || state.workers === 0) continue;
        if (life < ROUTER_KILLS && random.below(3) === 0) {
          child.kill("SIGKILL");
          routers++;
          break;
        }
        const workers = childrenOf(child.pid);
        const victim = workers[random.below(Math.max(1, workers.length))];
        if (victim !== undefined && containers < CONTAINER_KILLS) {
          process.kill(victim, "SIGKILL");
          containers++;
        }
        if (containers >= CONTAINER_KILLS && life >= ROUTER_KILLS) break;
      }
      last = await ended;
      told += last.stderr.split("a container ended (SIGKILL)").length - 1;
      if (last.code === 0) break;
      assert.equal(last.code, null, last.stderr);
    }
    test.diagnostic(`${JOINS} joins, ${routers} routers and ${containers} containers killed`);
    const end = jsonLines(last)[0];
    assert.equal(end.finished, "done");
    const done = new Map(end.nodes.map((node: { name: string; done: number }) => [node.name, node.done]));
    assert.deepEqual([done.get("together"), done.get("ends")], [JOINS, JOINS]);
    assert.ok(routers + containers > 0, `${routers} routers and ${containers} containers were killed`);
    // It is said of each, but for those that went with their router.
    assert.ok(told <= containers && (containers <= routers || told > 0), `${told} of ${containers}`);
    // What came out: every item, again perhaps after a crash, but always as the same task.
    const tasks = new Map<string, Set<number>>();
    for (const file of readdirSync(home).filter((name) => name.startsWith("out.ndjson"))) {
      for (const line of readFileSync(join(home, file), "utf8")
        .split("\n")
        .filter((text) => text.endsWith("}"))) {
        const { value, task } = JSON.parse(line);
        assert.equal(value.items, 4);
        tasks.set(value.name, (tasks.get(value.name) ?? new Set()).add(task));
      }
    }
    assert.ok([...tasks.values()].every(({ size }) => size === 1));
  });
});
