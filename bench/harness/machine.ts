// Where a figure comes from: computer, kernel, Node and the versions of what was measured.

import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Mean number of runnable processes in the minute before: what else the machine was doing. */
  readonly loadBefore: number;
  readonly at: string;
}

export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    processors: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `${process.platform} ${release()}`,
    versions: {
      node: process.versions.node,
      unum: versionIn("../../package.json"),
      moleculer: versionIn("../peers/node_modules/moleculer/package.json"),
      zeromq: versionIn("../../node_modules/zeromq/package.json"),
    },
    loadBefore: loadavg()[0] ?? 0,
    at: new Date().toISOString(),
  };
}

function versionIn(path: string): string {
  const file = new URL(path, import.meta.url);
  if (!existsSync(file)) return "not installed";
  const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (typeof parsed === "object" && parsed !== null && "version" in parsed) return String(parsed.version);
  throw new Error(`${path} has no version`);
}
