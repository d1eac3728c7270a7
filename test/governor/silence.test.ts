// A loop that does not turn for longer than connections take silence, within its declared budget: real processes.

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { newClient, systemEnv, zmtpTransport } from "../../src/index.ts";
import { LongWork } from "../gen/unum/test/v1/work_pb.ts";
import { startNode, type TestNode } from "./node.ts";

const nodes: TestNode[] = [];
after(() => Promise.all(nodes.map((each) => each.end())));

describe("a loop that is blocked within its declared budget", { timeout: 600_000 }, () => {
  it("is not taken for dead, nor by the next governor: its value comes after 35 s, and so does that of a call that waited behind it", async () => {
    const node = await startNode({ node: { containers: 1, spares: 0 } });
    nodes.push(node);
    const { containers } = await node.until((status) => status.containers.some(({ state }) => state === "serving"));
    const [container] = containers;
    const env = systemEnv();
    // Two callers with connections of their own to the one container there is.
    const to = [...(container?.addresses ?? [])];
    const waiting = newClient({ env, transports: [zmtpTransport({ env })], to });
    await waiting.of(LongWork).do({ key: "warm" });
    const long = node.client.call(LongWork.method.do, { blockMs: 35_000, key: "long" }, { ttlMs: 300_000 });
    await node.until((status) => status.events.some(({ text }) => /is suspected/.test(text)));
    // Longer than one may take that has never answered; to this governor it has not.
    await node.killGovernor();
    const behind = waiting.of(LongWork).do({ key: "behind" }, { ttlMs: 300_000 });
    assert.equal((await long).key, "long");
    const { key, pid } = await behind;
    assert.equal(key, "behind");
    const status = await node.until(({ events }) => events.some(({ text }) => /answers again/.test(text)));
    assert.equal(pid, container?.pid);
    assert.ok(
      status.events.some(({ text }) => /is taken over/.test(text)),
      "by a governor that had not heard it",
    );
    assert.deepEqual(
      status.events.filter(({ text }) => /killed|exited/.test(text)),
      [],
    );
    await waiting.close();
    await node.end();
  });
});
