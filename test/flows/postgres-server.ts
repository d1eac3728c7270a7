// A PostgreSQL server of a test's own, in a folder of its own, on a Unix socket alone; undefined where this machine has none.

import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";

export interface PostgresServer {
  readonly pool: pg.Pool;
  /** As programs that connect by themselves are told it. */
  readonly address: string;
  stop(): Promise<void>;
}

/** The folder of its programs. */
export function postgresPrograms(): string | undefined {
  const folders = [
    ...globSync("/usr/lib/postgresql/*/bin").sort().reverse(),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  return folders.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
}

/** Root may not run a server, so it runs as the user that the system's packages make for it. */
function asUser(program: string, args: readonly string[]): [string, string[]] {
  return process.getuid?.() === 0 ? ["runuser", ["-u", "postgres", "--", program, ...args]] : [program, [...args]];
}

export async function postgresServer(settings: readonly string[] = []): Promise<PostgresServer> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error("no PostgreSQL here");
  const folder = mkdtempSync(join(tmpdir(), "unum-pg-"));
  if (process.getuid?.() === 0) {
    const [uid, gid] = ["-u", "-g"].map((option) =>
      Number(execFileSync("id", [option, "postgres"], { encoding: "utf8" })),
    );
    chownSync(folder, uid ?? 0, gid ?? 0);
  }
  const cluster = join(folder, "data");
  const [init, initArgs] = asUser(join(programs, "initdb"), ["-D", cluster, "-A", "trust", "-U", "unum", "--no-sync"]);
  execFileSync(init, initArgs, { stdio: "ignore", cwd: folder });
  const options = ["listen_addresses=", `unix_socket_directories=${folder}`, ...settings].flatMap((setting) => [
    "-c",
    setting,
  ]);
  const [program, args] = asUser(join(programs, "postgres"), ["-D", cluster, ...options]);
  const server = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], cwd: folder });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  for await (const line of createInterface(server.stderr)) if (line.includes("ready to accept connections")) break;
  server.stderr.resume();
  const pool = new pg.Pool({ host: folder, user: "unum", database: "postgres", max: 8 });
  // A connection that breaks while nobody uses it is noticed at the next query.
  pool.on("error", () => {});
  return {
    pool,
    address: `postgres://unum@/postgres?host=${encodeURIComponent(folder)}`,
    stop: async () => {
      await pool.end();
      // The server itself: who started it as another user may not hand a signal on.
      const [pid = ""] = readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n");
      process.kill(Number(pid), "SIGINT");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
