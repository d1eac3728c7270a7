// Versions of a flow while runs are under way, as a user meets them: three runs are killed in the midst of their items, and each goes on as it can.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type Journals, readRun, sqliteJournals } from "unum/flows";
import { cleanUp, endOf, jsonLines, LIMIT, scratch, start, unum } from "../cli/unum.ts";

const FOLDER = "test/flows/stages-flow";
const ITEMS = 4;

describe("a new version of a flow", LIMIT, () => {
  after(cleanUp);

  it("is gone on with, needs to be told what was renamed, or leaves runs on the version they began with", async () => {
    const home = await scratch();
    const input = join(home, "items.ndjson");
    // Long enough to be killed in on a busy machine, where asking for the status takes seconds; short enough to be done again.
    const items = Array.from({ length: ITEMS }, (_, number) => ({ name: `i${number}`, number, workMs: 9_000 }));
    writeFileSync(input, items.map((item) => JSON.stringify(item)).join("\n"));
    const run = (file: string, ...args: readonly string[]) =>
      unum(["flow", "run", `${FOLDER}/${file}.ts`, "--in-process", "--json", ...args], { home });
    const check = async (file: string, ...args: readonly string[]) => {
      const ended = await unum(["flow", "check", `${FOLDER}/${file}.ts`, "--json", ...args], { home });
      const found = ended.stdout === "" ? [] : jsonLines(ended);
      return [found.length, [...new Set(found.map(({ verdict }) => verdict))], ended.code];
    };

    const ids = ["goes-on", "mapped", "stays"];
    await Promise.all(ids.map((id) => killedAtTwo(home, id, input)));
    assert.deepEqual(await check("patient"), [3, ["continues"], 0]);
    assert.deepEqual(await check("renamed"), [3, ["needs mapping"], 1]);
    assert.deepEqual(await check("renamed", "--map", "two=second"), [3, ["continues"], 0]);
    assert.deepEqual(await check("shorter"), [3, ["stays"], 1]);

    const [end] = jsonLines(await run("patient", "--resume", "goes-on"));
    assert.deepEqual([end.finished, end.version, end.ended], ["done", "1.1.0", ITEMS]);

    const unsaid = await run("renamed", "--resume", "mapped");
    assert.equal(unsaid.code, 2);
    assert.match(unsaid.stderr, /step 'two' is gone: .* --map two=second/);
    const [mapped] = jsonLines(await run("renamed", "--resume", "mapped", "--map", "two=second"));
    assert.deepEqual([mapped.finished, mapped.version, mapped.ended], ["done", "2.0.0", ITEMS]);
    assert.equal(mapped.nodes.find(({ name }: { name: string }) => name === "second").done, ITEMS);

    const refused = await run("shorter", "--resume", "stays");
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /go on with version 1\.0\.0, and begin new runs with this one/);
    const [fresh] = jsonLines(await run("shorter", "--id", "new", "--input", input));
    assert.deepEqual([fresh.finished, fresh.version, fresh.ended], ["done", "3.0.0", ITEMS]);
    const [stays] = jsonLines(await run("flow", "--resume", "stays"));
    assert.deepEqual([stays.finished, stays.version, stays.ended], ["done", "1.0.0", ITEMS]);
    assert.deepEqual(await check("shorter"), [0, [], 0]);
  });
});

/** A run of which every item is at its second step, and whose router is dead. Looked at in its journal: a command takes longer than the items do. */
async function killedAtTwo(home: string, id: string, input: string): Promise<void> {
  const router = start(["flow", "run", FOLDER, "--in-process", "--input", input, "--id", id, "--json"], { home });
  const ended = endOf(router);
  const journals = sqliteJournals(join(home, "flows"));
  try {
    for (let there = 0; there < ITEMS; await new Promise((resolve) => setTimeout(resolve, 20))) {
      if (router.exitCode !== null) assert.fail(`the router ended by itself: ${(await ended).stdout}`);
      there = await cameToTwo(journals, id);
    }
  } finally {
    router.kill("SIGKILL");
    await ended;
  }
}

async function cameToTwo(journals: Journals, id: string): Promise<number> {
  // It may not have begun, or be about to.
  const reader = await journals.read(id).catch(() => undefined);
  if (reader === undefined) return 0;
  try {
    const two = (await readRun(reader)).nodes.find(({ name }) => name === "two");
    return two === undefined ? 0 : two.waiting + two.running + two.done;
  } finally {
    await reader.close();
  }
}
