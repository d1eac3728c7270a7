// The command as a process of its own, for tests: run to its end, or kept as a container.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

export const root = join(import.meta.dirname, "../..");
export const trouble = join(root, "test/bad-days/components");

const COMMAND = join(root, "bin/unum.mjs");
/** Ten times what the slowest of them takes on a machine that is busy with others. */
const RUN_LIMIT_MS = 400_000;

/** What it wrote before it ended is read within this time. */
const OUTPUT_LIMIT_MS = 20_000;

/** For every suite that waits for processes, whole: ten times what it takes. */
export const LIMIT = { timeout: 600_000 };

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface RunOptions {
  /** $UNUM_HOME. */
  readonly home?: string;
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts the command; for those that are sent signals or read as they go. */
export function start(args: readonly string[], { home, cwd = root, env = {} }: RunOptions = {}): ChildProcess {
  const environment = { ...process.env, ...(home === undefined ? {} : { UNUM_HOME: home }), ...env };
  return spawn(process.execPath, [COMMAND, ...args], { cwd, env: environment, stdio: ["pipe", "pipe", "pipe"] });
}

/** Runs the command to its end. */
export async function unum(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const startedAt = performance.now();
  const child = start(args, options);
  child.stdin?.end(options.input ?? "");
  const timer = setTimeout(() => child.kill("SIGKILL"), RUN_LIMIT_MS);
  const ended = await endOf(child, startedAt);
  clearTimeout(timer);
  if (ended.code !== null) return ended;
  return { ...ended, stderr: `${ended.stderr}\nunum ${args.join(" ")} was killed: ${ended.ms} ms` };
}

/** Waits for as long as its suite may take; for what others may still write to its output, not as long as these live. */
export async function endOf(child: ChildProcess, startedAt = performance.now()): Promise<Ended> {
  const stdout = gather(child.stdout);
  const stderr = gather(child.stderr);
  child.once("exit", () => {
    const timer = setTimeout(() => {
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
    }, OUTPUT_LIMIT_MS);
    child.once("close", () => clearTimeout(timer));
  });
  const [code] = await once(child, "close");
  return { code, stdout: stdout(), stderr: stderr(), ms: performance.now() - startedAt };
}

function gather(stream: NodeJS.ReadableStream | null): () => string {
  let text = "";
  stream?.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  return () => text;
}

export interface Served {
  readonly child: ChildProcess;
  readonly container: string;
  readonly addresses: readonly string[];
  /** The first of them. */
  readonly address: string;
  readonly failures: readonly Record<string, unknown>[];
  /** Settles with how the process ended. */
  readonly ended: Promise<Ended>;
}

/** A container that serves; rejects with what it said where it does not. */
export async function serve(folder: string, args: readonly string[], options: RunOptions): Promise<Served> {
  const child = start(["serve", folder, "--json", "--log", "warn", ...args], options);
  started.add(child);
  const ended = endOf(child).finally(() => started.delete(child));
  if (child.stdout === null) throw new Error("no output");
  const line = createInterface(child.stdout)[Symbol.asyncIterator]().next();
  const first = await Promise.race([line, ended]);
  if (!("done" in first) || first.done) throw new Error(`serve ended: ${(await ended).stderr}`);
  const { container, addresses, failures } = JSON.parse(first.value);
  return { child, container, addresses, address: addresses[0], failures, ended };
}

const started = new Set<ChildProcess>();
const folders: string[] = [];

/** A folder that is removed at the end; short, as sockets need it. */
export async function scratch(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "unum-"));
  folders.push(folder);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

/** For `after`: no process and no folder is left behind. */
export async function cleanUp(): Promise<void> {
  for (const child of started) {
    child.kill("SIGCONT");
    child.kill("SIGKILL");
  }
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
}

/** Every line of the output as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: tests assert on what the command printed
export function jsonLines({ stdout }: Ended): any[] {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
