// 32 miniservers at real sockets, one of which accepts and never answers, one of which goes away in between.

import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { serve } from "@hono/node-server";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { DEFAULT_COST_LIMITS, miniserver } from "../../src/log-index/server/miniserver.ts";
import { addLogs, addUrl } from "../../src/log-index/tree/add-logs.ts";
import { IndexDispatcher } from "../../src/log-index/tree/index-dispatcher.ts";
import { systemEnv } from "../../src/system/env.ts";
import { ALWAYS, ask, scanPlainly } from "./plain-scan.ts";

const SERVERS = 32;
/** Thirty times of what 31 answers take, so that a slow computer is not taken for dead servers. */
const DEADLINE_MS = 3_000;
const { clock } = systemEnv();
const open: { close(): unknown; closeAllConnections?(): void }[] = [];
const folders: string[] = [];
after(() => {
  for (const server of open) {
    server.closeAllConnections?.();
    server.close();
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe("32 servers at sockets", () => {
  it("are answered just after the deadline: one hangs and is named, the other 31 are whole", async () => {
    const folder = await mkdtemp(join(tmpdir(), "unum-logs-"));
    folders.push(folder);
    const home = join(folder, "home");
    mkdirSync(home);
    const logs: string[][] = [];
    for (let i = 0; i < SERVERS - 1; i++) {
      const lines = sample(100, i);
      logs.push(lines);
      addUrl(home, `http://127.0.0.1:${await miniserverOf(join(folder, String(i)), lines, i)}/web`, { name: `s${i}` });
    }
    addUrl(home, `http://127.0.0.1:${await silent()}/web`, { name: "silent" });
    let asked = 0;
    const root = new IndexDispatcher({ folder: home, name: "", clock, fetch, newQuestion: () => `q${asked++}` });
    const startedAt = clock.now();
    const found: string[] = [];
    const gaps: unknown[] = [];
    for await (const part of root.find(ALWAYS, { deadlineMs: DEADLINE_MS })) {
      if ("gap" in part) gaps.push(part.gap);
      else for (let i = 0; i < part.batch.count; i++) found.push(Buffer.from(part.batch.line(i)).toString("latin1"));
    }
    assert.ok(clock.now() - startedAt >= DEADLINE_MS, "it waits for the one that hangs until the deadline");
    const why = `did not answer within ${DEADLINE_MS} ms`;
    assert.deepEqual(gaps, [{ where: "silent", ...ALWAYS, why }]);
    assert.deepEqual(found.toSorted(), scanPlainly(logs.flat(), ALWAYS).toSorted());
    // One that is gone is known at once: nobody listens there.
    const rest = root.at("s0");
    for (const server of open.splice(0, 1)) {
      server.closeAllConnections?.();
      server.close();
    }
    const answer = await ask(rest ?? root, ALWAYS);
    assert.match(answer.gaps[0]?.why ?? "", /cannot be reached/);
  });
});

function sample(lines: number, seed: number): string[] {
  const parts = [...sampleLog({ lines, days: 1, seed, start: 1_431_907_200, format: "combined" })];
  return Buffer.concat(parts).toString("latin1").split("\n").slice(0, -1);
}

/** Its port. */
async function miniserverOf(folder: string, lines: readonly string[], number: number): Promise<number> {
  const raw = join(folder, "web");
  mkdirSync(raw, { recursive: true });
  writeFileSync(join(raw, "access.log"), lines.map((line) => `${line}\n`).join(""));
  await addLogs({ home: join(folder, "home"), path: raw, format: "auto" });
  let asked = 0;
  const server = miniserver({
    ...{ folder: join(folder, "home"), clock, fetch, id: `s${number}`, limits: DEFAULT_COST_LIMITS },
    newQuestion: () => `s${number} ${asked++}`,
  });
  return new Promise((resolve) => {
    const listener = serve({ fetch: server.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => resolve(port));
    open.push(listener);
  });
}

function silent(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server: Server = createServer(() => {});
    open.push(server);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error(`listens at ${address}`));
      else resolve(address.port);
    });
  });
}
