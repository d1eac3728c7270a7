// unum up and unum down with real processes: what comes up, what is refused, what is started again, and how all of it ends.

import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { endLater, endNodes, ok, runs, statusOf, tellLogs, until, up } from "./node.ts";
import { cleanUp, jsonLines, scratch, serve, trouble, unum } from "./unum.ts";

const MODES = "unum.test.v1.Modes";

afterEach((test) => {
  tellLogs(test);
  return endNodes();
});
after(cleanUp);

const linux = process.platform === "linux" ? false : "processes are looked up in /proc";

describe("unum up", { skip: linux }, () => {
  it("serves a folder, prints its doors and nothing else on standard output, and leaves nothing behind", async () => {
    const home = await scratch();
    const tcp = `tcp://127.0.0.1:${await freePort()}`;
    const node = await up(trouble, ["--listen", tcp, "--log", "info", "--grace", "1m"], { home });
    const doors = await until(
      "both doors are told",
      () => node.doors,
      ({ length }) => length === 2,
    );
    assert.deepEqual(doors, [`ipc://${home}/run/door.sock`, tcp]);
    assert.match(node.said(), /serving unum\.test\.v1\.Modes 1\.4\.2/);
    for (const to of doors)
      assert.match(ok(await unum(["status", "--to", to], { home })), /^node n[a-z2-7]{16}, Unum /);
    ok(await unum(["call", `${MODES}/Plain`, '{"text":"a"}'], { home }));
    const status = await node.status();
    assert.equal(status.folder, trouble);
    assert.equal(status.keeperPid, node.child.pid);
    const pids = [status.pid, ...status.containers.map(({ pid }: { pid: number }) => pid)];
    assert.deepEqual(pids.filter(runs), pids);

    const { call, text, end } = await callUnderWay(home);
    node.child.kill("SIGINT");
    await until("it drains", () => node.said().includes("interrupted: draining, at most 60 s; again to end at once"));
    await end();
    assert.equal(JSON.parse((await call).stdout).text, text);
    assert.equal(await node.ended, 0, node.said());
    assert.deepEqual(pids.filter(runs), []);
    assert.deepEqual(await readdir(join(home, "run", "containers")), []);
    assert.deepEqual((await readdir(join(home, "run"))).sort(), ["code", "containers", "incarnation", "node"]);
  });

  it("is refused a second time in the same folder, and says who is there and how to end it", async () => {
    const home = await scratch();
    const node = await up(trouble, [], { home });
    for (const more of [[], ["--detach"]]) {
      const second = await unum(["up", "--components", trouble, "--json", ...more], { home });
      assert.equal(second.code, 4);
      assert.ok(second.stderr.includes(`keeper ${node.child.pid} for ${trouble}, since 20`), second.stderr);
      assert.match(second.stderr, /'unum status' shows it, 'unum down' ends it/);
      assert.equal(jsonLines(second)[0].error.code, "denied");
      assert.equal(jsonLines(second)[0].pid, node.child.pid);
    }
    assert.equal((await node.status()).keeperPid, node.child.pid);
  });

  it("starts a governor that was killed again, over the same containers, and says so", async () => {
    const home = await scratch();
    const node = await up(trouble, [], { home });
    const before = await node.status();
    let killed = before.pid;
    for (let times = 1; times <= 3; times++) {
      process.kill(killed, "SIGKILL");
      const status = await until("another governor answers", node.status, ({ pid }) => pid !== killed);
      assert.equal(status.governorRestarts, times);
      killed = status.pid;
    }
    const now = await until(
      "all are taken over",
      node.status,
      ({ containers }) => containers.length === before.containers.length,
    );
    assert.deepEqual(pidsOf(now), pidsOf(before));
    assert.match(node.said(), /the governor was ended by SIGKILL; it is started again at once/);
    assert.match(ok(await unum(["status"], { home })), /governor \d+, started again 3 times, keeper \d+/);
    assert.equal(now.id, before.id);
  });

  it("says with its log why it does not come up, and leaves nothing behind", async () => {
    const { server: taken, port } = await listening();
    try {
      for (const more of [[], ["--detach"]]) {
        const home = await scratch();
        const args = ["up", "--components", trouble, "--listen", `tcp://127.0.0.1:${port}`, ...more];
        const { code, stderr, stdout } = await unum(args, { home });
        assert.equal(code, 1, stderr);
        assert.equal(stdout, "");
        assert.match(stderr, /the node does not come up: its governor ended while it started/);
        assert.match(stderr, new RegExp(`the last lines of ${home}/log/governor.log:`));
        assert.match(stderr, new RegExp(`error .*the node cannot start: .*127\\.0\\.0\\.1:${port}.*in use`));
        assert.deepEqual(await readdir(join(home, "run")), ["node"]);
      }
    } finally {
      taken.close();
    }
  });

  it("names what is wrong with a folder, a seed, a limit and an address, before anything is started", async () => {
    const home = await scratch({ file: "" });
    const wrong = async (args: string[], expected: RegExp) => {
      const { code, stderr } = await unum(["up", ...args], { home });
      assert.match(stderr, expected);
      assert.equal(code, 2);
    };
    await wrong(
      ["--components", `${home}/none`],
      /there is no folder .*\/none; give the folder your components are in/,
    );
    await wrong(["--components", `${home}/file`], /\/file is a file/);
    await wrong(["--components", trouble, "--seeds", "10.0.0.1"], /'10\.0\.0\.1' is not HOST:PORT/);
    await wrong(["--components", trouble, "--memory", "2"], /'2' is not an amount of memory/);
    await wrong(["--components", trouble, "--containers", "-1"], /'-1' is not a number of containers/);
    await wrong(["--components", trouble, "--containers", "1", "--spares", "2"], /spares 2 is above .*containers 1/);
    await wrong(["--components", trouble, "--listen", "7000"], /'7000' is not an address/);
    await wrong(["--components", trouble, "--listen", "tcp://127.0.0.1:0"], /needs a port that stays the same/);
    assert.deepEqual(await readdir(home), ["file"]);
  });

  it("ends at once at a second Ctrl-C: no process and no socket is left", async () => {
    const home = await scratch();
    const node = await up(trouble, ["--grace", "1m"], { home });
    const call = unum(["call", `${MODES}/Plain`, '{"text":"never"}', "--ttl", "2m"], { home });
    const status = await untilRunning(home, 1);
    node.child.kill("SIGINT");
    await until("it drains", () => node.said().includes("draining"));
    node.child.kill("SIGINT");
    assert.equal(await node.ended, 130);
    const pids = [status.pid, ...pidsOf(status)];
    await until("all have ended", () => pids.filter(runs).length === 0);
    // Killed in the middle, it may not have written down all it would have.
    const left = await readdir(join(home, "run"));
    assert.deepEqual(
      left.filter((name) => !["code", "containers", "incarnation", "node"].includes(name)),
      [],
    );
    assert.equal((await call).code, 5);
  });

  it("ends with 1 where a call is left when the grace ends", async () => {
    const home = await scratch();
    const node = await up(trouble, ["--grace", "300ms"], { home });
    const call = unum(["call", `${MODES}/Plain`, '{"text":"never"}', "--ttl", "2m"], { home });
    const status = await untilRunning(home, 1);
    node.child.kill("SIGTERM");
    assert.equal(await node.ended, 1, node.said());
    assert.match(node.said(), /the node has ended before its calls had left=1/);
    assert.deepEqual([status.pid, ...pidsOf(status)].filter(runs), []);
    await call;
  });

  it("says file, line and code of a component that is not served, and serves the others", async () => {
    const home = await scratch({
      "components/bad/bad.ts": "const a = 1;\nconst b = ;\n",
      "components/good.ts": `export { default } from ${JSON.stringify(join(trouble, "trouble/trouble.ts"))};\n`,
    });
    const node = await up(join(home, "components"), [], { home });
    await until("it is told", () => /not served .*bad\/bad\.ts:2:11: .*Expression expected/.test(node.said()));
    assert.match(node.said(), /serving unum\.test\.v1\.Modes/);
    const shown = ok(await unum(["status"], { home }));
    assert.match(shown, /not served .*bad\/bad\.ts:2:11: .*Expression expected/);
  });

  it("goes on in the background with --detach, in a session of its own, and logs to files", async () => {
    const home = await scratch();
    endLater(home);
    const { code, stdout, stderr } = await unum(["up", "--components", trouble, "--detach", "--json"], { home });
    assert.equal(code, 0, stderr);
    const { keeperPid, pid } = JSON.parse(stdout);
    assert.ok(runs(keeperPid) && runs(pid));
    // So a governor that dies from now on is started again, and is no node that did not come up.
    assert.equal(JSON.parse(await readFile(join(home, "run", "keeper.lock"), "utf8")).up, true);
    const session = (await readFile(`/proc/${keeperPid}/stat`, "latin1")).split(") ")[1]?.split(" ")[3];
    assert.equal(session, String(keeperPid));
    assert.deepEqual(
      (await readdir(join(home, "log"))).filter((name) => !/^k[a-z2-7]{16}\.log$/.test(name)),
      ["governor.log", "keeper.log"],
    );
    process.kill(pid, "SIGKILL");
    await until(
      "another governor answers",
      () => statusOf(home),
      (status) => status.pid !== pid,
    );
    const shown = ok(await unum(["logs", "keeper"], { home }));
    assert.match(shown, /^keeper \| warn .* the governor was ended by SIGKILL/m);
    ok(await unum(["down"], { home }));
    assert.ok(!runs(keeperPid));
  });
});

describe("unum down", { skip: linux }, () => {
  it("lets the call under way end, and waits until every process is gone", async () => {
    const home = await scratch();
    const node = await up(trouble, [], { home });
    const { call, text, end, status } = await callUnderWay(home);
    const down = unum(["down", "--grace", "1m"], { home });
    await until("it drains", async () => /the node is drained/.test(ok(await unum(["logs", "governor"], { home }))));
    await end();
    assert.equal(ok(await down), "the node has ended\n");
    assert.deepEqual([node.child.pid ?? 0, status.pid, ...pidsOf(status)].filter(runs), []);
    assert.equal(JSON.parse((await call).stdout).text, text);
    assert.equal(await node.ended, 0);
    const again = await unum(["down"], { home });
    assert.equal(again.code, 3);
    assert.match(again.stderr, /no node runs here/);
  });

  it("says how many calls were left when the grace ended, and ends with 1", async () => {
    const home = await scratch();
    await up(trouble, [], { home });
    const call = unum(["call", `${MODES}/Plain`, '{"text":"never"}', "--ttl", "2m"], { home });
    await untilRunning(home, 1);
    const ended = await unum(["down", "--grace", "300ms", "--json"], { home });
    assert.equal(ended.code, 1, ended.stderr);
    assert.deepEqual(jsonLines(ended), [{ left: 1, killed: [], remaining: [] }]);
    await call;
  });

  it("ends a node whose governor stands still", async () => {
    const home = await scratch();
    const node = await up(trouble, [], { home });
    const status = await node.status();
    process.kill(status.pid, "SIGSTOP");
    const { stderr } = await unum(["down", "--grace", "1s"], { home });
    assert.deepEqual([node.child.pid ?? 0, status.pid, ...pidsOf(status)].filter(runs), [], stderr);
    assert.match(node.said(), /the governor cannot be told, and is killed/);
    assert.match(node.said(), /\d containers outlived the governor; draining/);
  });

  it("ends what a keeper and a governor left that were both killed, and up takes its place", async () => {
    const home = await scratch();
    const node = await up(trouble, [], { home });
    const status = await node.status();
    node.child.kill("SIGKILL");
    process.kill(status.pid, "SIGKILL");
    await node.ended;
    assert.equal((await unum(["status"], { home })).code, 3);
    assert.equal((await unum(["down", "--grace", "1s"], { home })).code, 0);
    assert.deepEqual(pidsOf(status).filter(runs), []);
    const next = await up(trouble, [], { home });
    assert.equal((await next.status()).id, status.id);
  });

  it("has nothing to do with containers that 'unum serve' runs in the same folder", async () => {
    const home = await scratch();
    const served = await serve(trouble, [], { home });
    assert.equal((await unum(["down"], { home })).code, 3);
    assert.ok(runs(served.child.pid ?? 0));
    served.child.kill("SIGTERM");
    await served.ended;
  });
});

function pidsOf({ containers }: { containers: readonly { pid: number }[] }): readonly number[] {
  return containers.map(({ pid }) => pid).sort((a, b) => a - b);
}

/** One that runs until it is told to end. */
async function callUnderWay(home: string) {
  const text = `until-there ${home}/end`;
  const call = unum(["call", `${MODES}/Plain`, JSON.stringify({ text }), "--ttl", "2m"], { home });
  const status = await untilRunning(home, 1);
  return { call, text, status, end: () => writeFile(join(home, "end"), "") };
}

function untilRunning(home: string, calls: number) {
  const running = ({ containers }: { containers: readonly { load: { running: number } }[] }) =>
    containers.reduce((sum, { load }) => sum + load.running, 0);
  return until(
    `${calls} calls run`,
    () => statusOf(home),
    (status) => running(status) === calls,
  );
}

async function listening(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return { server, port: address.port };
}

/** Free a moment ago. */
async function freePort(): Promise<number> {
  const { server, port } = await listening();
  await new Promise((closed) => server.close(closed));
  return port;
}
