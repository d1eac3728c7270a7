// Places where no socket can be: paths too long, read-only folders, full disks. Each a clear error, none a stack.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { cleanUp, LIMIT, scratch, trouble, unum } from "../cli/unum.ts";

const mounts: string[] = [];

after(async () => {
  for (const folder of mounts) execFileSync("umount", [folder]);
  await cleanUp();
});

/** A file system of its own. Undefined where this user may not mount. */
async function mounted(options: string): Promise<string | undefined> {
  const folder = await scratch();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], { stdio: "pipe" });
    mounts.push(folder);
    return folder;
  } catch {
    return undefined;
  }
}

const NO_MOUNT = "this user may not mount a file system";

async function refused(args: string[], options: { home?: string }, code: number, expected: RegExp): Promise<void> {
  const ended = await unum(["serve", trouble, ...args], options);
  assert.match(ended.stderr, expected);
  assert.doesNotMatch(ended.stderr, /^\s+at /m, "a stack is no message");
  assert.deepEqual([ended.code, ended.stdout], [code, ""]);
}

describe("a socket cannot be", LIMIT, () => {
  it("at a path that is too long", async () => {
    const path = `/tmp/${"long-".repeat(30)}/a.sock`;
    await refused(
      ["--listen", `ipc://${path}`],
      {},
      2,
      /the socket path has 162 bytes, .* may have 107; choose a shorter one/,
    );
  });

  it("in a folder that is a file", async () => {
    const folder = await scratch({ file: "text" });
    await refused(
      [],
      { home: join(folder, "file") },
      2,
      /cannot make the folder for sockets .*: a part of its path is a file; set UNUM_HOME/,
    );
  });

  it("at a path that is a file, which stays", async () => {
    const folder = await scratch({ "a.sock": "text" });
    await refused(
      ["--listen", `ipc://${folder}/a.sock`],
      {},
      2,
      /exists and is not a socket; remove it or choose another path/,
    );
  });

  it("on a read-only file system", async (test) => {
    const folder = await mounted("size=64k");
    if (folder === undefined) return test.skip(NO_MOUNT);
    await mkdir(join(folder, "run"), { mode: 0o700 });
    execFileSync("mount", ["-o", "remount,ro", folder]);
    await refused([], { home: folder }, 4, /denied: .*read-only file system; choose another folder/);
    await refused(
      [],
      { home: join(folder, "deeper") },
      4,
      /denied: cannot make the folder .*: the file system is read-only; set UNUM_HOME/,
    );
  });

  it("on a full disk", async (test) => {
    // Room for the folder itself and two more.
    const folder = await mounted("size=64k,nr_inodes=3");
    if (folder === undefined) return test.skip(NO_MOUNT);
    await mkdir(join(folder, "run"), { mode: 0o700 });
    await writeFile(join(folder, "last"), "");
    await refused([], { home: folder }, 2, /invalid: no space is left for ipc:.*; choose another folder/);
    await refused(
      [],
      { home: join(folder, "deeper") },
      2,
      /cannot make the folder for sockets .*: no space is left there; set UNUM_HOME/,
    );
  });
});
