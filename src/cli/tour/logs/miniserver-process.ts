// A miniserver in a process of its own, as `unum logs serve` starts it, so that it can be killed.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const COMMAND = join(import.meta.dirname, "../../../../bin/unum.mjs");

export interface MiniserverProcess {
  readonly url: string;
  readonly pid: number;
  kill(): Promise<void>;
}

/** Rejects with what it said where it does not come up. `port`: 0 for any. */
export async function startMiniserver(index: string, port: number, signal: AbortSignal): Promise<MiniserverProcess> {
  const args = [COMMAND, "logs", "serve", "--index", index, "--port", String(port), "--json"];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close");
  const stop = () => child.kill("SIGKILL");
  signal.addEventListener("abort", stop, { once: true });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  if (child.stdout === null || child.pid === undefined) throw new Error("the miniserver could not be started");
  const first = createInterface(child.stdout)[Symbol.asyncIterator]().next();
  const line = await Promise.race([first, closed.then(() => undefined)]);
  if (line === undefined || line.done === true) throw new Error(`the miniserver ended: ${said}`);
  // The first line of `serve --json`.
  const { url } = JSON.parse(line.value) as { url: string };
  return {
    url,
    pid: child.pid,
    async kill() {
      signal.removeEventListener("abort", stop);
      child.kill("SIGKILL");
      await closed;
    },
  };
}
