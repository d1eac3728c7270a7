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
import { spreadOf } from "../harness/statistics.ts";
import { type Figure, single } from "./figure.ts";

const SERVERS = 32;
const DEADLINE_MS = 100;
const RECORDS = 20_000;
const START = 1_430_438_400;
const WARM = 10;
const ASKED = 20;

export async function serversFigures(folder: string): Promise<Figure[]> {
  const { ms, whole } = await askMany(folder);
  return [
    {
      what: `${SERVERS} miniservers over sockets, one of which never answers, deadline ${DEADLINE_MS} ms`,
      unit: "ms of wall time",
      goal: "just after the deadline",
      values: { unum: spreadOf(ms) },
    },
    {
      what: `answers of these in which the other ${SERVERS - 1} are whole`,
      unit: "%",
      goal: "100",
      values: { unum: single(whole * 100) },
    },
  ];
}

interface Asked {
  /** Wall time of each question, to the end of its answer. */
  readonly ms: readonly number[];
  /** Part of the answers that name the one server and have all records of the others. */
  readonly whole: number;
}

async function askMany(folder: string): Promise<Asked> {
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
    const all = await once(30_000);
    if (all.missing > 0) throw new Error(`${all.missing} servers do not answer`);
    for (let i = 0; i < WARM; i++) await once(30_000);
    addUrl(home, `http://127.0.0.1:${silent}/`, { name: "silent" });
    const answers = [];
    for (let i = 0; i < ASKED; i++) answers.push(await once(DEADLINE_MS));
    const whole = answers.filter(({ missing, records }) => missing === 1 && records === all.records);
    return { ms: answers.map(({ ms }) => ms), whole: whole.length / answers.length };
  } finally {
    servers.kill("SIGKILL");
  }
}
