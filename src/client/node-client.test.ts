import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Kinds } from "../../test/gen/unum/test/v1/services_pb.ts";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { bodyOf } from "../messages/contract.ts";
import { Kind, replyTo } from "../messages/envelope.ts";
import { ContainerState } from "../messages/gen/unum/control/v1/governed_pb.ts";
import { Node } from "../messages/gen/unum/control/v1/node_pb.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { DirectNetwork } from "../transports/direct.ts";
import { MemoryNetwork } from "../transports/memory/memory-network.ts";
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

  it("asks its door again at once where a call finds nobody, and no more often than that while none does", async () => {
    const clock = new VirtualClock();
    const network = new MemoryNetwork({ clock, random: seededRandom(2) });
    const askedAt: number[] = [];
    const contract = { contract: Kinds.typeName, version: "1.0.0", concurrency: 1, budgetMs: 1_000 };
    const serving = (id: string) => ({
      ...{ id, addresses: [`memory://${id}`], components: [contract], state: ContainerState.READY },
      load: { running: 0, waiting: 0, free: 10, done: 0n },
    });
    let there = serving("gone");
    await network.transport("door").listen("memory://door", async (request) => {
      askedAt.push(clock.now());
      const nodes = [{ id: "n1", doors: ["memory://door"], containers: [there] }];
      const directory = { version: BigInt(askedAt.length), nodes };
      return { ...replyTo(request), value: bodyOf(Node.method.find.output, directory), from: ["n1"] };
    });
    await network.transport("next").listen("memory://next", async (request) => ({
      ...{ ...replyTo(request), value: bodyOf(Kinds.method.echo.output, {}), from: ["next"] },
    }));
    const coming = newNodeClient({
      env: { clock, random: seededRandom(1), log: silentLog },
      transports: [network.transport("client")],
      seeds: ["memory://door"],
    });
    await clock.advance(10);
    const client = await coming;
    const began = clock.now();
    let answeredAt: number | undefined;
    const call = client.call(Kinds.method.echo, {}, { withinMs: 20_000, ttlMs: 30_000 }).then(() => {
      answeredAt = clock.now();
    });
    await clock.advance(40);
    there = serving("next");
    assert.ok(await clock.runUntil(() => answeredAt !== undefined, 30_000));
    await call;
    // By the usual turn it would have heard of it 250 ms after it came in.
    assert.ok((answeredAt ?? 0) - began < 200, `${(answeredAt ?? 0) - began} ms`);

    there = serving("gone");
    await clock.advance(300);
    const from = askedAt.length;
    const late = client.call(Kinds.method.echo, {}, { withinMs: 10_000, ttlMs: 30_000 });
    const refused = assert.rejects(late, { code: "undeliverable" });
    await clock.advance(12_000);
    await refused;
    // 48 by their turn, and not many more.
    assert.ok(askedAt.length - from < 144, `asked ${askedAt.length - from} times in 12 s`);
    await client.close();
  });
});
