// ripgrep, where it is installed: it goes through a long log for one address several times as fast as we do.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { Fault } from "../../base/fault.ts";
import type { LineSearch } from "../../log-index/asleep/line-search.ts";

const LEAST_BYTES = 32 << 20;
/** Lines byte by byte, with their offsets, whatever the user's settings say. */
const ARGUMENTS = ["--no-config", "--text", "--encoding", "none", "--byte-offset", "--no-filename", "--no-line-number"];

export function ripgrep(told: (text: string) => void, leastBytes = LEAST_BYTES): LineSearch {
  let isMissing = false;
  return {
    leastBytes,
    told: (text) => {
      if (!isMissing) told(text);
    },
    async *lines(path, pattern) {
      if (isMissing) throw new Fault("not-found", "ripgrep is not installed");
      const args = [...ARGUMENTS, "--color", "never", "--no-heading", "--regexp", pattern, "--", path];
      const child = spawn("rg", args, { stdio: ["ignore", "pipe", "ignore"] });
      const ended = once(child, "close");
      // Told by its rejection, which is looked at below, once what it wrote was read.
      ended.catch(() => {});
      try {
        for await (const bytes of child.stdout) yield bytes;
        const [code] = await ended;
        // 1: no line matches.
        if (code !== 0 && code !== 1) throw new Fault("internal", `ripgrep ended with ${code}`);
      } catch (error) {
        isMissing ||= error instanceof Error && "code" in error && error.code === "ENOENT";
        throw error;
      } finally {
        child.kill("SIGKILL");
      }
    },
  };
}
