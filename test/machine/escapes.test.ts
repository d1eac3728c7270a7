// A program that is not trusted tries to get out: at files, network, processes, secrets, the kernel, and at what it shares with
// others. None of it succeeds; with one layer taken away, the others still hold.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { confinementLayers, startConfined, startPlain } from "../../src/system/confinement.ts";

const missing = confinementLayers().find(({ present }) => !present);
const skip = missing === undefined ? false : `this system cannot confine: ${missing.text}`;
const LIMIT_MS = 60_000;
const noFilter = process.arch === "x64" ? false : "there is no filter of system calls for this architecture";

/** Each is the body of a function that returns what it got; throwing is what should happen. `SECRET`, `PORT` … are put in. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  "read a file of the host": 'return fs.readFileSync("SECRET", "utf8")',
  "read a file by a link in its own folder":
    'fs.symlinkSync("SECRET", "/tmp/l"); return fs.readFileSync("/tmp/l", "utf8")',
  "read a file by a path that climbs": 'return fs.readFileSync("/tmp/../../../../SECRET", "utf8")',
  "read a file through /proc/1/root": 'return fs.readFileSync("/proc/1/root/SECRET", "utf8")',
  "read a file through /proc/self/root": 'return fs.readFileSync("/proc/self/root/SECRET", "utf8")',
  "read a file through /proc/self/cwd": 'return fs.readFileSync("/proc/self/cwd/../SECRET", "utf8")',
  "list the folder of the host's secrets": 'return fs.readdirSync("HOME").join()',
  "read the shadow file": 'return fs.readFileSync("/etc/shadow", "utf8")',
  "read the users of the host": 'return fs.readFileSync("/etc/passwd", "utf8")',
  "read the host's root folder of keys": 'return fs.readdirSync("/root").join()',
  "write over a file of the host": 'fs.writeFileSync("SECRET", "gone"); return "written"',
  "remove a file of the host": 'fs.unlinkSync("SECRET"); return "removed"',
  "write into the program's own code": 'fs.writeFileSync(process.argv[1], "gone"); return "written"',
  "write into the system": 'fs.writeFileSync("/usr/bin/evil", "x"); return "written"',
  "write into Unum": 'fs.writeFileSync("ROOT/src/index.ts", ""); return "written"',
  "change the rights of the system's programs": 'fs.chmodSync("/usr/bin/env", 0o777); return "changed"',
  "make a device":
    'const r = cp.spawnSync("/usr/bin/mknod", ["/tmp/d", "b", "8", "0"]); if (r.status !== 0) throw r; return "made"',
  "open the disk": 'return fs.openSync("/dev/sda", "r")',
  "open the memory": 'return fs.openSync("/dev/mem", "r")',
  "open the kernel's messages": 'return fs.openSync("/dev/kmsg", "r")',
  "write to the kernel's settings": 'fs.writeFileSync("/proc/sys/kernel/hostname", "x"); return "written"',
  "change what the kernel runs when a program crashes":
    'fs.writeFileSync("/proc/sys/kernel/core_pattern", fs.readFileSync("/proc/sys/kernel/core_pattern")); return "written"',
  "change how the kernel shares memory":
    'fs.writeFileSync("/proc/sys/vm/overcommit_memory", fs.readFileSync("/proc/sys/vm/overcommit_memory")); return "written"',
  "lift the cover from the kernel's settings":
    'const r = cp.spawnSync("/usr/bin/umount", ["/proc/sys"]); if (r.status !== 0) throw r; return "lifted"',
  "trigger the kernel": 'fs.writeFileSync("/proc/sysrq-trigger", "b"); return "written"',
  "connect to a port of the host": 'return connect({ host: "127.0.0.1", port: PORT })',
  "connect by the host's name": 'return connect({ host: "localhost", port: PORT })',
  "connect to another computer": 'return connect({ host: "192.0.2.1", port: 80 })',
  "connect to the metadata of a cloud": 'return connect({ host: "169.254.169.254", port: 80 })',
  "connect to a socket of the host": 'return connect({ path: "SOCKET" })',
  "connect to an abstract socket of the host": 'return connect({ path: "\\0ABSTRACT" })',
  "look up a name": 'return require("node:dns").promises.lookup("example.com")',
  // Whether it arrives is seen at the host.
  "send a datagram to the host": "await datagram(PORT)",
  "listen where others reach it":
    'const s = net.createServer(); await new Promise((y, n) => s.on("error", n).listen(0, "0.0.0.0", y)); return reachable()',
  "see processes of the host":
    'const p = fs.readdirSync("/proc").filter((n) => Number(n) > 0).map((n) => { try { return fs.readFileSync("/proc/" + n + "/cmdline", "utf8") } catch { return "" } }).join(); if (!p.includes("SLEEPS")) throw 0; return p.replaceAll("\\0", " ")',
  "end a process of the host": 'process.kill(VICTIM, "SIGKILL"); return "killed"',
  "stop a process of the host": 'process.kill(VICTIM, "SIGSTOP"); return "stopped"',
  "end its parent": 'process.kill(process.ppid || VICTIM, "SIGKILL"); return alive()',
  "end all processes": 'process.kill(-1, "SIGKILL"); return alive()',
  "end the group of its parent": 'process.kill(-VICTIM, "SIGKILL"); return "killed"',
  "read the environment of who started it":
    'const e = fs.readFileSync("/proc/1/environ", "utf8"); if (!e.includes("UNUM_SECRET")) throw 0; return e',
  "read its own environment":
    'const e = JSON.stringify(process.env); if (!e.includes("UNUM_SECRET")) throw 0; return e',
  "read the arguments of who started it":
    'const e = fs.readFileSync("/proc/1/cmdline", "utf8"); if (!e.includes("bwrap")) throw 0; return e',
  "find other open files":
    'const o = fs.readdirSync("/proc/self/fd").map((n) => { try { return fs.readlinkSync("/proc/self/fd/" + n) } catch { return "" } }).filter((t) => t.includes("HOME") || t.includes("filter")); if (o.length === 0) throw 0; return o.join()',
  "use a file that was left open":
    'const b = Buffer.alloc(99); const n = fs.readSync(4, b, 0, 99, 0); return b.toString("latin1", 0, n)',
  "become root": "process.setuid(0); return process.getuid()",
  "be root": 'if (process.getuid() !== 0) throw 0; return "root"',
  "use a program that gives rights":
    'const r = cp.spawnSync("/usr/bin/su", ["-c", "id"]); if (r.status !== 0) throw r; return String(r.stdout)',
  "mount something":
    'const r = cp.spawnSync("/usr/bin/mount", ["-t", "tmpfs", "x", "/tmp"]); if (r.status !== 0) throw r; return "mounted"',
  "unmount what hides the host":
    'const r = cp.spawnSync("/usr/bin/umount", ["-l", "/tmp"]); if (r.status !== 0) throw r; return "unmounted"',
  "enter another name space":
    'const r = cp.spawnSync("/usr/bin/nsenter", ["-t", "1", "-n", "true"]); if (r.status !== 0) throw r; return "entered"',
  "make name spaces of its own":
    'const r = cp.spawnSync("/usr/bin/unshare", ["-Ur", "true"]); if (r.status !== 0) throw r; return "made"',
  "change the root":
    'const r = cp.spawnSync("/usr/sbin/chroot", ["/tmp", "true"]); if (r.status !== 0) throw r; return "changed"',
  "name the host": 'const r = cp.spawnSync("/usr/bin/hostname", ["evil"]); if (r.status !== 0) throw r; return "named"',
  "change the clock":
    'const r = cp.spawnSync("/usr/bin/date", ["-s", "2001-01-01"]); if (r.status !== 0) throw r; return "changed"',
  "read the host's mounts":
    'const m = fs.readFileSync("/proc/self/mountinfo", "utf8"); if (!m.includes("SECRET")) throw 0; return m',
  "raise its own limits":
    'const r = cp.spawnSync("/usr/bin/prlimit", ["--pid", "1", "--nofile=100000:100000"]); if (r.status !== 0) throw r; return "raised"',
  "be nicer to itself": 'require("node:os").setPriority(0, -20); return "changed"',
  "open more files than it may":
    'const f = []; for (let i = 0; i < 5000; i++) f.push(fs.openSync("/tmp", "r")); return f.length',
  "fill the disk":
    'const b = Buffer.alloc(2 ** 20); const f = fs.openSync("/tmp/big", "w"); for (let i = 0; i < 4096; i++) fs.writeSync(f, b); return "4 GiB"',
  "fill the disk with many files":
    'for (let i = 0; i < 4096; i++) fs.writeFileSync("/tmp/f" + i, Buffer.alloc(2 ** 20)); return "4 GiB"',
  "fill the kernel with empty files":
    'for (let i = 0; i < 100000; i++) fs.writeFileSync("/tmp/e" + i, ""); return "100000"',
  "fill the kernel with folders": 'for (let i = 0; i < 100000; i++) fs.mkdirSync("/tmp/d" + i); return "100000"',
  "fill the kernel with links": 'for (let i = 0; i < 100000; i++) fs.symlinkSync("x", "/tmp/s" + i); return "100000"',
  "take all memory":
    'const k = []; for (let i = 0; i < 4096; i++) k.push(Buffer.alloc(4 * 2 ** 20, 1)); return "16 GiB"',
  "take all of the heap": "const k = []; for (;;) k.push({ k: [...k.slice(-100)] })",
  "start processes without end":
    'for (let i = 0; i < 5000; i++) { const c = cp.spawn("/usr/bin/sleep", ["100"]); await new Promise((y, n) => c.once("spawn", y).once("error", n)) } return "5000"',
  "start workers without end":
    'const { Worker } = require("node:worker_threads"); for (let i = 0; i < 2000; i++) { const w = new Worker("setInterval(() => {}, 9)", { eval: true }); await new Promise((y, n) => w.once("online", y).once("error", n)) } return "2000"',
  "leave its function by a debugger": 'require("node:inspector").open(0, "0.0.0.0"); return reachable()',
  "load a library of its own":
    'fs.writeFileSync("/tmp/x.node", "x"); process.dlopen({ exports: {} }, "/tmp/x.node"); return "loaded"',
  "read a file by a hard link": 'fs.linkSync("SECRET", "/tmp/h"); return fs.readFileSync("/tmp/h", "utf8")',
  "read a file by its URL": 'return fs.readFileSync(new URL("file://SECRET"), "utf8")',
  "read a file by a path of bytes": 'return fs.readFileSync(Buffer.from("SECRET"), "utf8")',
  "read a file as a stream": 'for await (const part of fs.createReadStream("SECRET")) return String(part)',
  "open a file without waiting": 'return (await (await fs.promises.open("SECRET")).readFile()).toString()',
  "read a file in a worker thread":
    'const { Worker } = require("node:worker_threads"); return new Promise((y, n) => new Worker(\'require("node:worker_threads").parentPort.postMessage(require("node:fs").readFileSync("SECRET", "utf8"))\', { eval: true }).on("message", y).on("error", n))',
  "open a file as a database":
    'const { DatabaseSync } = require("node:sqlite"); return JSON.stringify(new DatabaseSync("SECRET").prepare("select 1").all())',
  "copy a file of the host": 'fs.copyFileSync("SECRET", "/tmp/c"); return fs.readFileSync("/tmp/c", "utf8")',
  "copy a folder of the host": 'fs.cpSync("HOME", "/tmp/k", { recursive: true }); return "copied"',
  "rename a file of the host": 'fs.renameSync("SECRET", "/tmp/r"); return "moved"',
  "empty a file of the host": 'fs.truncateSync("SECRET", 0); return "emptied"',
  "remove a folder of the host": 'fs.rmSync("HOME", { recursive: true }); return "removed"',
  "make a folder among the host's": 'fs.mkdirSync("HOME/x"); return "made"',
  "change the times of a file": 'fs.utimesSync("SECRET", 0, 0); return "changed"',
  "learn that a file is there": 'if (!fs.existsSync("SECRET")) throw 0; return "there"',
  "learn where a file is": 'return fs.realpathSync("SECRET")',
  "find files by a pattern": 'const f = fs.globSync("HOME/*"); if (f.length === 0) throw 0; return f.join()',
  "watch a folder of the host": 'fs.watch("HOME").close(); return "watched"',
  "read the homes of users": 'return fs.readdirSync("/home").join()',
  "read the logs of the host": 'return fs.readdirSync("/var/log").join()',
  "read the name of the machine for services": 'return fs.readFileSync("/etc/machine-id", "utf8")',
  "read the names that the host knows": 'return fs.readFileSync("/etc/hosts", "utf8")',
  "read what starts the host": 'return fs.readdirSync("/boot").join()',
  "read the host's hardware": 'return fs.readdirSync("/sys/firmware").join()',
  "join another group of control": 'fs.writeFileSync("/sys/fs/cgroup/cgroup.procs", "0"); return "joined"',
  "read the kernel's core": 'return fs.openSync("/proc/kcore", "r")',
  "drop what the host keeps ready": 'fs.writeFileSync("/proc/sys/vm/drop_caches", "1"); return "dropped"',
  "make addresses easier to guess": 'fs.writeFileSync("/proc/sys/kernel/randomize_va_space", "0"); return "changed"',
  "be the last to go when room is short": 'fs.writeFileSync("/proc/self/oom_score_adj", "-1000"); return "changed"',
  "open the terminal": 'return fs.openSync("/dev/tty", "r+")',
  "open a virtual computer": 'return fs.openSync("/dev/kvm", "r+")',
  "open a network card of its own": 'return fs.openSync("/dev/net/tun", "r+")',
  "open a file system of its own": 'return fs.openSync("/dev/fuse", "r+")',
  "give a file to root": 'fs.writeFileSync("/tmp/s", ""); fs.chownSync("/tmp/s", 0, 0); return "given"',
  "lay a folder over the system's":
    'const r = cp.spawnSync("/usr/bin/mount", ["--bind", "/tmp", "/usr"]); if (r.status !== 0) throw r; return "laid"',
  "run a shell": 'return String(cp.execSync("id"))',
  "run a program of the system": 'const r = cp.spawnSync("/usr/bin/env"); if (r.status !== 0) throw r; return "ran"',
  "read what another process holds": 'return fs.readFileSync("/proc/VICTIM/mem")',
  "read the environment of another process": 'return fs.readFileSync("/proc/VICTIM/environ", "utf8")',
  "see the threads of another process": 'return fs.readdirSync("/proc/VICTIM/task").join()',
  "see that a process of the host is there": 'process.kill(VICTIM, 0); return "there"',
  "have a process of the host listen for debuggers": 'process.kill(VICTIM, "SIGUSR1"); return "sent"',
  "debug a process of the host": 'process._debugProcess(VICTIM); return "debugged"',
  "ask a process of the host to end": 'process.kill(VICTIM, "SIGTERM"); return "asked"',
  "slow a process of the host down": 'require("node:os").setPriority(VICTIM, 19); return "slowed"',
  "connect by another family of addresses": 'return connect({ host: "::1", port: PORT })',
  "connect to any address of the host": 'return connect({ host: "0.0.0.0", port: PORT })',
  "fetch from the host": 'return (await fetch("http://127.0.0.1:PORT")).status',
  "load code from the network": 'return Object.keys(await import("http://127.0.0.1:PORT/"))',
  "ask a server of names":
    'const { Resolver } = require("node:dns").promises; const r = new Resolver({ timeout: 500, tries: 1 }); r.setServers(["9.9.9.9"]); return r.resolve4("example.com")',
  "speak to the host's services": 'return connect({ path: "/run/dbus/system_bus_socket" })',
  "speak to who runs containers": 'return connect({ path: "/var/run/docker.sock" })',
  "see the host's network cards":
    'const i = Object.values(require("node:os").networkInterfaces()).flat().filter((c) => !c.internal); if (i.length === 0) throw 0; return JSON.stringify(i)',
  "see the host's open ports":
    'const t = fs.readFileSync("/proc/net/tcp", "utf8"); if (!t.includes(":" + (PORT).toString(16).toUpperCase().padStart(4, "0"))) throw 0; return t',
  "see the host's sockets":
    'const t = fs.readFileSync("/proc/net/unix", "utf8"); if (!t.includes("SOCKET") && !t.includes("ABSTRACT")) throw 0; return t',
  "learn the host's name": 'if (require("node:os").hostname() !== "NODENAME") throw 0; return "NODENAME"',
  "learn who runs it": 'return require("node:os").userInfo().username',
  "take all memory by sharing it":
    'const k = []; for (let i = 0; i < 4096; i++) k.push(new Uint8Array(new SharedArrayBuffer(4 * 2 ** 20)).fill(1)); return "16 GiB"',
  "take all memory by WebAssembly":
    'const k = []; for (let i = 0; i < 4096; i++) k.push(new Uint8Array(new WebAssembly.Memory({ initial: 64 }).buffer).fill(1)); return "16 GiB"',
};

/** What does no harm where nothing confines it: there each of these succeeds, and so would here what is broken. */
const HARMLESS = [
  ...["read a file of the host", "read a file by a link in its own folder", "read a file by a path that climbs"],
  ...["read a file through /proc/self/root", "list the folder of the host's secrets", "read the users of the host"],
  ...["connect to a port of the host", "connect by the host's name", "connect to a socket of the host"],
  ...["connect to an abstract socket of the host", "see processes of the host", "read its own environment"],
  ...[
    "read a file by a hard link",
    "read a file by its URL",
    "read a file by a path of bytes",
    "read a file as a stream",
  ],
  ...[
    "open a file without waiting",
    "read a file in a worker thread",
    "copy a file of the host",
    "copy a folder of the host",
  ],
  ...["learn that a file is there", "learn where a file is", "find files by a pattern", "watch a folder of the host"],
  ...["run a shell", "run a program of the system", "read the environment of another process"],
  ...[
    "see the threads of another process",
    "see that a process of the host is there",
    "slow a process of the host down",
  ],
  ...[
    "connect to any address of the host",
    "fetch from the host",
    "see the host's open ports",
    "see the host's sockets",
  ],
  ...["learn the host's name", "learn who runs it", "change the times of a file", "make a folder among the host's"],
] as const;

/** By which the process that it should not reach is told from others. */
const SLEEPS = "1000.271828";

const PERMISSION_OFF = ["permission"] as const;
const SECCOMP_OFF = ["seccomp"] as const;

describe("a confined program does not get to", { skip, timeout: 600_000 }, () => {
  let home = "";
  let secret = "";
  const victim = spawn("sleep", [SLEEPS], { stdio: "ignore" });
  const server = createServer((socket) =>
    socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nSECRET OF THE NETWORK"),
  );
  const unix = createServer((socket) => socket.end("SECRET OF THE SOCKET"));
  const abstract = createServer((socket) => socket.end("SECRET OF THE ABSTRACT SOCKET"));
  const datagrams: string[] = [];
  const hears = createSocket("udp4", (bytes) => datagrams.push(String(bytes)));
  before(async () => {
    process.env["UNUM_SECRET"] = "s3cr3t";
    home = await mkdtemp(join(tmpdir(), "unum-escape-"));
    for (const name of ["keys", "attempts", "plain"]) await mkdir(join(home, name));
    secret = join(home, "keys", "operator.pem");
    await writeFile(secret, "the secret");
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    await new Promise<void>((done) => hears.bind(portOf(server), "127.0.0.1", done));
    await new Promise<void>((done) => unix.listen(join(home, "s.sock"), done));
    await new Promise<void>((done) => abstract.listen(`\0unum-escape-${process.pid}`, done));
  });
  after(async () => {
    delete process.env["UNUM_SECRET"];
    victim.kill("SIGKILL");
    for (const each of [server, unix, abstract, hears]) each.close();
    await rm(home, { recursive: true });
  });

  const filled = (code: string) =>
    code
      .replaceAll("SECRET", secret)
      .replaceAll(`UNUM_${secret}`, "UNUM_SECRET")
      .replaceAll("HOME", join(home, "keys"))
      .replaceAll("PORT", String(portOf(server)))
      .replaceAll("SOCKET", join(home, "s.sock"))
      .replaceAll("ABSTRACT", `unum-escape-${process.pid}`)
      .replaceAll("VICTIM", String(victim.pid))
      .replaceAll("SLEEPS", SLEEPS)
      .replaceAll("NODENAME", hostname())
      .replaceAll("ROOT", fileURLToPath(new URL("../..", import.meta.url)));

  /** Answers with what each attempt that succeeded got. */
  async function attempt(
    names: readonly string[],
    without: readonly ("permission" | "seccomp")[],
    granted: readonly string[] = [],
    start: typeof startConfined = startConfined,
  ): Promise<string[]> {
    // A /tmp of its own it has only where it is confined.
    const placed = (code: string) =>
      start === startPlain ? code.replaceAll('"/tmp/', `"${join(home, "plain")}/`) : code;
    const program = join(home, "attempts", `attempt-${Math.random().toString(36).slice(2)}.cjs`);
    const tries = names.map(
      (name) => `[${JSON.stringify(name)}, async () => { ${filled(placed(ATTEMPTS[name] ?? HALVES[name] ?? ""))} }]`,
    );
    await writeFile(program, PRELUDE.replace("TRIES", tries.join(",\n")));
    const said: string[] = [];
    const child = start({
      program,
      readable: [join(home, "attempts")],
      granted,
      heapMiB: 128,
      say: (line) => said.push(line),
      without,
    });
    const timer = setTimeout(() => child.kill(), LIMIT_MS);
    await child.ended;
    clearTimeout(timer);
    assert.ok(
      said.some((line) => line.startsWith("BEGAN")),
      `it did not even begin: ${said.join("\n")}`,
    );
    if (names.length > 1) assert.ok(said.includes(`TRIED ${names.length}`), `not all were tried: ${said.join("\n")}`);
    return said.filter((line) => line.startsWith("GOT ")).map((line) => line.slice(4));
  }

  const names = Object.keys(ATTEMPTS);
  // What ends its own process, or takes all there is, is tried in a process of its own.
  const bombs = names.filter((name) => /memory|heap|without end|parent|all processes|fill|more files/.test(name));
  const quiet = names.filter((name) => !bombs.includes(name));

  for (const [how, without] of [
    ["", []],
    [" with Node's permissions off", PERMISSION_OFF],
    [" with the filter of system calls off", SECCOMP_OFF],
  ] as const) {
    it(`do any of ${quiet.length} things${how}`, async () => {
      const got = await attempt(quiet, without);
      // Of a network of its own, where nobody is, it may have what it likes.
      assert.deepEqual(got, []);
      assert.equal(await readFile(secret, "utf8"), "the secret");
      assert.equal(victim.exitCode, null);
      assert.deepEqual(datagrams, []);
    });
  }

  it("what it gets where nothing confines it: the attempts are real ones", async () => {
    const got = await attempt(HARMLESS, [], [], startPlain);
    assert.deepEqual(
      got.map((text) => text.slice(0, text.indexOf(":"))),
      HARMLESS,
    );
  });

  it("do more with the programs of the system, which it may run where 'exec' was granted", async () => {
    const others = quiet.filter((name) => name !== "run a shell" && name !== "run a program of the system");
    assert.deepEqual(await attempt(others, PERMISSION_OFF, ["exec"]), []);
    assert.equal(await readFile(secret, "utf8"), "the secret");
    assert.equal(victim.exitCode, null);
  });

  it("use more of the network than the half that was granted", { skip: noFilter }, async () => {
    const halves = Object.keys(HALVES);
    const [connects, sends, listens] = halves;
    const with_ = async (...granted: string[]) =>
      (await attempt(halves, PERMISSION_OFF, granted)).map((got) => got.slice(0, got.indexOf(":")));
    assert.deepEqual(await with_("net"), [connects, sends]);
    assert.deepEqual(datagrams.splice(0), ["x"], "there it arrives");
    assert.deepEqual(await with_("net:listen"), [listens]);
    assert.deepEqual(datagrams, []);
    assert.deepEqual(await with_("net", "net:listen"), halves);
    datagrams.splice(0);
    assert.ok(!(await with_("net=127.0.0.1")).includes("connect to the host"), "there is no such capability");
    await assert.rejects(attempt(halves, SECCOMP_OFF, ["net"]), { code: "denied", message: /grant both, or neither/ });
  });

  it("flood the log", async () => {
    const program = join(home, "attempts", "flood.cjs");
    await writeFile(
      program,
      'for (let i = 0; i < 300_000; i++) console.log(i + "x".repeat(i % 100 === 0 ? 9_000 : 9));',
    );
    const said: string[] = [];
    const since = performance.now();
    const child = startConfined({
      ...{
        program,
        readable: [join(home, "attempts")],
        granted: [],
        heapMiB: 128,
        say: (line: string) => said.push(line),
      },
    });
    assert.match(await child.ended, /^exit code 0/);
    const seconds = Math.ceil((performance.now() - since) / 1_000);
    assert.ok(said.length > 0 && said.length <= 100 * (seconds + 1), `${said.length} lines in ${seconds} s`);
    assert.ok(said.every((line) => line.length <= 4_096));
  });

  /** Another confined program, which says that it goes on. */
  async function neighbour() {
    const program = join(home, "attempts", "neighbour.cjs");
    await writeFile(program, 'let n = 0; setInterval(() => console.log("TURN " + ++n), 50);');
    let turns = 0;
    const say = () => {
      turns++;
    };
    const readable = [join(home, "attempts")];
    const child = await startConfined({ program, readable, granted: [], heapMiB: 64, say });
    return {
      end: async () => {
        child.kill();
        await child.ended;
      },
      goesOn: async () => {
        const [before, until] = [turns, performance.now() + LIMIT_MS];
        while (turns < before + 2 && performance.now() < until) await new Promise((soon) => setTimeout(soon, 20));
        assert.ok(turns >= before + 2, "its neighbour goes on");
      },
    };
  }

  for (const [how, without] of [
    ["Node's permissions off", PERMISSION_OFF],
    ["Node's permissions and the filter of system calls off", [...PERMISSION_OFF, ...SECCOMP_OFF]],
  ] as const) {
    for (const name of bombs) {
      it(`${name}, with ${how}`, async () => {
        const beside = await neighbour();
        try {
          await beside.goesOn();
          assert.deepEqual(await attempt([name], without), []);
          assert.equal(victim.exitCode, null);
          assert.equal(spawnSync("true").status, 0, "the system goes on");
          await beside.goesOn();
        } finally {
          await beside.end();
        }
      });
    }
  }
});

/** What is let through where it was granted. */
const HALVES: Readonly<Record<string, string>> = {
  "connect to the host": 'await connect({ host: "127.0.0.1", port: PORT }); return "connected"',
  "send a datagram": 'await datagram(PORT); return "sent"',
  "listen at the host":
    'const s = net.createServer(); await new Promise((y, n) => s.on("error", n).listen(0, "127.0.0.1", y)); s.close(); return "listening"',
};

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const PRELUDE = `
const fs = require("node:fs"), net = require("node:net"), cp = require("node:child_process");
const read = (socket) => new Promise((y, n) => { let t = ""; socket.on("data", (d) => { t += d }).on("end", () => y(t)).on("error", n).setTimeout(3000, () => n(new Error("silence"))) });
const connect = (to) => read(net.connect(to));
const datagram = async (port) => { const s = require("node:dgram").createSocket("udp4"); try { await new Promise((y, n) => s.once("error", n).send("x", port, "127.0.0.1", (e) => (e ? n(e) : y()))) } finally { s.close() } };
const reachable = () => { const up = Object.values(require("node:os").networkInterfaces()).flat().some((i) => !i.internal); if (!up) throw new Error("nobody can reach it"); return "reachable" };
const alive = () => { try { process.kill(VICTIM_ALIVE, 0) } catch (e) { throw e } return "it can reach others" };
const VICTIM_ALIVE = 2 ** 22 - 1;
process.on("uncaughtException", () => {});
const tries = [TRIES];
(async () => {
  console.log("BEGAN");
  for (const [name, run] of tries) {
    try {
      const got = await Promise.race([run(), new Promise((_, n) => setTimeout(() => n(new Error("late")), 20000))]);
      if (got !== undefined) console.log("GOT " + name + ": " + String(got).slice(0, 200).replaceAll("\\n", " "));
    } catch {}
  }
  console.log("TRIED " + tries.length);
  process.exit(0);
})();
`;
