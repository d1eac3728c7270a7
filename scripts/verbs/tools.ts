// The development tools in node_modules/.bin, run for what they say and how they end.

import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { root } from "./root.ts";

const TOOL_LIMIT_MS = 5 * 60_000;

export interface ToolResult {
  readonly ok: boolean;
  readonly output: string;
}

/** Tools find each other (buf runs protoc-gen-es) and this Node through PATH. */
export function toolEnv(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env["PATH"]}${delimiter}${join(root, "node_modules", ".bin")}`, ...more };
}

export function tool(name: string, args: readonly string[]): Promise<ToolResult> {
  return capture(join(root, "node_modules", ".bin", name), args);
}

/** Runs a command in the checkout and gathers both of its outputs. */
export function capture(command: string, args: readonly string[]): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = spawn(command, [...args], {
      cwd: root,
      env: toolEnv(),
      stdio: ["ignore", "pipe", "pipe"],
      timeout: TOOL_LIMIT_MS,
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (bytes: Buffer) => chunks.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => chunks.push(bytes));
    child.on("error", (error) => resolve({ ok: false, output: error.message }));
    child.on("close", (code, signal) => {
      const ending = signal === null ? "" : `\n${command} was ended by ${signal} after ${TOOL_LIMIT_MS / 1000} s`;
      resolve({ ok: code === 0, output: Buffer.concat(chunks).toString() + ending });
    });
  });
}
