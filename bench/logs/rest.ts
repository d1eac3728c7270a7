// The index over HTTP as its caller waits for it: by one kept-alive connection of node:http, in wall time.

import { spawn } from "node:child_process";
import { Agent, get } from "node:http";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { formatIpv4 } from "../../src/log-index/records/address.ts";
import { spreadOf } from "../harness/statistics.ts";
import type { Figure } from "./figure.ts";
import type { Question } from "./questions.ts";

const WARM = 2_000;
const ASKED = 1_000;

/** `questions` of one address each, over all there is; different ones in turn. */
export async function restFigure(home: string, questions: readonly Question[]): Promise<Figure> {
  const server = spawn(process.execPath, ["bin/unum.mjs", "logs", "serve", "--index", home, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const line = await createInterface(server.stdout)[Symbol.asyncIterator]().next();
    const { url } = JSON.parse(line.value ?? "{}");
    const waits: number[] = [];
    for (let i = 0; i < WARM + ASKED; i++) {
      const ip = formatIpv4(questions[i % questions.length]?.ranges[0]?.[0] ?? 0);
      const startedAt = performance.now();
      const answer = await asked(`${url}bench?ip=${ip}`, agent);
      if (!answer.endsWith('{"end":true,"gaps":[]}\n')) throw new Error(`${url} answers ${answer.slice(0, 500)}`);
      if (i >= WARM) waits.push(performance.now() - startedAt);
    }
    return {
      what: "one address, month, up to 30 records, by REST",
      unit: "ms of wall time, median",
      goal: "<= 0.6",
      values: { unum: spreadOf(waits) },
    };
  } finally {
    agent.destroy();
    server.kill("SIGKILL");
  }
}

function asked(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => text(response).then(resolve, reject)).on("error", reject);
  });
}
