// Islands on nodes that are there: two of them in a network, a machine's program, and what becomes of both when a node dies.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { endLater, endNodes, ok, processesWith, tellLogs, type UpNode, until, up } from "../cli/node.ts";
import { cleanUp, jsonLines, LIMIT, root, scratch, unum } from "../cli/unum.ts";
import { freePort } from "../network/nodes.ts";
import { type Live, liveWhen } from "./live.ts";

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

const EXAMPLE = join(root, "examples/09-islands");
const PROBLEM = join(EXAMPLE, "components/islands/rosenbrock.ts");
const COMPONENTS = join(root, "test/islands/components");
const ENGINES = ["--engine", "bipop", "--engine", "de", "--engine", "ga"];
const OWN = ["--seed", "11", "--islands", "3", ...ENGINES, "--target", "-1", "--json"];

/** Nodes that know each other, a container each; the first is home to the run. */
async function network(
  count: number,
): Promise<{ readonly nodes: readonly UpNode[]; readonly doors: readonly string[] }> {
  const ports = await Promise.all(Array.from({ length: count }, () => freePort()));
  const seeds = ["--seeds", `127.0.0.1:${ports[0]}`];
  const nodes: UpNode[] = [];
  for (const [i, port] of ports.entries()) {
    const home = await scratch();
    const args = ["--listen", `127.0.0.1:${port}`, "--containers", "1", "--spares", "0", ...(i === 0 ? [] : seeds)];
    nodes.push(await up(COMPONENTS, args, { home }));
  }
  for (const { home } of nodes) {
    await until(
      "all are seen",
      () => unum(["ps", "--json"], { home }),
      (ended) => ended.code === 0 && jsonLines(ended).length === count,
    );
  }
  return { nodes, doors: ports.map((port) => `tcp://127.0.0.1:${port}`) };
}

/** As a power cut: its keeper, its governor and its containers. */
function killNode(node: UpNode | undefined): void {
  for (const pid of processesWith((environment) => environment.includes(`\0UNUM_HOME=${node?.home}\0`))) {
    process.kill(pid, "SIGKILL");
  }
}

describe("islands on nodes that are there", LIMIT, () => {
  it(
    "evolve byte for byte as in one process on three nodes, and on what is left when two die, the one they came in by first",
    LIMIT,
    async () => {
      const home = await scratch();
      const few = [...OWN, "--evaluations", "8000", "--set", "migration.every=200"];
      const plain = unum(["islands", "run", join(COMPONENTS, "slow/slow-problem.ts"), ...few, "--in-process"], {
        home,
      });
      const { nodes, doors } = await network(3);
      const [first, second] = nodes;
      const run = unum(["islands", "run", "slow", "--to", doors[0] ?? "", ...few, "--name", "three"], { home });
      const on = ({ islands }: Live) => new Set(islands.map((each) => each.on)).size;
      await liveWhen(home, "three", (live) => on(live) === 3);
      killNode(first);
      await liveWhen(home, "three", ({ recoveries }) => recoveries > 0);
      killNode(second);
      const three = await run;
      const [expected] = jsonLines(await plain);
      const [found] = jsonLines(three);
      assert.deepEqual(
        { populations: found.populations, best: found.best, evaluations: found.evaluations },
        { populations: expected.populations, best: expected.best, evaluations: expected.evaluations },
        three.stderr,
      );
      assert.ok(found.recoveries > 0, three.stderr);
      assert.match(three.stderr, /lost its host and goes on from where it was/);
    },
  );

  it(
    "ask the proposer of a hosted problem where it is hosted, and begin with engines for its noise",
    LIMIT,
    async () => {
      const home = await scratch();
      const { doors } = await network(1);
      const few = ["--seed", "3", "--islands", "2", "--evaluations", "300", "--set", "migration.every=100", "--json"];
      const ran = await unum(["islands", "run", "hinted", "--to", doors[0] ?? "", ...few], { home });
      assert.equal(ran.code, 0, ran.stderr);
      const [result] = jsonLines(ran);
      assert.deepEqual([result.best.value, result.best.genes], [0, [1, 2, 3]]);
      assert.match(ran.stderr, /2 islands \(bipop, ipop; then by what works\)/);
      assert.match(ran.stderr, /the proposer's answer: candidate 1 is none: it has 2 genes, not 3/);
      const last = ran.stderr.split("\n").findLast((line) => line.startsWith(`{"live"`)) ?? "{}";
      const { proposals } = JSON.parse(last).live;
      assert.ok(proposals.asked > 0 && proposals.candidates > 0 && proposals.cost < proposals.asked, last);
    },
  );

  it("are a program of a machine: packed, loaded, started, and asked by name", LIMIT, async () => {
    const home = await scratch();
    endLater(home);
    ok(await unum(["up", "--detach", "--json"], { home }));
    const archive = JSON.parse(ok(await unum(["pack", EXAMPLE, "--out", await scratch(), "--json"], { home }))).path;
    ok(await unum(["load", archive], { home }));
    ok(await unum(["start", "islands"], { home }));
    const few = [...OWN, "--evaluations", "4000"];
    const ran = await unum(["islands", "run", "rosenbrock", ...few], { home });
    assert.equal(ran.code, 1, ran.stderr);
    const plain = await unum(["islands", "run", PROBLEM, ...few, "--in-process"], { home });
    assert.equal(jsonLines(ran)[0].populations, jsonLines(plain)[0].populations, ran.stderr);
    assert.match(ran.stderr, /3 islands .* on \d+ containers of 1 nodes/);
    const other = await unum(["islands", "run", "rosenbrok", ...few], { home });
    assert.equal(other.code, 2);
    assert.match(other.stderr, /hosts no problem 'rosenbrok'.*rosenbrock/);
  });
});
