// status, ps, top, limits and drain against a door with fixed answers: what they show of every state a node may be in.
//
// The door is the real contract on the real wire; only what answers is made up, since no real node is in all these states.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "../../src/base/fault.ts";
import { component } from "../../src/container/component.ts";
import { Node, type NodeStatusSchema } from "../../src/messages/gen/unum/control/v1/node_pb.ts";
import { type RunningContainer, runContainer } from "../../src/node/run-container.ts";
import { systemEnv } from "../../src/system/env.ts";
import { zmtpTransport } from "../../src/transports/zmtp/index.ts";
import { ok, until } from "./node.ts";
import { cleanUp, jsonLines, root, scratch, unum } from "./unum.ts";

const AT = Date.parse("2026-01-02T03:04:05Z");
const DIGEST = { contract: "demo.v1.Digest", version: "1.0.0", concurrency: 1, budgetMs: 30_000 };
const LONG = {
  contract: "demo.v1.AContractWithAVeryLongNameThatNobodyCouldType",
  version: "10.20.30-rc.1",
  concurrency: 16,
  budgetMs: 500,
};

const STATUS: MessageInitShape<typeof NodeStatusSchema> = {
  id: "nabcdefghijklmnop",
  folder: "/srv/components",
  doors: ["ipc:///run/door.sock", "tcp://127.0.0.1:7000"],
  unum: "0.1.0",
  pid: 4_000_001,
  upMs: 7_500_000n,
  governorRestarts: 2,
  digest: "0123456789abcdef",
  replacement: "1 of 3 containers has the new code",
  logs: "/srv/log",
  limits: {
    ...{ containers: 6, memoryBytes: 2_000_000_000n, containerMemoryBytes: 536_870_912n, spares: 1, inbox: 200 },
    ...{ concurrency: { "demo.v1.Digest": 2 }, outboxMessages: 100_000, outboxBytes: 67_108_864n },
  },
  boxes: [
    { node: "notherotherother2", inward: false, waiting: 1_200, bytes: 360_000n, refused: 7n },
    { node: "notherotherother2", inward: true, waiting: 0, bytes: 0n, refused: 0n },
  ],
  containers: [
    container("kserving23456723", "serving", { components: [DIGEST, LONG], cpuPermille: 1_430 }),
    container("kserving23456777", "serving", { components: [DIGEST] }),
    container("ksuspect23456723", "suspected", { reason: "has been busy with demo.v1.Digest for 31 s of its 30 s" }),
    container("kdrainin23456723", "draining", { reason: "replaced by new code", components: [DIGEST] }),
    container("kstartin23456723", "starting", { memoryBytes: 0n }),
    container("ksparesp23456723", "spare"),
  ],
  problems: [{ text: "bad/bad.ts:2:11: Expression expected → correct the syntax\u001b[2J", retryInMs: 5_000n }],
  peers: [
    { id: "nabcdefghijklmnop", state: "alive" },
    {
      id: "notherotherother2",
      state: "alive",
      sinceMs: 90_000_000n,
      containers: 4,
      doors: ["ipc:///x", "tls://h:7000"],
    },
    { id: "ndeaddeaddeaddead", state: "dead", sinceMs: 12_000n },
  ],
  events: Array.from({ length: 20 }, (_, index) => ({
    atMs: BigInt(AT + index),
    level: "warn",
    text: `event ${index}`,
  })),
};

function container(id: string, state: string, more: object = {}) {
  const load = { running: 1, waiting: 23, free: 1_001, done: 123_456n };
  return {
    id,
    state,
    pid: 4_000_002,
    upMs: 65_000n,
    memoryBytes: 61_000_000n,
    load,
    log: `/srv/log/${id}.log`,
    ...more,
  };
}

describe("a node on the screen", () => {
  let home = "";
  let door: RunningContainer | undefined;
  let answer = STATUS;
  const changes: unknown[] = [];
  const drains: { container: string; graceMs: number }[] = [];

  before(async () => {
    home = await scratch();
    await mkdir(join(home, "run"), { mode: 0o700 });
    const env = systemEnv();
    const node = component(Node, {
      status: () => answer,
      find: () => ({ nodes: [{ id: "nabcdefghijklmnop", offers: [{ contract: "demo.v1.Idle", version: "0.3.0" }] }] }),
      demand: () => ({}),
      setLimits: ({ $typeName: _, ...change }) => {
        changes.push(change);
        if (change.inbox === 7) throw new Fault("invalid", "container.inbox 7 is not to my liking");
        return { ...STATUS.limits, ...change };
      },
      deploy: () => ({}),
      drain: ({ container: id, graceMs }) => {
        drains.push({ container: id, graceMs });
        return { left: id === "" ? 3 : 0 };
      },
    });
    door = await runContainer({
      ...{ env, id: "door", components: [], listen: [`ipc://${home}/run/door.sock`], control: () => [node] },
      transports: [zmtpTransport({ env })],
    });
  });
  after(async () => {
    await door?.drain(0);
    await cleanUp();
  });

  const run = (...args: string[]) => unum(args, { home });

  it("is told whole by status: every state with its reason, every node, and the last events", async () => {
    const text = ok(await run("status"));
    for (const line of [
      "node nabcdefghijklmnop, Unum 0.1.0, up 2 h",
      "  folder     /srv/components, state 0123456789abcdef",
      "  door       ipc:///run/door.sock",
      "             tcp://127.0.0.1:7000",
      "  processes  governor 4000001, started again 2 times",
      "  limits     6 containers, 2 GB, 512 MiB each, 1 spare, inbox 200",
      "  in use     6 containers (1 spare), 305 MB, 143 % of a CPU",
      "  calls      6 running, 138 waiting, 2002 places free, 740736 done",
      "  change     1 of 3 containers has the new code",
      "demo.v1.Digest                                         1.0.0                   2          1    30 s",
      "demo.v1.Idle                                           0.3.0                   0",
      "kserving2345672  serving    4000002  65 s   61 MB  143 %    1    23  1001  123456",
      "ksuspect         suspected  4000002  65 s   61 MB           1    23  1001  123456",
      "kstartin         starting   4000002  65 s                   1    23  1001  123456",
      "  ksuspect suspected: has been busy with demo.v1.Digest for 31 s of its 30 s",
      "  kdrainin draining: replaced by new code",
      "notherot  alive   25 h           4  tls://h:7000",
      "ndeaddea  dead    12 s           0",
      "for notherot  1200 of 100000  360 kB of 64 MiB        7",
      "not served bad/bad.ts:2:11: Expression expected → correct the syntax (tried again in 5 s)",
      "warn 03:04:05 event 19",
    ]) {
      assert.ok(text.split("\n").includes(line), `${line}\n${text}`);
    }
    assert.ok(!text.includes("event 11"), "only the last events");
    assert.ok(!text.includes(ESCAPE), "nothing in it moves a cursor");
  });

  it("is told whole as JSON, with numbers as numbers", async () => {
    const [status] = jsonLines(await run("status", "--json"));
    assert.equal(status.limits.memoryBytes, 2_000_000_000);
    assert.deepEqual(status.limits.concurrency, { "demo.v1.Digest": 2 });
    assert.deepEqual(status.containers[1].components, [DIGEST]);
    assert.equal(status.containers[2].load.done, 123_456);
    assert.equal(status.events.length, 20);
    assert.equal(status.keeperPid, undefined);
    const containers = jsonLines(await run("ps", "--json"));
    assert.deepEqual(
      containers,
      status.containers.map((container: object) => ({ node: status.id, ...container })),
    );
  });

  it("is listed by ps: containers, and who serves what", async () => {
    const text = ok(await run("ps"));
    assert.match(text, /^kserving2345677 +serving /m);
    assert.match(text, /^kserving2345677 +demo\.v1\.Digest +1\.0\.0 +1$/m);
    assert.match(text, /^kdrainin +demo\.v1\.Digest /m);
  });

  it("is told as a line each time where no terminal reads top, or as JSON", async () => {
    const lines = ok(await run("top", "-n", "2", "--interval", "100ms"))
      .trim()
      .split("\n");
    assert.equal(lines.length, 2);
    const line =
      / 6 containers \(1 spare\), 305 MB, 143 % of a CPU; 6 running, 138 waiting, 2002 places free; 0 calls\/s$/;
    for (const each of lines) assert.match(each, line);
    const [first, second] = jsonLines(await run("top", "-n", "2", "--interval", "100ms", "--json"));
    assert.deepEqual([first.id, second.id], ["nabcdefghijklmnop", "nabcdefghijklmnop"]);
    assert.equal((await run("top", "--interval", "1ms")).code, 2);
  });

  it("shows its limits, and what they were where they changed", async () => {
    const shown = ok(await run("limits"));
    assert.match(
      shown,
      /^LIMIT +VALUE\ncontainers +6\nmemory +2 GB\ncontainer memory +512 MiB\nspares +1\ninbox +200\noutbox messages +100000\noutbox size +64 MiB\n/,
    );
    assert.match(shown, /^demo\.v1\.Digest at a time +2$/m);
    assert.deepEqual(changes, []);
    const changed = ok(await run("limits", "--containers", "8", "--memory", "3GiB", "--concurrency", "Digest=4"));
    assert.match(changed, /^containers +8 +6\nmemory +3 GiB +2 GB\ncontainer memory +512 MiB\n/m);
    assert.match(changed, /^demo\.v1\.Digest at a time +4 +2$/m);
    assert.deepEqual(changes.splice(0), [
      { containers: 8, memoryBytes: 3_221_225_472n, concurrency: { "demo.v1.Digest": 4 } },
    ]);
    ok(await run("limits", "--outbox-messages", "5000", "--outbox-size", "1GiB"));
    assert.deepEqual(changes.splice(0), [{ outboxMessages: 5_000, outboxBytes: 1_073_741_824n, concurrency: {} }]);
    ok(await run("limits", "--memory", "400MB", "--concurrency", "demo.v1.Digest=default", "--json"));
    assert.deepEqual(changes.splice(0), [
      { memoryBytes: 400_000_000n, containerMemoryBytes: 200_000_000n, concurrency: { "demo.v1.Digest": 0 } },
    ]);
  });

  it("names wrong limits, and changes nothing then", async () => {
    const wrong = async (args: string[], expected: RegExp) => {
      const { code, stderr } = await run("limits", ...args);
      assert.match(stderr, expected);
      assert.equal(code, 2);
    };
    await wrong(["--memory", "2"], /'2' is not an amount of memory; write it as 512MB, 2GB or 512MiB/);
    await wrong(["--containers", "many"], /'many' is not a number of containers from 0/);
    await wrong(["--outbox-messages", "0"], /'0' is not a number of messages from 1/);
    await wrong(["--outbox-size", "64"], /'64' is not an amount of memory/);
    await wrong(["--inbox", "0"], /'0' is not a number of calls from 1/);
    await wrong(["--concurrency", "Digest"], /'Digest' is not CONTRACT=CALLS/);
    await wrong(["--concurrency", "Digest=0"], /from 1 to 65536, or default/);
    await wrong(
      ["--concurrency", "demo.v1.Digst=2"],
      /'demo\.v1\.Digst' is served by no container; did you mean 'demo\.v1\.Digest'/,
    );
    await wrong(["--container", "2"], /unknown option '--container'\n\(Did you mean --container/);
    assert.deepEqual(changes, []);
    await wrong(["--inbox", "7"], /invalid: container\.inbox 7 is not to my liking/);
    changes.splice(0);
  });

  it("is drained by name, a container by how its name begins", async () => {
    assert.equal(ok(await run("drain", "kdra")), "drained container kdrainin23456723: every call had its end\n");
    const whole = await run("drain", "nabc", "--grace", "2s", "--json");
    assert.equal(whole.code, 1);
    assert.deepEqual(jsonLines(whole), [{ node: "nabcdefghijklmnop", left: 3 }]);
    assert.deepEqual(drains.splice(0), [
      { container: "kdrainin23456723", graceMs: 10_000 },
      { container: "", graceMs: 2_000 },
    ]);
    const several = await run("drain", "kserving");
    assert.match(several.stderr, /'kserving' begins the names of 2: kserving23456723, kserving23456777; write more/);
    const none = await run("drain", "kdrainin23456724");
    assert.match(none.stderr, /'kdrainin23456724' is no container and no node .*did you mean 'kdrainin23456723'/);
    assert.deepEqual([several.code, none.code], [2, 2]);
    const dead = await run("drain", "ndead");
    assert.match(dead.stderr, /undeliverable: node ndeaddeaddeaddead has told no door/);
    assert.equal(dead.code, 3);
    assert.deepEqual(drains, []);
  });

  it("says where nobody answers, here and elsewhere", async () => {
    const empty = await scratch();
    for (const verb of ["status", "ps", "top", "limits", "drain", "down"]) {
      const { code, stderr } = await unum([verb], { home: empty });
      assert.match(stderr, /^undeliverable: no node runs here: nobody answers at ipc:\/\/.*\/run\/door\.sock/, verb);
      assert.equal(code, 3, verb);
    }
    const elsewhere = await run("status", "--to", "tcp://127.0.0.1:1");
    assert.match(elsewhere.stderr, /^undeliverable: no node answers at tcp:\/\/127\.0\.0\.1:1; /);
    assert.equal(elsewhere.code, 3);
    assert.equal((await run("status", "--to", "there")).code, 2);
  });

  const script = hasScript() ? false : "no 'script' command to give it a terminal";

  describe("of 80 columns", { skip: script }, () => {
    it("breaks no line, and shortens names where there is no room", async () => {
      for (const verb of ["status", "ps"]) {
        const shown = await inTerminal([verb], home);
        for (const line of shown.split(/\r?\n/)) {
          const bare = plainOf(line);
          const isProse = /^(?:not served|warn|error|info) /.test(bare);
          assert.ok(isProse || [...bare].length <= 80, `${[...bare].length}: ${bare}`);
        }
        assert.match(shown, /demo\.v1\.AContractWith\w*…/);
      }
    });

    it("is drawn in place by top, anew when it changes, until q is pressed", async () => {
      const child = terminal(["top", "--interval", "100ms"], home);
      let drawn = "";
      child.stdout.setEncoding("utf8").on("data", (more: string) => {
        drawn += more;
      });
      const ended = once(child, "exit");
      await until("it is drawn", () => plainOf(drawn).includes("kstartin"));
      answer = { ...STATUS, id: "nchanged345672345" };
      await until("it is drawn anew", () => drawn.includes("nchanged345672345"));
      answer = STATUS;
      child.stdin.write("q");
      assert.equal((await ended)[0], 0);
      assert.ok(drawn.startsWith(`${ESCAPE}[?1049h`), "on a screen of its own");
      assert.ok(drawn.trimEnd().endsWith(`${ESCAPE}[?25h${ESCAPE}[?1049l`), "which it leaves as it was");
      const frames = drawn.split(`${ESCAPE}[H`).slice(1);
      for (const frame of frames.slice(0, -1)) assert.equal(frame.split("\n").length, 24);
    });
  });
});

function hasScript(): boolean {
  try {
    return execFileSync("script", ["--version"], { encoding: "utf8" }).includes("util-linux");
  } catch {
    return false;
  }
}

/** With a terminal of 80 columns and 24 rows around it. */
function terminal(args: readonly string[], home: string) {
  const command = [process.execPath, join(root, "bin/unum.mjs"), ...args].map((part) => `'${part}'`).join(" ");
  return spawn("script", ["-qec", `stty cols 80 rows 24; exec ${command}`, "/dev/null"], {
    env: { ...process.env, UNUM_HOME: home, TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
}

async function inTerminal(args: readonly string[], home: string): Promise<string> {
  const child = terminal(args, home);
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    shown += more;
  });
  const [code] = await once(child, "close");
  assert.equal(code, 0, shown);
  return shown;
}

const ESCAPE = String.fromCharCode(27);

function plainOf(text: string): string {
  return text.replaceAll(new RegExp(`${ESCAPE}\\[[?\\d;]*[a-zA-Z]`, "g"), "");
}
