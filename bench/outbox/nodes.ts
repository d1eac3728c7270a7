// The two nodes of the bench, each as anybody starts one: `unum up`, and `unum join`.

import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");
const COMMAND = join(ROOT, "bin/unum.mjs");
/** What the messages reach: a function that does nothing. */
const COMPONENTS = join(ROOT, "test/machine/components");

export class BenchNode {
  readonly home: string;

  constructor(home: string) {
    this.home = home;
  }

  get door(): string {
    return `ipc://${join(this.home, "run/door.sock")}`;
  }

  async unum(...args: readonly string[]): Promise<string> {
    const options = { cwd: ROOT, env: { ...process.env, UNUM_HOME: this.home }, maxBuffer: 2 ** 26 };
    return (await run(process.execPath, [COMMAND, ...args], options)).stdout;
  }

  async found(): Promise<void> {
    await this.unum("up", "--detach", "--open", await opened(), "--components", COMPONENTS);
  }

  async join(other: BenchNode): Promise<void> {
    const { token, joinsAt } = JSON.parse(await other.unum("token", "--json"));
    const open = ["--open", await opened(), "--components", COMPONENTS];
    await this.unum("join", joinsAt, "--token", token, ...open, "--detach");
  }

  async again(): Promise<void> {
    await this.unum("up", "--detach", "--components", COMPONENTS);
  }

  async down(): Promise<void> {
    await this.unum("down");
  }
}

async function opened(): Promise<string> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if ((await isFree(port)) && (await isFree(port + 1))) return `127.0.0.1:${port}`;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
