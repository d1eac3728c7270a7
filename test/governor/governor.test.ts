// A node of real processes: what its governor does when things go wrong.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { LongWork, Work } from "../gen/unum/test/v1/work_pb.ts";
import { renumbered } from "./breaking.ts";
import { startNode, type TestNode } from "./node.ts";

const nodes: TestNode[] = [];

async function node(...settings: Parameters<typeof startNode>): Promise<TestNode> {
  const started = await startNode(...settings);
  nodes.push(started);
  return started;
}

after(() => Promise.all(nodes.map((each) => each.end())));

const serving = (count: number) => (status: Awaited<ReturnType<TestNode["status"]>>) =>
  status.containers.filter(({ state }) => state === "serving").length >= count;

const says = (text: RegExp) => (status: Awaited<ReturnType<TestNode["status"]>>) =>
  status.events.some((event) => text.test(event.text));

/** Calls without a pause until `stop`; every outcome is kept. */
function load(client: TestNode["client"], callers: number, waitMs: number) {
  let stopped = false;
  const failures: string[] = [];
  const keys: string[] = [];
  let calls = 0;
  const caller = async (who: number) => {
    while (!stopped) {
      const key = `${who}-${calls++}`;
      try {
        const reply = await client.call(Work.method.do, { waitMs, key }, { ttlMs: 20_000, withinMs: 5_000 });
        keys.push(reply.key);
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  const callersDone = Promise.all(Array.from({ length: callers }, (_, who) => caller(who)));
  return {
    stop: async () => {
      stopped = true;
      await callersDone;
      return { failures, done: keys.length, twice: keys.length - new Set(keys).size, calls };
    },
  };
}

describe("a governor", { timeout: 240_000, concurrency: 1 }, () => {
  it("replaces a container that ends in the middle of a call, whose outcome is unknown", async () => {
    const { client, until, end } = await node();
    await until(serving(2));
    await assert.rejects(client.call(Work.method.do, { exit: 3 }, { ttlMs: 60_000 }), { code: "unknown" });
    await until(says(/exited with code 3, in the middle of unum\.test\.v1\.Work/));
    await until(serving(2));
    await end();
  });

  it("kills a loop that is blocked past its budget, and spares one that has said it may take longer", async () => {
    const { client, until, end } = await node({ node: { containers: 4 } });
    await until(serving(2));
    const long = client.call(LongWork.method.do, { blockMs: 20_000, key: "long" }, { ttlMs: 200_000 });
    const stuck = assert.rejects(client.call(Work.method.do, { blockMs: 20_000 }, { ttlMs: 60_000 }), {
      code: "unknown",
    });
    await stuck;
    assert.equal((await long).key, "long");
    await until(says(/is killed: its loop has not turned .*nothing in it said that it may take longer/));
    await end();
  });

  it("replaces a container whose function never settles, though its loop turns, once its call's time and its budget are over", async () => {
    const { client, until, end } = await node({ node: { containers: 2, spares: 0 } });
    await until(serving(1));
    await assert.rejects(client.call(Work.method.do, { waitMs: 3_600_000 }, { ttlMs: 500 }), { code: "unknown" });
    await until(says(/is suspected: a call of unum\.test\.v1\.Work has not settled/));
    await until(
      says(/is killed: a call of unum\.test\.v1\.Work has not settled \d+ ms after its budget and its deadline/),
    );
    await until(serving(1));
    await client.call(Work.method.do, {}, { ttlMs: 20_000, withinMs: 20_000 });
    await end();
  });

  it("ends containers that have nothing to do, but for the last that serves", {
    skip: availableParallelism() < 2,
  }, async () => {
    const few = { node: { containers: 2, spares: 0 } };
    const { client, until, status, end } = await node(few, { idleMs: 1_000 });
    await until(serving(2));
    await until(says(/had nothing to do for \d+ s/));
    const one = await until(({ containers }) => containers.length === 1);
    for (let call = 0; call < 3; call++) {
      const { container } = await client.call(Work.method.do, { waitMs: 1_500 }, { ttlMs: 30_000, withinMs: 10_000 });
      assert.equal(container, one.containers[0]?.id, "the last one stays, also while it has nothing to do");
    }
    assert.equal((await status()).containers.length, 1);
    await end();
  });

  it("starts a container for a call that finds no place, and the reply tells the way", async () => {
    const { client, until, end } = await node({ node: { containers: 3, spares: 0 }, container: { inbox: 1 } });
    await until(serving(2));
    const held = Array.from({ length: 4 }, () =>
      client.call(Work.method.do, { waitMs: 4_000 }, { ttlMs: 20_000, withinMs: 1_000 }),
    );
    await until(({ containers }) => containers.filter(({ load }) => (load?.running ?? 0) > 0).length === 2);
    const reply = await client.request(Work.method.do, { key: "new" }, { ttlMs: 20_000, withinMs: 15_000 });
    assert.equal(reply.value.key, "new");
    assert.ok(
      reply.tried.some(({ end: ended }) => ended === "granted"),
      JSON.stringify(reply.tried),
    );
    await Promise.allSettled(held);
    await end();
  });

  it("takes a lower limit at once and loses no call", async () => {
    const { client, until, setLimits, end } = await node({ node: { containers: 4 } });
    await until(serving(2));
    const calls = load(client, 4, 20);
    await setLimits({ containers: 1, spares: 0 });
    await until(({ containers }) => containers.length === 1);
    await setLimits({ containers: 3 });
    const { failures } = await calls.stop();
    assert.deepEqual(failures, []);
    await end();
  });

  it("brings in changed code under load without a failed call", async () => {
    const { client, until, folder, end } = await node();
    await until(serving(2));
    const calls = load(client, 4, 20);
    const file = join(folder, "work", "work.ts");
    const text = await readFile(file, "utf8");
    for (let version = 1; version <= 5; version++) {
      await writeFile(file, text.replace('"one"', `"v${version}"`).replace("1.0.0", `1.0.${version}`));
      await until(
        ({ containers, replacement }) =>
          replacement === "" &&
          containers.filter(({ state }) => state === "serving").length >= 2 &&
          containers
            .filter(({ state }) => state === "serving")
            .every(({ components }) => components.some((each) => each.version === `1.0.${version}`)),
      );
    }
    const { failures, twice } = await calls.stop();
    assert.deepEqual(failures, []);
    assert.equal(twice, 0);
    await end();
  });

  it("refuses new code that would break running callers, naming message and field, and takes the next that does not", async () => {
    const { client, until, folder, end } = await node();
    await until(serving(2));
    const file = join(folder, "work", "work.ts");
    const text = await readFile(file, "utf8");
    const contract = join(folder, "..", "..", "gen", "unum", "test", "v1", "work_pb.ts");
    const generated = await readFile(contract, "utf8");
    await writeFile(contract, renumbered(generated, "container", 9));
    await writeFile(file, text.replace("1.0.0", "1.0.1"));
    const refused = await until(({ replacement }) => replacement.includes("did not pass"));
    assert.match(refused.replacement, /would break running callers: .*WorkReply.*container/);
    assert.match(refused.replacement, /version 1\.0\.1 says that callers of 1\.0\.0 go on, and they do not.* 1\.1\.0/);
    assert.equal((await client.call(Work.method.do, { key: "still" })).key, "still");
    await writeFile(contract, generated);
    await writeFile(file, text.replace("1.0.0", "1.0.2"));
    await until(({ containers }) =>
      containers.some(({ components }) => components.some(({ version }) => version === "1.0.2")),
    );
    await end();
  });

  it("starts nothing while somebody deploys", async () => {
    const { client, until, folder, end } = await node();
    await until(serving(2));
    const lock = join(folder, ".deploying");
    await writeFile(lock, `a test\n${new Date(Date.now() + 60_000).toISOString()}\n`);
    await until(says(/nothing is started while a test deploys/));
    const file = join(folder, "work", "work.ts");
    await writeFile(file, `${await readFile(file, "utf8")}\nhalf a file {`);
    await assert.rejects(client.call(Work.method.do, { exit: 3 }, { ttlMs: 60_000 }), { code: "unknown" });
    await until(says(/exited with code 3/));
    const { problems, replacement } = await until(({ upMs }) => upMs > 0n);
    assert.deepEqual([problems.length, replacement], [0, ""]);
    await writeFile(file, (await readFile(file, "utf8")).replace("\nhalf a file {", "").replace("1.0.0", "2.0.0"));
    await rm(lock);
    await until(
      ({ containers }) =>
        containers.filter(({ components }) => components.some(({ version }) => version === "2.0.0")).length >= 2,
    );
    await end();
  });

  it("keeps the old code where the new cannot be loaded, and says file and line", async () => {
    const { client, until, folder, end } = await node();
    await until(serving(2));
    const file = join(folder, "work", "work.ts");
    await writeFile(file, `${await readFile(file, "utf8")}\nsyntax error {`);
    // What is being written may be seen before it is whole, which is another problem.
    await until(({ problems }) => problems.some(({ text }) => /work\.ts:\d+:\d+: SyntaxError/.test(text)));
    assert.equal((await client.call(Work.method.do, { key: "still" })).key, "still");
    await end();
  });

  it("drains a container that uses more memory than it may, and another takes its place", async () => {
    const { client, until, end } = await node({ container: { memoryBytes: 256 * 2 ** 20 } });
    await until(serving(2));
    const { container } = await client.call(Work.method.do, { holdBytes: 300 * 2 ** 20 }, { ttlMs: 20_000 });
    await until((status) => serving(2)(status) && !status.containers.some(({ id }) => id === container));
    await until(says(/is drained: uses \d+ MiB, the limit is 256/));
    await end();
  });
});
