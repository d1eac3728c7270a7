// A disk without room, for real: a small file system of its own. The run says so, keeps what it has, and goes on when there is room.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Flow, flow, readRun, runFlow, sqliteJournals, type Workers } from "unum/flows";
import { systemEnv } from "../../src/system/env.ts";
import { ItemSchema, Steps } from "../gen/unum/test/v1/flows_pb.ts";

const isRoot = process.getuid?.() === 0;
const ITEMS = 60;

const single: Flow<typeof ItemSchema> = flow(
  "single",
  ({ source, step, sink }) => {
    source(ItemSchema).to(step("one", Steps.method.work)).to(sink("end"));
  },
  { input: ItemSchema },
);

/** Does all that it is given at once. */
const atOnce: Workers = {
  places: 64,
  onPlaces: () => {},
  room: () => Number.POSITIVE_INFINITY,
  perform: (works, settling) => {
    for (const work of works) {
      settling.began(work);
      settling.settled(work, { kind: "done", values: [work.value] });
    }
  },
  withdraw: () => {},
  serves: () => true,
  close: async () => {},
};

describe("a full disk", { skip: isRoot ? false : "mounting a file system needs root", timeout: 600_000 }, () => {
  it("stops a run with what to do, loses nothing that was acknowledged, and lets it go on when there is room", async (test) => {
    const folder = mkdtempSync(join(tmpdir(), "unum-full-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], { stdio: "pipe" });
    } catch (error) {
      rmSync(folder, { recursive: true });
      test.skip(`no file system can be mounted here: ${String(error).split("\n")[0]}`);
      return;
    }
    try {
      const env = systemEnv();
      const journals = sqliteJournals(join(folder, "flows"));
      const seen: number[] = [];
      const run = await runFlow(single, {
        ...{ env, journals, workers: atOnce, id: "full" },
        output: (_, __, task) => seen.push(task),
      });
      const first = await run.submit({ name: "first" });
      // Others take all the room there is but a little.
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(join(folder, "others"), new Uint8Array(bavail * bsize - 64 * 1024));
      let acknowledged = 0;
      const trail = "x".repeat(50_000);
      const submitted = Array.from({ length: ITEMS }, (_, number) =>
        run.submit({ name: `i${number}`, trail }).then(() => acknowledged++),
      );
      while (run.progress.trouble === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.match(run.progress.trouble, /no room|full/i);
      assert.ok(acknowledged < ITEMS, `${acknowledged} were acknowledged on a disk without room`);
      // What is on disk can be read by others meanwhile.
      const reader = await journals.read("full");
      assert.ok((await readRun(reader)).items >= 1 + acknowledged);
      await reader.close();
      rmSync(join(folder, "others"));
      await Promise.all(submitted);
      await run.close();
      assert.equal(await run.finished, "done");
      assert.equal(run.progress.trouble, undefined);
      assert.equal(new Set(seen).size, ITEMS + 1);
      assert.ok(seen.includes(first));
      await run.stop();
    } finally {
      execFileSync("umount", ["-l", folder]);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
