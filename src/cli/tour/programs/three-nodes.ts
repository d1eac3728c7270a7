// The three nodes of the chapter: one machine, each node in a home of its own, started and asked by the command.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../../../bin/unum.mjs", import.meta.url));
const COMPLAINT_CHARACTERS = 2_048;

export interface TourNode {
  /** $UNUM_HOME. */
  readonly home: string;
  /** Runs the command there. Rejects with what it said where it fails. */
  unum(...args: readonly string[]): Promise<string>;
}

export class ThreeNodes {
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #begun: TourNode[] = [];
  readonly #children = new Set<ChildProcess>();

  constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#endChildren(), { once: true });
  }

  /** The first founds the machine, the others join it by a token each. */
  async start(): Promise<readonly [TourNode, TourNode, TourNode]> {
    const first = this.#node("first");
    await first.unum("up", "--detach", "--json", "--log", "warn", "--open", `127.0.0.1:${await twoPorts()}`);
    const joined = [];
    for (const name of ["second", "third"]) {
      const { token, joinsAt } = JSON.parse(await first.unum("token", "--json"));
      const node = this.#node(name);
      await node.unum(
        "join",
        joinsAt,
        "--token",
        token,
        "--open",
        `127.0.0.1:${await twoPorts()}`,
        "--detach",
        "--json",
      );
      joined.push(node);
    }
    const [second = first, third = first] = joined;
    return [first, second, third];
  }

  /** Whatever was begun, whatever became of it. */
  async end(): Promise<void> {
    this.#endChildren();
    await Promise.all(this.#begun.map(({ home }) => this.#run(home, ["down", "--grace", "0s"], false).catch(() => {})));
  }

  #node(name: string): TourNode {
    const home = join(this.#folder, name);
    const node = { home, unum: (...args: readonly string[]) => this.#run(home, args, true) };
    this.#begun.push(node);
    return node;
  }

  async #run(home: string, args: readonly string[], mayAbort: boolean): Promise<string> {
    if (mayAbort) this.#signal.throwIfAborted();
    const child = spawn(process.execPath, [COMMAND, ...args], {
      // Its working folder is where its components would lie: it has none.
      ...{ cwd: this.#folder, env: { ...process.env, UNUM_HOME: home, NO_COLOR: "1" } },
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (mayAbort) this.#children.add(child);
    let [said, complaint] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-COMPLAINT_CHARACTERS);
    });
    const [code] = await once(child, "close");
    this.#children.delete(child);
    if (mayAbort) this.#signal.throwIfAborted();
    if (code !== 0) throw new Error(`'unum ${args.join(" ")}' ended with ${code}: ${complaint || said}`);
    return said;
  }

  #endChildren(): void {
    for (const child of this.#children) child.kill("SIGTERM");
  }
}

/** The first of two ports in a row that are free now. */
async function twoPorts(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
