// The three nodes of the chapter: one machine, each node in a home of its own, started and asked by the command.
//
// They end with the tour, however that ends: the standard input of each is a pipe that closes with this process.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../../../bin/unum.mjs", import.meta.url));
const COMPLAINT_CHARACTERS = 2_048;
/** How long a node that was told to end may take; then its keeper is interrupted, and interrupted again. */
const END_LIMIT_MS = 30_000;

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
  /** Keepers, each to its end. */
  readonly #keepers = new Map<ChildProcess, Promise<unknown>>();

  constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#endChildren(), { once: true });
  }

  /** The first founds the machine, the others join it by a token each. */
  async start(): Promise<readonly [TourNode, TourNode, TourNode]> {
    const first = this.#node("first");
    await this.#keep(first.home, ["up", "--log", "warn", "--open", `127.0.0.1:${await twoPorts()}`]);
    const joined = [];
    for (const name of ["second", "third"]) {
      const { token, joinsAt } = JSON.parse(await first.unum("token", "--json"));
      const node = this.#node(name);
      const open = `127.0.0.1:${await twoPorts()}`;
      await this.#keep(node.home, ["join", joinsAt, "--token", token, "--log", "warn", "--open", open]);
      joined.push(node);
    }
    const [second = first, third = first] = joined;
    return [first, second, third];
  }

  /** Whatever was begun, whatever became of it. */
  async end(): Promise<void> {
    this.#endChildren();
    await Promise.all(this.#begun.map(({ home }) => this.#run(home, ["down", "--grace", "0s"], false).catch(() => {})));
    await Promise.all([...this.#keepers].map(([keeper, ended]) => endOf(keeper, ended)));
  }

  #node(name: string): TourNode {
    const home = join(this.#folder, name);
    const node = { home, unum: (...args: readonly string[]) => this.#run(home, args, true) };
    this.#begun.push(node);
    return node;
  }

  /** A node that this process holds by its input. Settles when it is there; rejects with what it said where it ends before. */
  async #keep(home: string, args: readonly string[]): Promise<void> {
    this.#signal.throwIfAborted();
    const child = this.#spawn(home, [...args, "--json", "--until-stdin-ends"], "pipe");
    // It may be gone before its input is ended.
    child.stdin?.on("error", () => {});
    const said = collected(child);
    // It prints one line: that it is there, or what keeps it from being there.
    const lines = createInterface(child.stdout as Readable);
    const first = once(lines, "line").then(
      ([line]) => Object(JSON.parse(line)),
      () => undefined,
    );
    const ended = once(child, "close").then(
      () => undefined,
      () => undefined,
    );
    this.#keepers.set(child, ended);
    const there = await Promise.race([ended, first]);
    this.#signal.throwIfAborted();
    if (there === undefined || "error" in there)
      throw new Error(`'unum ${args.join(" ")}' does not come up: ${said.complaint || said.output}`);
  }

  async #run(home: string, args: readonly string[], mayAbort: boolean): Promise<string> {
    if (mayAbort) this.#signal.throwIfAborted();
    const child = this.#spawn(home, args, "ignore");
    if (mayAbort) this.#children.add(child);
    const said = collected(child);
    const [code] = await once(child, "close");
    this.#children.delete(child);
    if (mayAbort) this.#signal.throwIfAborted();
    if (code !== 0) throw new Error(`'unum ${args.join(" ")}' ended with ${code}: ${said.complaint || said.output}`);
    return said.output;
  }

  #spawn(home: string, args: readonly string[], stdin: "ignore" | "pipe"): ChildProcess {
    return spawn(process.execPath, [COMMAND, ...args], {
      // Its working folder is where its components would lie: it has none.
      ...{ cwd: this.#folder, env: { ...process.env, UNUM_HOME: home, NO_COLOR: "1" } },
      stdio: [stdin, "pipe", "pipe"],
    });
  }

  #endChildren(): void {
    for (const child of this.#children) child.kill("SIGTERM");
  }
}

/** What a process says, as it says it. */
function collected(child: ChildProcess): { output: string; complaint: string } {
  const said = { output: "", complaint: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said.output += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said.complaint = (said.complaint + text).slice(-COMPLAINT_CHARACTERS);
  });
  return said;
}

/** The end of its input is one interrupt, which drains; the next kills what is left. */
async function endOf(keeper: ChildProcess, ended: Promise<unknown>): Promise<void> {
  keeper.stdin?.end();
  const timer = setInterval(() => keeper.kill("SIGINT"), END_LIMIT_MS);
  await ended.finally(() => clearInterval(timer));
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
