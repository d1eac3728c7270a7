// Steps that are slow, on a node that begins with few containers: it comes to have more, nothing times out in an inbox, and afterwards it has few
// again.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { endNodes, tellLogs, up } from "../cli/node.ts";
import { cleanUp, jsonLines, LIMIT, scratch, unum } from "../cli/unum.ts";
import { startNode } from "../governor/node.ts";

const FLOW = "test/flows/kills-flow";
/** Of a second each, 16 at a time in a container: longer than a container takes to start, by far. */
const ITEMS = 400;

function itemsIn(home: string, count: number): string {
  const input = join(home, "items.ndjson");
  const items = Array.from({ length: count }, (_, number) => ({ name: `i${number}`, number: 1, workMs: 1_000 }));
  writeFileSync(input, items.map((item) => JSON.stringify(item)).join("\n"));
  return input;
}

describe("a node that works for a flow", LIMIT, () => {
  afterEach((test) => tellLogs(test));
  after(async () => {
    await endNodes();
    await cleanUp();
  });

  it("starts containers while there is more to do than those there can, up to its limit", async () => {
    const home = await scratch();
    const node = await up(`${FLOW}/components`, ["--spares", "0", "--containers", "4"], { home });
    const before = await node.status();
    assert.ok(before.containers.length < 4, JSON.stringify(before.containers));
    const ran = await unum(["flow", "run", FLOW, "--input", itemsIn(home, ITEMS), "--json"], { home });
    assert.equal(ran.code, 0, ran.stderr);
    const [end] = jsonLines(ran);
    assert.deepEqual([end.where, end.ended, end.workers], ["the node here", ITEMS, 4]);
    const failures = end.nodes.map(({ failures: each }: { failures: number }) => each);
    assert.deepEqual(
      failures,
      failures.map(() => 0),
    );
  });

  it("stops those that have nothing to do once the flow is over, but for one, which serves the next flow", async () => {
    const home = await scratch();
    const folder = fileURLToPath(new URL("kills-flow/components", import.meta.url));
    // A node waits a minute before it stops one; here a second.
    const node = await startNode({ node: { containers: 3, spares: 0 } }, { folder, idleMs: 1_000 });
    try {
      const run = (id: string, count: number) =>
        unum(["flow", "run", FLOW, "--to", node.door, "--input", itemsIn(home, count), "--id", id, "--json"], { home });
      const serving = ({ containers }: Awaited<ReturnType<typeof node.status>>) =>
        containers.filter(({ state, components }) => state === "serving" && components.length > 0).length;
      await node.until((status) => serving(status) >= 1);
      const ending = run("busy", ITEMS);
      // Not for ever where the run ends without them: its end is looked at below.
      const grown = await Promise.race([node.until((status) => serving(status) === 3), ending.then(() => undefined)]);
      const ended = await ending;
      assert.equal(ended.code, 0, ended.stderr);
      assert.ok(grown !== undefined, `the run was over before the node had three: ${ended.stdout}`);
      const { events } = await node.until((status) => serving(status) === 1);
      assert.ok(
        events.some(({ text }) => /had nothing to do for \d+ s/.test(text)),
        events.map(({ text }) => text).join("\n"),
      );
      const next = await run("next", 2);
      assert.deepEqual([next.code, jsonLines(next)[0].ended], [0, 2], next.stderr);
    } finally {
      await node.end();
    }
  });
});
