// 32 miniservers over real sockets, one of which never answers: when the answer is there, and how much of it.

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AddressSet } from "../../src/log-index/records/address-set.ts";
import { addUrl } from "../../src/log-index/tree/add-logs.ts";
import { IndexDispatcher } from "../../src/log-index/tree/index-dispatcher.ts";
import { systemEnv } from "../../src/system/env.ts";

export const SERVERS = 32;
export const DEADLINE_MS = 100;
const RECORDS = 20_000;
const START = 1_430_438_400;
const WARM = 10;
const ASKED = 20;

export interface Asked {
  /** Wall time of each question, to the end of its answer. */
  readonly ms: readonly number[];
  /** Servers that are missing, of each question. */
  readonly missing: readonly number[];
  /** Records of each question, and those that the others have. */
  readonly records: readonly number[];
  readonly wanted: number;
}

export async function askMany(folder: string): Promise<Asked> {
  const child = fileURLToPath(new URL("servers.ts", import.meta.url));
  const servers = spawn(process.execPath, [child, folder, String(SERVERS - 1), String(RECORDS)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const line = await createInterface(servers.stdout)[Symbol.asyncIterator]().next();
    // Written by servers.ts.
    const { ports, silent } = JSON.parse(line.value ?? "{}") as { ports: number[]; silent: number };
    const home = join(folder, "home");
    mkdirSync(home, { recursive: true });
    for (const [i, port] of ports.entries()) addUrl(home, `http://127.0.0.1:${port}/`, { name: `s${i}` });
    let asked = 0;
    const { clock } = systemEnv();
    const root = new IndexDispatcher({ folder: home, name: "", clock, fetch, newQuestion: () => `bench ${asked++}` });
    const query = { from: START, to: START + 31 * 86_400, addresses: AddressSet.parse(["64.0.0.0/8"]) };
    const once = async (deadlineMs: number) => {
      const startedAt = performance.now();
      let records = 0;
      const missing = new Set<string>();
      for await (const part of root.find(query, { deadlineMs })) {
        if ("gap" in part) missing.add(part.gap.where);
        else records += part.batch.count;
      }
      return { ms: performance.now() - startedAt, records, missing: missing.size };
    };
    const whole = await once(30_000);
    if (whole.missing > 0) throw new Error(`${whole.missing} servers do not answer`);
    for (let i = 0; i < WARM; i++) await once(30_000);
    addUrl(home, `http://127.0.0.1:${silent}/`, { name: "silent" });
    const answers = [];
    for (let i = 0; i < ASKED; i++) answers.push(await once(DEADLINE_MS));
    return {
      ms: answers.map(({ ms }) => ms),
      missing: answers.map(({ missing }) => missing),
      records: answers.map(({ records }) => records),
      wanted: whole.records,
    };
  } finally {
    servers.kill("SIGKILL");
  }
}
