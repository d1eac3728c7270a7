import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { sleep } from "../base/clock.ts";
import { systemClock } from "./clock.ts";
import { systemDisk } from "./disk.ts";

const disk = systemDisk();
const clock = systemClock();
const folder = mkdtempSync(join(tmpdir(), "unum-disk-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const read = async (path: string) => {
  const found = await disk.read(path, 1_000);
  return found === undefined ? undefined : new TextDecoder().decode(found);
};
let names = 0;
const fresh = () => join(folder, `f${++names}`);

describe("files", () => {
  it("are read as they were written, and are not there before or after", async () => {
    const path = fresh();
    assert.equal(await read(path), undefined);
    await disk.replace(path, bytes("one"));
    assert.equal(await read(path), "one");
    await disk.replace(path, bytes("two"));
    assert.equal(await read(path), "two");
    disk.writeNow(path, "three");
    assert.equal(readFileSync(path, "utf8"), "three");
    await disk.remove(path);
    await disk.remove(path);
    assert.equal(await read(path), undefined);
  });

  it("are for this user alone and leave nothing beside them", async () => {
    const inside = fresh();
    await disk.makeFolder(inside);
    await disk.makeFolder(inside);
    await disk.replace(join(inside, "a"), bytes("x"));
    disk.writeNow(join(inside, "b"), "x");
    assert.deepEqual(readdirSync(inside).sort(), ["a", "b"]);
    for (const name of ["", "a", "b"]) assert.equal(statSync(join(inside, name)).mode & 0o077, 0);
  });

  it("are never seen half replaced", async () => {
    const path = fresh();
    const texts = ["a", "b"].map((letter) => letter.repeat(900));
    await disk.replace(path, bytes(texts[0] ?? ""));
    let over = false;
    const writing = (async () => {
      for (let i = 0; i < 60; i++) await disk.replace(path, bytes(texts[i % 2] ?? ""));
      over = true;
    })();
    let looks = 0;
    for (; !over; looks++) assert.ok(texts.includes((await read(path)) ?? "absent"));
    await writing;
    assert.ok(looks > 0);
  });

  it("that are too long are refused", async () => {
    const path = fresh();
    writeFileSync(path, "x".repeat(1_001));
    await assert.rejects(read(path), {
      name: "Fault",
      code: "invalid",
      message: /f\d+ has 1001 bytes, the limit is 1000/,
    });
  });

  it("that cannot be written say why", async () => {
    const nowhere = join(folder, "no", "file");
    const message = /cannot write .*no\/file: there is no such file or folder/;
    await assert.rejects(disk.replace(nowhere, bytes("")), { name: "Fault", message });
    assert.throws(() => disk.writeNow(nowhere, ""), { name: "Fault", message });
    const file = fresh();
    writeFileSync(file, "");
    await assert.rejects(disk.makeFolder(join(file, "inside")), {
      name: "Fault",
      message: /a part of its path is a file/,
    });
    await assert.rejects(disk.read(folder, 1e9), { name: "Fault", message: /it is a folder/ });
  });

  it("on a full disk say so and are as they were", { skip: !existsSync("/dev/full") && "no /dev/full" }, () => {
    assert.throws(() => disk.writeNow("/dev/full", "x"), {
      name: "Fault",
      code: "invalid",
      message: /no space is left there/,
    });
  });
});

describe("scanning a folder", () => {
  it("finds every file in order, and sees each change", async () => {
    const inside = fresh();
    const options = { skip: ["node_modules"], limit: 10 };
    assert.deepEqual(await disk.scan(inside, options), []);
    mkdirSync(join(inside, "b", "c"), { recursive: true });
    mkdirSync(join(inside, "node_modules"));
    for (const path of ["z.ts", "b/a.ts", "b/c/d.ts", "node_modules/x.ts"]) writeFileSync(join(inside, path), "1");
    const before = await disk.scan(inside, options);
    assert.deepEqual(
      before.map(({ path, bytes: size }) => [path, size]),
      [
        ["b/a.ts", 1],
        ["b/c/d.ts", 1],
        ["z.ts", 1],
      ],
    );
    assert.deepEqual(await disk.scan(inside, options), before);
    await disk.replace(join(inside, "z.ts"), bytes("2"));
    const changed = (await disk.scan(inside, options)).filter(({ version }, i) => version !== before[i]?.version);
    assert.deepEqual(
      changed.map(({ path }) => path),
      ["z.ts"],
    );
  });

  it("ends where there are too many", async () => {
    const inside = fresh();
    mkdirSync(inside);
    for (let i = 0; i < 4; i++) writeFileSync(join(inside, String(i)), "");
    await assert.rejects(disk.scan(inside, { skip: [], limit: 3 }), {
      name: "Fault",
      code: "invalid",
      message: /more than 3 files/,
    });
  });
});

describe("a log that another process writes", () => {
  it("is left as it is while it is short", async () => {
    const path = fresh();
    assert.equal(await disk.capLog(path, 100), false);
    writeFileSync(path, "x".repeat(100));
    assert.equal(await disk.capLog(path, 100), false);
    assert.equal(statSync(path).size, 100);
  });

  it("keeps its last lines, whole, in place of those before", async () => {
    const path = fresh();
    writeFileSync(`${path}.1`, "older\n");
    writeFileSync(path, Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(""));
    assert.equal(await disk.capLog(path, 40), true);
    assert.equal(statSync(path).size, 0);
    assert.equal(readFileSync(`${path}.1`, "utf8"), "line 95\nline 96\nline 97\nline 98\nline 99\n");
    appendFileSync(path, "next\n");
    assert.equal(readFileSync(path, "utf8"), "next\n");
  });

  it("is emptied all the same where its end cannot be kept", async () => {
    const path = fresh();
    writeFileSync(path, "x".repeat(200));
    mkdirSync(`${path}.1.new`);
    mkdirSync(join(`${path}.1.new`, "in the way"));
    assert.equal(await disk.capLog(path, 100), true);
    assert.equal(statSync(path).size, 0);
  });

  it("stays within its bound however much is written, line after whole line", async () => {
    const path = fresh();
    const log = openSync(path, "a");
    const flood = "const line = 'x'.repeat(98) + '\\n'; for (;;) require('node:fs').writeSync(1, line.repeat(100))";
    const child = spawn(process.execPath, ["-e", flood], { stdio: ["ignore", log, "ignore"] });
    const limitBytes = 200_000;
    let cuts = 0;
    let largest = 0;
    const deadline = clock.now() + 120_000;
    while (cuts < 10 && clock.now() < deadline) {
      if (await disk.capLog(path, limitBytes)) cuts++;
      if (!existsSync(`${path}.1`)) continue;
      largest = Math.max(largest, statSync(`${path}.1`).size);
      await sleep(clock, 5);
    }
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(cuts, 10);
    // The end, and what came while it was copied.
    assert.ok(largest > limitBytes / 2 && largest <= 2 * limitBytes + 300_000, `${largest} bytes kept`);
    const kept = readFileSync(`${path}.1`, "latin1");
    assert.ok(
      kept
        .split("\n")
        .slice(0, -1)
        .every((line) => line === "x".repeat(98)),
    );
    // It writes on at the new beginning: no hole, nothing but lines.
    const now = readFileSync(path, "latin1");
    assert.doesNotMatch(now, /\0/);
  });
});
