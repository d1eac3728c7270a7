// A Redis server of the bench's own, on a Unix socket alone, that writes every command to disk before it answers.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface RedisServer {
  readonly path: string;
  readonly version: string;
  stop(): Promise<void>;
}

/** Undefined where this machine has none. */
export async function redisServer(): Promise<RedisServer | undefined> {
  let version: string;
  try {
    version = /v=(\S+)/.exec(execFileSync("redis-server", ["--version"], { encoding: "utf8" }))?.[1] ?? "";
  } catch {
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "unum-redis-"));
  const path = join(folder, "redis.sock");
  const settings = ["--port", "0", "--unixsocket", path, "--dir", folder, "--save", "", "--appendonly", "yes"];
  const server = spawn("redis-server", [...settings, "--appendfsync", "always"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  let ready = false;
  for await (const line of createInterface(server.stdout)) {
    ready = /ready to accept connections/i.test(line);
    if (ready) break;
  }
  server.stdout.resume();
  if (!ready) throw new Error("redis-server ended before it was ready");
  return {
    ...{ path, version },
    stop: async () => {
      server.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
