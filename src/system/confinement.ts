// Confined children: what of it this system can do, and how one is started.
//
//   prlimit ──▶ unshare: a file system in memory for /tmp, bounded in bytes and files
//     └──▶ bwrap: own user, process, network, host name and file name spaces; read-only system; nothing of the host's
//            └──▶ seccomp filter ──▶ node --permission ──▶ the cell, with one socket at fd 3

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import type net from "node:net";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import type { ByteStream } from "../base/network.ts";
import { type NetworkUse, refusingFilter } from "./seccomp.ts";
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
  /** What it may use of memory by its program's word, seen by who watches it; the system refuses it more than so much and a part. */
  readonly memoryBytes?: number | undefined;
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
  /** Of what it was started with; the child itself is below. */
  readonly pid: number;
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
/** Files, folders and links in it: an empty one takes no byte, and the kernel's memory all the same. */
const TMP_FILES = 4_096;
const LIMITS = { nofile: 256, nproc: 256, core: 0, fsize: TMP_BYTES, data: 4 * 2 ** 30 };
/** What Node reserves of data and does not use, stacks of its threads among it, and some more for theirs. */
const RESERVED_BYTES = 2 ** 30;
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
      text: filter
        ? "seccomp: what no program needs is refused; with 'net' alone it listens nowhere, with 'net:listen' alone it calls nobody"
        : `no filter for ${process.arch}: 'net' and 'net:listen' are granted together or not at all`,
    },
    {
      name: "limits",
      present: has("prlimit"),
      text: has("prlimit")
        ? `prlimit: open files, memory, sizes of files${process.getuid?.() === 0 ? "; not how many threads, since the node's user is root: their memory bounds them" : ", threads"}`
        : "prlimit is missing: install the package 'util-linux'",
    },
    {
      name: "small files",
      present: bwrap && countsFiles(),
      text: countsFiles()
        ? `a cell's /tmp is memory: ${TMP_BYTES / 2 ** 20} MiB and ${TMP_FILES} files at most`
        : `a cell's /tmp is memory: ${TMP_BYTES / 2 ** 20} MiB at most; how many files is not bounded, since this system has no 'unshare' and 'mount' that may make one: install 'util-linux', allow unprivileged user name spaces`,
    },
    {
      name: "permissions",
      present: true,
      text: "Node's permission model: files, network, processes, threads, addons; a seat belt, not a wall",
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
  // What lets something through is for where all else is shut: without '--permission' Node refuses it.
  const open = flags.filter((flag) => !flag.startsWith("--allow-"));
  const run = [`--max-old-space-size=${heapMiB}`, "--no-warnings", ...open, program];
  const env = compiled === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: compiled };
  return childOf(
    spawn(process.execPath, run, { stdio: ["ignore", "pipe", "pipe", "pipe"], cwd: tmpdir(), detached: true, env }),
    say,
  );
}

let counts: boolean | undefined;
/** Whether this system can bound the files of a cell's /tmp; asked once. */
function countsFiles(): boolean {
  counts ??= spawnSync("unshare", bounded("true", "/sys"), { timeout: 10_000, env: {} }).status === 0;
  return counts;
}

/** Arguments of unshare: mounts a bounded file system where only who comes after sees it, and runs the program with what follows. */
function bounded(program: string, at: string): string[] {
  const mount = `mount -t tmpfs -o size=${TMP_BYTES},nr_inodes=${TMP_FILES},mode=1777,nosuid,nodev unum ${at} && exec "$0" "$@"`;
  return ["--user", "--map-root-user", "--mount", "--propagation", "private", "--", "sh", "-c", mount, program];
}

/** A folder that is there and that the cell is not shown: what is mounted on it, is mounted for the cell alone. */
function scratchBeside(paths: readonly string[]): string {
  const free = SCRATCH.filter((folder) => !paths.some((path) => path === folder || path.startsWith(`${folder}/`)));
  return free.find((folder) => existsSync(folder)) ?? "/sys";
}

/** Undefined where it has none. Throws the Fault `denied` where only half of it was granted, and nothing here tells the halves apart. */
function networkOf({ granted, without = [] }: ConfinedSettings): NetworkUse | undefined {
  const [calls, listens] = [granted.includes("net"), granted.includes("net:listen")];
  if (!calls && !listens) return undefined;
  if (calls !== listens && (without.includes("seccomp") || refusingFilter(process.arch) === undefined)) {
    const [has, other] = calls ? ["net", "net:listen"] : ["net:listen", "net"];
    throw new Fault(
      "denied",
      `'${has}' without '${other}' is held by a filter of system calls, and there is none for ${process.arch}; grant both, or neither`,
    );
  }
  return { calls, listens };
}

/** Without asking whether the system can. */
export function startConfined(settings: ConfinedSettings): ConfinedProcess {
  const network = networkOf(settings);
  const filter = settings.without?.includes("seccomp") ? undefined : refusingFilter(process.arch, network);
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
  return { pid: child.pid ?? 0, stream, ended, kill: () => void child.kill("SIGKILL") };
}

/** Who confines ends with 128 and the number of the signal that ended its child. */
function howEnded(code: number | null): string {
  const [signal] = Object.entries(constants.signals).find(([, number]) => code === 128 + number) ?? [];
  return signal ?? `exit code ${code}`;
}

const SCRATCH = ["/mnt", "/media", "/sys"];

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
  { program, readable, granted, heapMiB, memoryBytes, flags = [], compiled, without = [] }: ConfinedSettings,
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
  const mayNet = granted.includes("net") || granted.includes("net:listen");
  const scratch = scratchBeside([...readable, ...reads, ...writes, ...programs, node]);
  const [bubblewrap, tmp] = countsFiles()
    ? [
        ["unshare", ...bounded("bwrap", scratch)],
        ["--bind", scratch, "/tmp"],
      ]
    : [["bwrap"], ["--size", String(TMP_BYTES), "--tmpfs", "/tmp"]];
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
    ...Object.entries({ ...LIMITS, ...dataLimit(memoryBytes) }).map(([name, value]) => `--${name}=${value}`),
    ...[...bubblewrap, ...NAMESPACES, ...(mayNet ? ["--share-net"] : []), ...(filtered ? ["--seccomp", "4"] : [])],
    ...[...shown(mayExecAll ? SYSTEM : LIBRARIES), ...shown(programs), ...KERNEL],
    ...[...tmp, ...(compiled === undefined ? [] : compiledFor(compiled))],
    ...[node, ...readable, ...reads].flatMap((path) => ["--ro-bind", path, path]),
    ...writes.flatMap((path) => ["--bind", path, path]),
    ...["--chdir", "/tmp", node, `--max-old-space-size=${heapMiB}`, "--no-warnings", ...flags],
    ...[...permission, program],
  ];
}

function dataLimit(memoryBytes: number | undefined): { readonly data?: number } {
  return memoryBytes === undefined ? {} : { data: memoryBytes + RESERVED_BYTES };
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
