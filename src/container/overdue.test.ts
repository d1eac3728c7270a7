// Functions that do not settle while the loop turns: when the container says so of them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { First, Second } from "../../test/gen/unum/test/v1/chain_pb.ts";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { newClient } from "../client/client.ts";
import { runContainer } from "../node/run-container.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { DirectNetwork } from "../transports/direct.ts";
import { component } from "./component.ts";
import type { Container } from "./container.ts";

const noNetwork = { listen: () => Promise.reject(new Error()), connect: () => Promise.reject(new Error()) };

describe("a function that does not settle", () => {
  it("is overdue once its call's time, and then the budget that its component declared, are over", async () => {
    const clock = new VirtualClock();
    const direct = new DirectNetwork();
    const env = { clock, random: seededRandom(1), log: silentLog, network: noNetwork };
    const settle: (() => void)[] = [];
    const waits = { go: () => new Promise<object>((resolve) => settle.push(() => resolve({}))) };
    let container: Container | undefined;
    const running = await runContainer({
      ...{ env, id: "k1", transports: [direct.transport()], listen: ["direct://k1"] },
      components: [
        component(First, waits, { concurrency: 4 }),
        component(Second, waits, { concurrency: 4, budgetMs: 60_000 }),
      ],
      control: (inside) => {
        container = inside.container;
        return [];
      },
    });
    const client = newClient({ env, transports: [direct.transport()], to: ["direct://k1"] });
    const overdue = () => container?.overdue.map(({ component: name, sinceMs }) => `${name} ${sinceMs}`);
    for (const contract of [First, Second]) {
      const asked = client.of(contract).go({}, { ttlMs: 1_000 });
      const refused = assert.rejects(asked, { code: "unknown" });
      await clock.advance(1_000);
      await refused;
      const { budgetMs = 0 } = running.components.find((each) => each.contract === contract) ?? {};
      await clock.advance(budgetMs);
      assert.deepEqual(overdue(), [], "within its budget it is only slow");
      await clock.advance(10);
      assert.deepEqual(overdue(), [`${contract.typeName} 10`]);
      for (const end of settle.splice(0)) end();
      await clock.advance(1);
      assert.deepEqual(overdue(), [], "it has settled after all");
    }
    await client.close();
    await running.drain(0);
  });
});
