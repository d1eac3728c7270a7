import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { bodyOf } from "../messages/contract.ts";
import { Kind, replyTo } from "../messages/envelope.ts";
import { Node } from "../messages/gen/unum/control/v1/node_pb.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { DirectNetwork } from "../transports/direct.ts";
import { newNodeClient } from "./node-client.ts";

/** Longer than a question to a door may take. */
const TOO_LATE_MS = 2_300;

describe("a client that comes in by a door", () => {
  it("goes on asking one that answers late, once at a time, and lets the process do other things meanwhile", async () => {
    const clock = new VirtualClock();
    const direct = new DirectNetwork();
    const { output } = Node.method.find;
    const askedAt: number[] = [];
    await direct.transport().listen("direct://door", async (request) => {
      if (request.kind === Kind.CANCEL) return replyTo(request);
      askedAt.push(clock.now());
      if (askedAt.length <= 5) await new Promise<void>((resolve) => clock.after(TOO_LATE_MS, resolve));
      return { ...replyTo(request), value: bodyOf(output, { nodes: [{ id: "n1" }] }), from: ["n1"] };
    });
    const coming = newNodeClient({
      env: { clock, random: seededRandom(1), log: silentLog },
      transports: [direct.transport()],
      seeds: ["direct://door"],
      withinMs: 60_000,
    });
    let isIn = false;
    void coming.then(() => {
      isIn = true;
    });
    assert.ok(await clock.runUntil(() => isIn, 60_000), `asked ${askedAt.length} times`);
    const client = await coming;
    assert.equal(client.nodes()[0]?.id, "n1");
    const pauses = askedAt.slice(1, 6).map((at, i) => at - (askedAt[i] ?? 0));
    assert.ok(
      pauses.every((ms) => ms >= 2_250),
      `asked after ${pauses.join(", ")} ms`,
    );
    await client.close();
  });
});
