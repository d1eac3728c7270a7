// Governors and keepers that are killed or stand still, while they are not in any call's way.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { promisify } from "node:util";
import { CONTAINER_PROGRAM } from "../../src/cli/process/governor-start.ts";
import { newClient, systemEnv, zmtpTransport } from "../../src/index.ts";
import { Governed } from "../../src/messages/gen/unum/control/v1/governed_pb.ts";
import type { NodeStatus } from "../../src/messages/gen/unum/control/v1/node_pb.ts";
import { endNodes, until as eventually, runs, up } from "../cli/node.ts";
import { cleanUp, scratch, trouble } from "../cli/unum.ts";
import { Work } from "../gen/unum/test/v1/work_pb.ts";
import { load, twice } from "./load.ts";
import { endAll, startNode, type TestNode } from "./node.ts";

const LONG = { timeout: 600_000 };

const nodes: TestNode[] = [];

async function node(...settings: Parameters<typeof startNode>): Promise<TestNode> {
  const started = await startNode(...settings);
  nodes.push(started);
  return started;
}

afterEach((test) => endAll(test, nodes));
after(async () => {
  await endNodes();
  await cleanUp();
});

const serving = ({ containers }: NodeStatus) => containers.filter(({ state }) => state === "serving");
const says = (text: RegExp) => (status: NodeStatus) => status.events.some((event) => text.test(event.text));

function pidsOf(containers: readonly { pid: number }[]): readonly number[] {
  return containers.map(({ pid }) => pid).sort((a, b) => a - b);
}

/** Of those that served before, who serves on. The spare may have been filled meanwhile, where calls found no place. */
function lasting(before: NodeStatus, after: NodeStatus): readonly number[] {
  const known = pidsOf(serving(before));
  return pidsOf(serving(after)).filter((pid) => known.includes(pid));
}

async function recordsOf({ home }: TestNode): Promise<readonly { readonly state: string }[]> {
  const folder = join(home, "run", "containers");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8"))));
}

/** As a disk leaves it that is slower than the governor lives: what was meant is there, and not what came of it. */
async function loseRecord({ home }: TestNode, id: string): Promise<void> {
  const folder = join(home, "run", "containers");
  await rm(join(folder, `${id}.json`));
  assert.ok((await readdir(folder)).includes(`${id}.intent`));
}

async function living({ processes }: TestNode): Promise<number> {
  return (await processes()).length;
}

describe("a governor", LONG, () => {
  it("is killed 20 times under calls and streams: the containers go on, none fails, limits hold", LONG, async () => {
    const here = await node({ node: { containers: 3 } });
    const { client, until, killGovernor, setLimits, status } = here;
    const before = await until((now) => serving(now).length >= 2);
    const work = load(client, { callers: 4, readers: 2, waitMs: 5 });
    for (let times = 0; times < 20; times++) {
      await killGovernor();
      await until((now) => serving(now).length >= 2);
      assert.ok((await living(here)) <= 3, `${await living(here)} containers, the limit is 3`);
    }
    const after = await status();
    assert.deepEqual(lasting(before, after), pidsOf(serving(before)));
    assert.equal(after.governorRestarts, 20);
    // One that has answered must never be taken for one that did not, however old its record.
    await eventually(
      "each is written down as one that runs",
      () => recordsOf(here),
      (records) => records.length === 3 && records.every(({ state }) => state === "running"),
    );
    await setLimits({ containers: 1, spares: 0 });
    await killGovernor();
    const { limits } = await until(({ containers }) => containers.length === 1);
    assert.equal(limits?.containers, 1, "what was changed live holds under the next governor");
    const { failures, keys } = await work.stop();
    assert.deepEqual(failures, []);
    assert.deepEqual(twice(await here.begun()), []);
    assert.ok(keys.length > 100, `only ${keys.length} calls`);
    assert.equal(await living(here), 1);
  });

  it(
    "is killed before it wrote down what it started: the next one finds all that runs, and only that",
    LONG,
    async () => {
      const here = await node({ node: { containers: 3 } });
      const before = await here.until((now) => serving(now).length >= 2 && now.containers.length === 3);
      const [lost, ended, spare] = before.containers;
      assert.ok(lost && ended && spare);
      await here.killGovernor(async () => {
        await Promise.all([lost, ended, spare].map(({ id }) => loseRecord(here, id)));
        process.kill(ended.pid, "SIGKILL");
        await eventually("it has ended", () => !runs(ended.pid));
      });
      const after = await here.until(
        (now) =>
          now.containers.length === 3 && now.containers.every(({ id }) => id !== ended.id) && serving(now).length >= 2,
      );
      for (const { id, pid } of [lost, spare]) assert.equal(after.containers.find((each) => each.id === id)?.pid, pid);
      await here.until(says(new RegExp(`${ended.id} is forgotten: its process has ended, or never was`)));
      await eventually(
        "each is written down again",
        () => recordsOf(here),
        (records) => records.length === 3,
      );
      assert.equal(await living(here), 3);
      assert.ok(!(await readdir(join(here.home, "run", "containers"))).some((name) => name.startsWith(ended.id)));
    },
  );

  it("stands still under calls and streams: none fails, and it goes on with the same containers", LONG, async () => {
    const { client, until, signalGovernor } = await node();
    const before = await until((now) => serving(now).length >= 2);
    const work = load(client, { callers: 4, readers: 2, waitMs: 5 });
    signalGovernor("SIGSTOP");
    const { done } = work;
    // Begun and ended without it. It takes longer than a container's loop may be blocked: what the governor did not hear
    // meanwhile speaks against nobody.
    await client.call(Work.method.do, { waitMs: 6_000, key: "without" }, { ttlMs: 300_000, withinMs: 60_000 });
    await eventually("calls go on without it", () => work.done > done + 500);
    signalGovernor("SIGCONT");
    const after = await until((now) => serving(now).length >= 2);
    const { failures } = await work.stop();
    assert.deepEqual(failures, []);
    assert.deepEqual(lasting(before, after), pidsOf(serving(before)));
    assert.ok(!says(/is killed|suspected/)(after), JSON.stringify(after.events.map(({ text }) => text)));
  });

  it("ends a container that stands still past its budget, while others take its calls", LONG, async () => {
    const here = await node({ node: { containers: 3 } });
    const { client, until } = here;
    const [victim] = serving(await until((now) => serving(now).length >= 2));
    const pid = victim?.pid ?? 0;
    process.kill(pid, "SIGSTOP");
    await until(says(new RegExp(`${victim?.id} is suspected: its loop has not turned`)));
    // Told to the client at once; from then on nobody asks the one that stands still.
    await eventually("the client knows", () =>
      client
        .nodes()
        .every(({ containers }) => containers.every(({ id, state }) => id !== victim?.id || state !== "ready")),
    );
    const work = load(client, { callers: 4, waitMs: 5 });
    await until(says(new RegExp(`${victim?.id} is killed: its loop has not turned .*nothing in it said`)));
    await until((now) => serving(now).length >= 2 && now.containers.every(({ id }) => id !== victim?.id));
    const { failures } = await work.stop();
    assert.deepEqual(failures, []);
    assert.ok(!runs(pid));
  });
});

describe("a container that comes to run when it is not wanted any more", () => {
  it("ends at once, and has served nothing", async () => {
    const home = await scratch();
    const address = `ipc://${join(home, "k1.sock")}`;
    const [note, intent] = [join(home, "k1.note"), join(home, "k1.intent")];
    const start = { id: "k1", nonce: "n", node: "n1", host: "", address, note, intent, plugins: [], log: "info" };
    const { stderr, stdout } = await promisify(execFile)(process.execPath, [CONTAINER_PROGRAM, JSON.stringify(start)]);
    assert.match(stderr + stdout, /not wanted any more/);
    assert.deepEqual(await readdir(home), []);
  });
});

describe("a node whose keeper is killed", LONG, () => {
  it("drains: the call under way ends, and nothing is left", LONG, async () => {
    const home = await scratch();
    const { child, status, ended } = await up(trouble, ["--grace", "1m"], { home });
    const before = await status();
    const pids = [before.pid, ...pidsOf(before.containers)];
    child.kill("SIGKILL");
    await ended;
    await eventually("governor and containers have ended", () => pids.filter(runs).length === 0);
  });

  it("and its governor with it: nothing is left when the containers' lease and grace are over", LONG, async () => {
    const here = await node();
    const status = await here.until(
      (now) =>
        now.containers.length >= 3 && now.containers.every(({ state }) => state === "serving" || state === "spare"),
    );
    const pids = pidsOf(status.containers);
    const env = systemEnv();
    const call = here.client.call(Work.method.do, { waitMs: 2_000, key: "last" }, { ttlMs: 60_000 });
    await here.until(({ containers }) => containers.some(({ load: now }) => (now?.running ?? 0) > 0));
    here.signalGovernor("SIGKILL");
    // As the last word of a governor that dies: a lease of a second, so that the test need not wait for a minute.
    for (const { addresses } of status.containers) {
      const client = newClient({ env, transports: [zmtpTransport({ env })], to: addresses });
      await client.of(Governed).renew({ leaseMs: 1_000 });
      await client.close();
    }
    assert.equal((await call).key, "last", "a call under way has its end");
    await eventually("nothing is left", () => pids.filter(runs).length === 0);
  });
});
