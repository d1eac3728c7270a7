// The node of the tour: `unum up` in a home of its own, as anybody starts one.
//
// It ends with the tour, however that ends: its standard input is a pipe that closes with this process.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Address } from "../../../transports/transport.ts";

export interface NodeProcess {
  /** Of the keeper. */
  readonly pid: number;
  readonly door: Address;
  /** Lets it drain, and ends it at once where that takes too long. Settles with its exit code. */
  stop(): Promise<number | null>;
}

const STOP_LIMIT_MS = 30_000;
const COMPLAINT_CHARACTERS = 4_096;

/** The command itself, as `npx unum` runs it. */
const COMMAND = join(import.meta.dirname, "../../../../bin/unum.mjs");

/** Rejects, with what the process said, where the node does not come up. */
export async function startNode(options: {
  components: string;
  /** Its working folder: what paths are relative to. */
  root: string;
  /** $UNUM_HOME. */
  home: string;
  /** Ends the process while it is starting. */
  signal: AbortSignal;
}): Promise<NodeProcess> {
  const child = spawn(
    process.execPath,
    [COMMAND, "up", "--components", options.components, "--json", "--log", "warn", "--until-stdin-ends"],
    { cwd: options.root, env: { ...process.env, UNUM_HOME: options.home }, stdio: ["pipe", "pipe", "pipe"] },
  );
  // It may be gone before its input is ended.
  child.stdin.on("error", () => {});
  const ended = codeOf(child);
  const stop = async () => {
    child.stdin.end();
    // The second of its interrupts: it kills what is left.
    const timer = setTimeout(() => child.kill("SIGINT"), STOP_LIMIT_MS);
    return ended.finally(() => clearTimeout(timer));
  };
  const stopIt = () => void stop();
  options.signal.addEventListener("abort", stopIt, { once: true });
  try {
    const door = await announcement(child, ended);
    // It runs, so it has a process id.
    return { pid: child.pid as number, door, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    options.signal.removeEventListener("abort", stopIt);
  }
}

function codeOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.on("error", () => resolve(null));
    child.on("close", resolve);
  });
}

/** The one line it prints when it is there: its door, where something is served. */
function announcement(child: ChildProcess, ended: Promise<unknown>): Promise<Address> {
  return new Promise((resolve, reject) => {
    let complaint = "";
    child.stderr?.on("data", (bytes: Buffer) => {
      complaint = (complaint + bytes).slice(-COMPLAINT_CHARACTERS);
    });
    const fail = (what: string, why: string) => reject(new Error(`the node ${what}${why === "" ? "" : `:\n${why}`}`));
    void ended.then(() => fail("ended before it was there", complaint));
    if (child.stdout === null) return fail("has no output", "");
    createInterface(child.stdout).once("line", (line) => {
      const { doors, containers, problems } = JSON.parse(line);
      const serves = containers.some(({ components }: { components: unknown[] }) => components.length > 0);
      if (serves) resolve(doors[0]);
      else fail("serves nothing", problems.map(({ text }: { text: string }) => text).join("\n"));
    });
  });
}
