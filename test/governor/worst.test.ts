// Components that crash when they are loaded, that write without end, and disks that are full: others are not harmed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import type { NodeStatus } from "../../src/messages/gen/unum/control/v1/node_pb.ts";
import { cleanUp, scratch } from "../cli/unum.ts";
import { Work } from "../gen/unum/test/v1/work_pb.ts";
import { load } from "./load.ts";
import { endAll, startNode, type TestNode } from "./node.ts";

const LONG = { timeout: 600_000 };

const nodes: TestNode[] = [];
const mounts: string[] = [];

async function node(...settings: Parameters<typeof startNode>): Promise<TestNode> {
  const started = await startNode(...settings);
  nodes.push(started);
  return started;
}

afterEach(async (test) => {
  await endAll(test, nodes);
  // Lazily: somebody may still look at it.
  for (const folder of mounts.splice(0)) execFileSync("umount", ["-l", folder]);
});
after(cleanUp);

const serving = ({ containers }: NodeStatus) => containers.filter(({ state }) => state === "serving");
const says = (text: RegExp) => (status: NodeStatus) => status.events.some((event) => text.test(event.text));

const CRASHES = "process.exit(7);\n";

describe("a component that ends its process when it is loaded", LONG, () => {
  it("is not brought in: those that serve go on, and status says why", LONG, async () => {
    const { client, until, folder } = await node();
    const before = serving(await until((now) => serving(now).length >= 2));
    const work = load(client, { callers: 2, waitMs: 5 });
    await writeFile(join(folder, "bad.ts"), CRASHES);
    const after = await until(({ replacement }) => replacement.includes("with the new code ended"));
    const { failures } = await work.stop();
    assert.deepEqual(failures, []);
    for (const { id } of before)
      assert.ok(
        // On a busy machine it may be suspected for a moment.
        after.containers.some((each) => each.id === id && each.state !== "draining"),
        `${id} serves on`,
      );
  });

  it("does not come in with what crashes later either: that starts with the code that passed", LONG, async () => {
    const { until, folder, client } = await node();
    await until((now) => serving(now).length >= 2);
    await writeFile(join(folder, "bad.ts"), CRASHES);
    const before = serving(await until(({ replacement }) => replacement.includes("with the new code ended")));
    for (const { pid } of before) process.kill(pid, "SIGKILL");
    const old = before.map(({ id }) => id);
    await until((now) => serving(now).filter(({ id }) => !old.includes(id)).length >= 2);
    assert.equal((await client.call(Work.method.do, { key: "on" }, { withinMs: 20_000, ttlMs: 60_000 })).key, "on");
  });
});

describe("a component that ends its process again and again", LONG, () => {
  it("is started again 5 times and then stays down, visibly, until the folder changes", LONG, async () => {
    const { until, folder, client, home, status } = await node();
    await until((now) => serving(now).length >= 2);
    const isDown = async () => (await status()).problems.some(({ text }) => /started again 5 times/.test(text));
    while (!(await isDown())) await client.call(Work.method.do, { exit: 7 }, { ttlMs: 5_000 }).catch(() => {});
    const started = (await readdir(join(home, "log"))).length;
    assert.ok(started < 30, `${started} containers were started`);
    const work = await readFile(join(folder, "work", "work.ts"), "utf8");
    await writeFile(join(folder, "work", "work.ts"), work.replace("1.0.0", "1.0.1"));
    await until((now) => serving(now).length >= 2 && now.problems.length === 0);
    assert.equal(
      (await client.call(Work.method.do, { key: "again" }, { withinMs: 20_000, ttlMs: 60_000 })).key,
      "again",
    );
  });
});

/** Writes 64 MB of lines in one call. */
const FLOODS = `import { component } from "unum";
import { LongWork } from "../../gen/unum/test/v1/work_pb.ts";
const lines = ("x".repeat(1_023) + "\\n").repeat(1_024);
export default component(LongWork, {
  async do({ items, key }, call) {
    for (let each = 0; each < items; each++) {
      process.stdout.write(lines);
      await new Promise((turn) => setTimeout(turn, 10));
    }
    if (key === "end") process.exit(9);
    return { container: call.container, key };
  },
}, { budgetMs: 60_000 });
`;

describe("a log that is written without end", LONG, () => {
  it("is cut, and its container serves on", LONG, async () => {
    const { client, until, folder, home } = await node();
    await rm(join(folder, "long-work"), { recursive: true });
    await writeFile(join(folder, "flood.ts"), FLOODS);
    const { LongWork } = await import("../gen/unum/test/v1/work_pb.ts");
    await until((now) => serving(now).length >= 2);
    const megabytes = 192;
    const request = { items: megabytes, key: "all" };
    const { container, key } = await client.call(LongWork.method.do, request, { ttlMs: 120_000, withinMs: 60_000 });
    assert.equal(key, "all");
    const log = join(home, "log", `${container}.log`);
    const kept = async () => {
      const sizes = [log, `${log}.1`].map((path) =>
        stat(path).then(
          ({ size }) => size,
          () => 0,
        ),
      );
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / 2 ** 20;
    };
    const end = performance.now() + 60_000;
    for (let mb = await kept(); mb > 64; mb = await kept()) {
      assert.ok(performance.now() < end, `${mb} MiB`);
      await until(({ upMs }) => upMs > 0n);
    }
    assert.equal((await client.call(Work.method.do, { key: "on" }, { ttlMs: 60_000 })).key, "on");
  });
});

describe("a log whose container has ended", LONG, () => {
  it("is cut all the same: nobody looks at it again", LONG, async () => {
    const { client, until, folder, home } = await node();
    await rm(join(folder, "long-work"), { recursive: true });
    await writeFile(join(folder, "flood.ts"), FLOODS);
    const { LongWork } = await import("../gen/unum/test/v1/work_pb.ts");
    const flood = { items: 96, key: "end" };
    const late = { ttlMs: 120_000, withinMs: 60_000 };
    // What answers first may be the code before, which floods nothing, or be on its way out for the code after: its end is told as that.
    const crashed = async () => {
      await client.call(LongWork.method.do, flood, late).catch((error) => assert.equal(error.code, "unknown"));
      return until(says(/exited with code 9/), 5_000).then(
        () => true,
        () => false,
      );
    };
    for (let again = 5; !(await crashed()); again--) assert.ok(again > 0, "it does not crash");
    const largest = async (ending: ".log" | ".log.1") => {
      const logs = (await readdir(join(home, "log"))).filter((name) => name.endsWith(ending));
      // What is being cut is copied to a file that is there for a moment only.
      const sizeOf = (name: string) =>
        stat(join(home, "log", name)).then(
          ({ size }) => size,
          () => 0,
        );
      const sizes = await Promise.all(logs.map(sizeOf));
      return Math.max(...sizes);
    };
    const end = performance.now() + 60_000;
    while ((await largest(".log")) > 17 * 2 ** 20) assert.ok(performance.now() < end, `${await largest(".log")} bytes`);
    // What was cut off: as much as a log may have, and no more than that again of what came while it was copied.
    assert.ok((await largest(".log.1")) <= 32 * 2 ** 20);
  });
});

describe("a disk that is full", LONG, () => {
  it("harms no call, and what crashes is replaced, at the latest when there is room again", LONG, async (test) => {
    const disk = await scratch();
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", disk], { stdio: "pipe" });
    } catch {
      return test.skip("this user may not mount a file system");
    }
    mounts.push(disk);
    const { client, until } = await node({}, {}, [], disk);
    const before = serving(await until((now) => serving(now).length >= 2));
    const filling = join(disk, "filling");
    fill(filling);
    // What a component itself would write there fails, and is its own business.
    const work = load(client, { callers: 2, waitMs: 5, isNoted: false });
    const [victim] = before;
    process.kill(victim?.pid ?? 0, "SIGKILL");
    await until(({ containers }) => containers.every(({ id }) => id !== victim?.id));
    await client.call(Work.method.do, { waitMs: 1 }, { ttlMs: 60_000, withinMs: 30_000 });
    await rm(filling);
    const after = await until((now) => serving(now).length >= 2);
    const { failures } = await work.stop();
    // Those that were in the container that was killed.
    assert.ok(failures.length <= 2, failures.join("\n"));
    for (const each of failures) assert.match(each, /then the connection ended/);
    assert.ok(!says(/is killed/)(after));
    assert.ok(
      says(new RegExp(`${victim?.id} was ended by SIGKILL`))(after),
      "what the disk did not take is told all the same",
    );
  });
});

/** Until nothing fits any more, and to the last byte. */
function fill(path: string): void {
  for (const size of [2 ** 20, 4_096, 1]) {
    const piece = new Uint8Array(size);
    try {
      for (;;) appendFileSync(path, piece);
    } catch {
      // No space is left, as was wanted.
    }
  }
}
