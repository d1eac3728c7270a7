// Locks among real processes and files.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import { withLock } from "./lock.mjs";

const folder = mkdtempSync(join(tmpdir(), "unum-lock-"));
after(() => rmSync(folder, { recursive: true }));

const patient = { waitMs: 60_000, onWait: () => {} };

/** A lock as a process that was killed leaves it. */
function abandoned(name: string, secondsAgo: number): string {
  const lock = join(folder, name);
  mkdirSync(lock);
  writeFileSync(join(lock, "holder"), "1 abandoned");
  const then = Date.now() / 1000 - secondsAgo;
  utimesSync(lock, then, then);
  return lock;
}

describe("a lock", () => {
  it("lets one process in at a time", async () => {
    const journal = join(folder, "journal");
    const work = `
      import { appendFileSync } from "node:fs";
      import { withLock } from ${JSON.stringify(new URL("./lock.mjs", import.meta.url).href)};
      for (let i = 0; i < 5; i++) {
        await withLock(${JSON.stringify(join(folder, "shared"))}, { waitMs: 60_000, onWait: () => {} }, async () => {
          appendFileSync(${JSON.stringify(journal)}, "in ");
          await new Promise((resolve) => setImmediate(resolve));
          appendFileSync(${JSON.stringify(journal)}, "out ");
        });
      }`;
    const run = promisify(execFile);
    await Promise.all([1, 2, 3].map(() => run(process.execPath, ["--input-type=module", "-e", work])));
    assert.equal(readFileSync(journal, "utf8"), "in out ".repeat(15));
  });

  it("is free again after work that failed, and leaves nothing behind", async () => {
    const lock = join(folder, "failing", "lock");
    await assert.rejects(
      withLock(lock, patient, () => Promise.reject(new Error("no"))),
      /^Error: no$/,
    );
    assert.equal(await withLock(lock, patient, async () => "yes"), "yes");
    assert.deepEqual(readdirSync(join(folder, "failing")), []);
  });

  it("is taken over from a holder that is gone, by one of many", async () => {
    const lock = abandoned("stale", 60);
    let inside = 0;
    const work = async () => {
      assert.equal(++inside, 1);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    await Promise.all([1, 2, 3, 4].map(() => withLock(lock, patient, work)));
  });

  it("is waited for no longer than said, naming the folder", async () => {
    const lock = abandoned("fresh", 0);
    const waited: string[] = [];
    await assert.rejects(
      withLock(lock, { waitMs: 0, onWait: (pid) => waited.push(pid) }, async () => {}),
      (error: Error) => error.name === "NotReady" && error.message.includes(lock),
    );
    assert.deepEqual(waited, ["1"]);
  });
});
