// Two nodes and a PostgreSQL between them: a run whose router is killed on the one goes on at the other.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { endNodes, tellLogs, up } from "../cli/node.ts";
import { cleanUp, endOf, jsonLines, LIMIT, scratch, start, unum } from "../cli/unum.ts";
import { type PostgresServer, postgresPrograms, postgresServer } from "./postgres-server.ts";

const skip =
  postgresPrograms() === undefined ? "PostgreSQL is not installed; scripts/test-services installs it" : false;

const FLOW = "test/flows/kills-flow";
const COMPONENTS = `${FLOW}/components`;
/** Of 300 ms each, 16 at a time in a container, four containers at most: the run lasts, however fast the machine is. */
const ITEMS = 300;

describe("a run that two hosts share", { ...LIMIT, skip }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await postgresServer();
  });
  afterEach((test) => tellLogs(test));
  after(async () => {
    await endNodes();
    await server.stop();
    await cleanUp();
  });

  it("goes on at the other when its router is killed, once its lease has ended, and loses nothing", async () => {
    const [one, other] = [await scratch(), await scratch()];
    await Promise.all([one, other].map((home) => up(COMPONENTS, [], { home })));
    const input = join(one, "items.ndjson");
    const items = Array.from({ length: ITEMS }, (_, number) => ({ name: `i${number}`, number: 2, workMs: 300 }));
    writeFileSync(input, items.map((item) => JSON.stringify(item)).join("\n"));
    const journal = ["--journal", server.address];
    const args = (home: string) => [FLOW, "--input", input, "--output", join(home, "out.ndjson"), ...journal, "--json"];

    const router = start(["flow", "run", ...args(one), "--id", "shared"], { home: one });
    const killed = endOf(router);
    // biome-ignore lint/suspicious/noExplicitAny: tests assert on what the command printed
    const seenByOther = async (): Promise<any> => {
      const seen = await unum(["flow", "status", "shared", ...journal, "--json"], { home: other });
      return seen.code === 0 ? jsonLines(seen)[0] : undefined;
    };
    let seen = await seenByOther();
    while (seen === undefined || seen.ended === 0) {
      if (router.exitCode !== null) assert.fail(`the router ended by itself: ${(await killed).stderr}`);
      seen = await seenByOther();
    }
    assert.ok(seen.ended < ITEMS, `${seen.ended} of ${ITEMS} had ended before the router was killed`);
    router.kill("SIGKILL");
    await killed;

    const refused = await unum(["flow", "pause", "shared", ...journal], { home: other });
    assert.equal(refused.code, 4, refused.stdout);
    assert.match(refused.stderr, /another router runs 'shared'; where it is silent its lease ends in \d+ s/);
    let heir = refused;
    while (heir.code === 4) heir = await unum(["flow", "run", ...args(other), "--resume", "shared"], { home: other });
    assert.equal(heir.code, 0, heir.stderr);
    const end = jsonLines(heir)[0];
    assert.deepEqual([end.finished, end.ended, end.dead, end.where], ["done", ITEMS, 0, "the node here"]);

    const tasks = new Map<string, Set<number>>();
    for (const home of [one, other]) {
      const path = join(home, "out.ndjson");
      if (!existsSync(path)) continue;
      for (const line of readFileSync(path, "utf8").split("\n")) {
        // The line that the killed one was writing may be cut.
        if (!line.endsWith("}")) continue;
        const { value, task } = JSON.parse(line);
        assert.equal(value.items, 3);
        tasks.set(value.name, (tasks.get(value.name) ?? new Set()).add(task));
      }
    }
    assert.equal(tasks.size, ITEMS);
    assert.ok([...tasks.values()].every(({ size }) => size === 1));
  });
});
