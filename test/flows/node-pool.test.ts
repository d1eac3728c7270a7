// Steps that are slow, on a node that begins with few containers: it comes to have more, and nothing times out in an inbox.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { endNodes, tellLogs, up } from "../cli/node.ts";
import { cleanUp, jsonLines, LIMIT, scratch, unum } from "../cli/unum.ts";

const FLOW = "test/flows/kills-flow";
/** Of a second each, 16 at a time in a container: longer than a container takes to start, by far. */
const ITEMS = 400;

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
    const input = join(home, "items.ndjson");
    const items = Array.from({ length: ITEMS }, (_, number) => ({ name: `i${number}`, number: 1, workMs: 1_000 }));
    writeFileSync(input, items.map((item) => JSON.stringify(item)).join("\n"));
    const ran = await unum(["flow", "run", FLOW, "--input", input, "--json"], { home });
    assert.equal(ran.code, 0, ran.stderr);
    const [end] = jsonLines(ran);
    assert.deepEqual([end.where, end.ended, end.workers], ["the node here", ITEMS, 4]);
    const failures = end.nodes.map(({ failures: each }: { failures: number }) => each);
    assert.deepEqual(
      failures,
      failures.map(() => 0),
    );
  });
});
