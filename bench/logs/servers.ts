// So many miniservers in one process, each at its own port and of its own index: node servers.ts FOLDER COUNT RECORDS
//
// Prints their ports as JSON and serves until it is ended. One more port accepts connections and never answers.

import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { sampleLog } from "../../src/log-index/sample/sample-log.ts";
import { DEFAULT_COST_LIMITS, miniserver } from "../../src/log-index/server/miniserver.ts";
import { addLogs } from "../../src/log-index/tree/add-logs.ts";
import { systemEnv } from "../../src/system/env.ts";

const [folder = "", count = "", records = ""] = process.argv.slice(2);
const { clock } = systemEnv();
const ports: number[] = [];
for (let i = 0; i < Number(count); i++) {
  const raw = join(folder, `raw-${i}`, "web");
  mkdirSync(raw, { recursive: true });
  const log = sampleLog({ lines: Number(records), days: 31, seed: i, start: 1_430_438_400, format: "common" });
  writeFileSync(join(raw, "access.log"), Buffer.concat([...log]));
  const home = join(folder, `home-${i}`);
  await addLogs({ home, path: raw, format: "auto" });
  const newQuestion = () => `${i} ${clock.now()}`;
  const server = miniserver({
    ...{ folder: home, clock, fetch, id: `s${i}`, limits: DEFAULT_COST_LIMITS, newQuestion },
  });
  await server.root.wakeUp();
  ports.push(await listening(server.fetch));
}
const silent = createServer(() => {});
silent.listen(0, "127.0.0.1", () => {
  // It listens, so it has an address.
  const { port } = silent.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ ports, silent: port })}\n`);
});

function listening(answer: (request: Request) => Response | Promise<Response>): Promise<number> {
  return new Promise((resolve) => {
    serve({ fetch: answer, port: 0, hostname: "127.0.0.1" }, ({ port }) => resolve(port));
  });
}
