// Confined children: what of it this system can do, and how one is started.
//
//   prlimit ──▶ bwrap: own user, process, network, host name and file name spaces; read-only system; nothing of the host's
//     └──▶ seccomp filter ──▶ node --permission ──▶ the cell, with one socket at fd 3

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import type net from "node:net";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import type { ByteStream } from "../base/network.ts";
import { refusingFilter } from "./seccomp.ts";
import { SocketStream } from "./socket-stream.ts";

export interface Layer {
  readonly name: string;
  readonly present: boolean;
  /** What it does, or what is missing and how to get it. */
  readonly text: string;
}

export interface ConfinedSettings {
  /** Absolute: what the child runs, and folders it may read to do so. */
  readonly program: string;
  readonly readable: readonly string[];
  readonly granted: readonly string[];
  /** Old space of the JavaScript heap. */
  readonly heapMiB: number;
  /** Of Node, beside those that confine: what its cell needs. */
  readonly flags?: readonly string[];
  /** Absolute: Node's compile cache, of which the child reads what is there and writes nothing. */
  readonly compiled?: string | undefined;
  /** A line that the child wrote. */
  readonly say: (line: string) => void;
  /** For tests of one layer without another. */
  readonly without?: readonly ("permission" | "seccomp")[];
}

export interface ConfinedProcess {
  readonly stream: ByteStream;
  readonly ended: Promise<string>;
  kill(): void;
}

/** Nobody. */
const CHILD_USER = "65534";
const COMPILED = "/tmp/compiled";
/** What Node itself needs of the system: no program among it. */
const LIBRARIES = ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache"];
/** With the programs of the system. */
const SYSTEM = ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"];
const TMP_BYTES = 64 * 2 ** 20;
const LIMITS = { nofile: 256, nproc: 256, core: 0, fsize: TMP_BYTES, data: 4 * 2 ** 30 };
/** Of what a child writes; more is dropped. */
const LINES_PER_SECOND = 100;
const LONGEST_LINE = 4_096;

/** What of confinement this system has. */
export function confinementLayers(): readonly Layer[] {
  const linux = process.platform === "linux";
  const bwrap =
    linux && spawnSync("bwrap", [...NAMESPACES, ...shown(SYSTEM), "/usr/bin/true"], { timeout: 10_000 }).status === 0;
  const has = (program: string) => spawnSync(program, ["--version"], { timeout: 10_000 }).error === undefined;
  const installed = has("bwrap");
  const filter = refusingFilter(process.arch) !== undefined;
  return [
    {
      name: "name spaces",
      present: bwrap,
      text: bwrap
        ? "bubblewrap: own files, processes, network and user"
        : installed
          ? "bubblewrap is there and the system does not let it make name spaces: allow unprivileged user name spaces"
          : "bubblewrap is missing: install the package 'bubblewrap'",
    },
    {
      name: "system calls",
      present: bwrap && filter,
      text: filter ? "seccomp: what no program needs is refused" : `no filter for ${process.arch}`,
    },
    {
      name: "limits",
      present: has("prlimit"),
      text: has("prlimit")
        ? "prlimit: files, threads, memory, sizes"
        : "prlimit is missing: install the package 'util-linux'",
    },
    {
      name: "permissions",
      present: true,
      text: "Node's permission model: files, processes, workers, addons; a seat belt, not a wall",
    },
  ];
}

/** What starts confined children; whether the system can is asked once. It rejects with the Fault `denied` where it cannot. */
export function confiner(): (settings: ConfinedSettings) => Promise<ConfinedProcess> {
  let asked = false;
  return async (settings) => {
    if (!asked) {
      const missing = confinementLayers().find(({ name, present }) => name === "name spaces" && !present);
      if (missing !== undefined) {
        const way = `${missing.text}; or pack it with 'trust: operator', which runs it with your own rights`;
        throw new Fault("denied", `a program that is not trusted needs to be confined, and this system cannot: ${way}`);
      }
      asked = true;
    }
    return startConfined(settings);
  };
}

/** The same program with the rights of who starts it, in a process of its own all the same: for what is trusted. */
export function startPlain({ program, heapMiB, flags = [], compiled, say }: ConfinedSettings): ConfinedProcess {
  const run = [`--max-old-space-size=${heapMiB}`, "--no-warnings", ...flags, program];
  const env = compiled === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: compiled };
  return childOf(
    spawn(process.execPath, run, { stdio: ["ignore", "pipe", "pipe", "pipe"], cwd: tmpdir(), detached: true, env }),
    say,
  );
}

/** Without asking whether the system can. */
export function startConfined(settings: ConfinedSettings): ConfinedProcess {
  const filter = settings.without?.includes("seccomp") ? undefined : refusingFilter(process.arch);
  const folder = filter === undefined ? undefined : mkdtempSync(join(tmpdir(), "unum-cell-"));
  const filterFile =
    folder === undefined || filter === undefined ? undefined : writtenTo(join(folder, "filter"), filter);
  const child = spawn("prlimit", argumentsOf(settings, filterFile !== undefined), {
    stdio: ["ignore", "pipe", "pipe", "pipe", ...(filterFile === undefined ? [] : [filterFile])],
    env: {},
    cwd: "/",
    detached: true,
  });
  if (filterFile !== undefined) closeSync(filterFile);
  if (folder !== undefined) rmSync(folder, { recursive: true });
  return childOf(child, settings.say);
}

function childOf(child: ChildProcess, say: (line: string) => void): ConfinedProcess {
  const tail = listen([child.stdout, child.stderr], say);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => {
      const last = tail();
      resolve(`${signal ?? howEnded(code)}${last === "" ? "" : `: ${last}`}`);
    });
  });
  // At a pipe's place there is a socket.
  const stream = new SocketStream(child.stdio[3] as unknown as net.Socket, "cell");
  return { stream, ended, kill: () => void child.kill("SIGKILL") };
}

/** Who confines ends with 128 and the number of the signal that ended its child. */
function howEnded(code: number | null): string {
  const [signal] = Object.entries(constants.signals).find(([, number]) => code === 128 + number) ?? [];
  return signal ?? `exit code ${code}`;
}

const NAMESPACES = [
  ...["--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv", "--cap-drop", "ALL"],
  ...["--uid", CHILD_USER, "--gid", CHILD_USER, "--hostname", "cell", "--proc", "/proc", "--dev", "/dev"],
];

/**
 * Settings of the kernel, owned by the host's root: where the node's user is root, the cell's user counts as him there, and needs
 * no capability to write to his files. Nothing of them can be written.
 */
const KERNEL = ["sys", "sysrq-trigger", "irq", "bus", "fs", "mtrr", "acpi", "scsi"].flatMap((name) =>
  existsSync(`/proc/${name}`) ? ["--ro-bind", `/proc/${name}`, `/proc/${name}`] : [],
);

function argumentsOf(
  { program, readable, granted, heapMiB, flags = [], compiled, without = [] }: ConfinedSettings,
  filtered: boolean,
): string[] {
  const node = process.execPath;
  const limits = (name: string) =>
    granted.flatMap((each) => (each.startsWith(`${name}=`) ? [each.slice(name.length + 1)] : []));
  const [reads, writes] = [
    limits("fs:read").filter((path) => existsSync(path)),
    limits("fs:write").filter((path) => existsSync(path)),
  ];
  const [programs, mayExecAll] = [limits("exec").filter((path) => existsSync(path)), granted.includes("exec")];
  const mayNet = granted.some((each) => each === "net" || each === "net:listen");
  const permission = without.includes("permission")
    ? []
    : [
        "--permission",
        ...[program, ...readable, ...reads, ...writes, "/tmp"].map((path) => `--allow-fs-read=${path}`),
        ...[...writes, "/tmp"].map((path) => `--allow-fs-write=${path}`),
        ...(mayNet ? ["--allow-net"] : []),
        ...(mayExecAll || programs.length > 0 ? ["--allow-child-process"] : []),
      ];
  return [
    ...Object.entries(LIMITS).map(([name, value]) => `--${name}=${value}`),
    ...["bwrap", ...NAMESPACES, ...(mayNet ? ["--share-net"] : []), ...(filtered ? ["--seccomp", "4"] : [])],
    ...[...shown(mayExecAll ? SYSTEM : LIBRARIES), ...shown(programs), ...KERNEL],
    ...["--size", String(TMP_BYTES), "--tmpfs", "/tmp", ...(compiled === undefined ? [] : compiledFor(compiled))],
    ...[node, ...readable, ...reads].flatMap((path) => ["--ro-bind", path, path]),
    ...writes.flatMap((path) => ["--bind", path, path]),
    ...["--chdir", "/tmp", node, `--max-old-space-size=${heapMiB}`, "--no-warnings", ...flags],
    ...[...permission, program],
  ];
}

/** Node keeps it by version and user: the child finds what ours left as what its own would have. */
function compiledFor(folder: string): string[] {
  const own = `-${process.getuid?.()}`;
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const kept = names.filter((name) => name.startsWith(`${process.version}-`) && name.endsWith(own));
  return [
    ...["--setenv", "NODE_COMPILE_CACHE", COMPILED, "--setenv", "NODE_COMPILE_CACHE_READONLY", "1"],
    ...kept.flatMap((name) => [
      ...["--ro-bind", join(folder, name), `${COMPILED}/${name.slice(0, -own.length)}-${CHILD_USER}`],
    ]),
  ];
}

function shown(paths: readonly string[]): string[] {
  return paths.flatMap((path) => ["--ro-bind-try", path, path]);
}

function writtenTo(path: string, bytes: Uint8Array): number {
  writeFileSync(path, bytes);
  return openSync(path, "r");
}

/** Answers with what gives the last line. */
function listen(streams: readonly (NodeJS.ReadableStream | null)[], say: (line: string) => void): () => string {
  let [left, last, second] = [LINES_PER_SECOND, "", -1];
  for (const stream of streams) {
    let rest = "";
    stream?.setEncoding("utf8").on("data", (text: string) => {
      const lines = `${rest}${text}`.split("\n");
      rest = (lines.pop() ?? "").slice(0, LONGEST_LINE);
      const now = Math.floor(performance.now() / 1_000);
      if (now !== second) [second, left] = [now, LINES_PER_SECOND];
      for (const line of lines) {
        if (line.trim() === "" || left-- <= 0) continue;
        last = line.slice(0, LONGEST_LINE);
        say(last);
      }
    });
  }
  return () => last;
}
