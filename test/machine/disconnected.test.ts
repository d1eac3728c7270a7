// What a node does with programs while no controller answers: real nodes, of which the controller goes away and comes back.

import assert from "node:assert/strict";
import { after, afterEach, describe, it } from "node:test";
import { endNodes, ok, statusOf, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, unum } from "../cli/unum.ts";
import { founded, joined, online, view } from "./machine-nodes.ts";
import { packed } from "./program-folder.ts";

const linux = process.platform === "linux" ? false : "needs Linux";

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

/** A program of this name, on both nodes. */
async function started(home: string, name: string, disconnected: object): Promise<void> {
  const archive = await packed(home, { version: "1.0.0", description: { name, disconnected } });
  ok(await unum(["load", archive], { home }));
  assert.match(ok(await unum(["start", name], { home })), /on 2 nodes/);
}

describe("a program whose node is cut off from its controller", { skip: linux, ...LIMIT }, () => {
  it("goes on, or ends after its time and resumes, or stays stopped until something new is said, as its manifest says", async () => {
    const first = await founded();
    const second = await joined(first);
    await until("both know each other", () => view(first), online(2));
    const stop = { policy: "stop-after", afterMs: 5_000 };
    await started(first, "keeps", { policy: "keep" });
    await started(first, "resumes", { ...stop, onReturn: "resume" });
    await started(first, "stays", { ...stop, onReturn: "stop" });
    const { node } = await view(second);
    const all = async () => {
      const { programs } = await view(second);
      return ["keeps", "resumes", "stays"].map((name) =>
        programs
          .find((program: { name: string }) => program.name === name)
          .nodes.find((each: { node: string }) => each.node === node),
      );
    };
    const states = async () => (await all()).map(({ state }) => state);
    assert.deepEqual(await states(), ["running", "running", "running"]);

    ok(await unum(["down"], { home: first }));
    await until("two are stopped", states, (found) => found.join() === "running,stopped,stopped");
    assert.match((await all())[1].problems.join(), /no controller was reached for 5 s/);
    // Also under the next governor, which counts anew.
    const { pid } = await statusOf(second);
    process.kill(pid, "SIGKILL");
    await until(
      "another governs",
      () => statusOf(second),
      (status) => status.pid !== pid,
    );
    await until("they are stopped again", states, (found) => found.join() === "running,stopped,stopped");

    ok(await unum(["up", "--detach", "--json"], { home: first }));
    await until("one resumes", states, (found) => found.join() === "running,running,stopped");
    assert.match((await all())[2].problems.join(), /'unum start' runs it again/);
    ok(await unum(["start", "stays", "--json"], { home: first }));
    await until("the other is started", states, (found) => found.join() === "running,running,running");
  });
});
