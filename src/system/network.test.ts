import assert from "node:assert/strict";
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import type { Fault } from "../base/fault.ts";
import type { ByteStream, Endpoint, Listening, TlsSettings } from "../base/network.ts";
import { systemNetwork } from "./network.ts";

const LONG_MS = 120_000;

/** A certificate authority and what it signed, made by the openssl command. */
function authority(folder: string) {
  mkdirSync(folder, { recursive: true });
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  openssl(
    "req",
    "-x509",
    "-newkey",
    "ed25519",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=test root",
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
  );
  let serial = 0;
  return (names: string): TlsSettings => {
    const file = `leaf${++serial}`;
    openssl(
      "req",
      "-newkey",
      "ed25519",
      "-nodes",
      "-subj",
      `/CN=${file}`,
      "-keyout",
      `${file}.key`,
      "-out",
      `${file}.csr`,
    );
    writeFileSync(path.join(folder, `${file}.ext`), `subjectAltName=${names}\n`);
    openssl(
      "x509",
      "-req",
      "-in",
      `${file}.csr`,
      "-CA",
      "ca.pem",
      "-CAkey",
      "ca.key",
      "-set_serial",
      String(serial),
      "-days",
      "2",
      "-extfile",
      `${file}.ext`,
      "-out",
      `${file}.pem`,
    );
    const read = (name: string) => readFileSync(path.join(folder, name), "utf8");
    return { key: read(`${file}.key`), cert: read(`${file}.pem`), ca: read("ca.pem") };
  };
}

function suite(): void {
  const network = systemNetwork();
  const folder = mkdtempSync(path.join(tmpdir(), "unum-net-"));
  const listening: Listening[] = [];
  const accepted: ByteStream[] = [];
  let sign: (names: string) => TlsSettings;
  let signElsewhere: (names: string) => TlsSettings;
  let good: TlsSettings;

  before(() => {
    sign = authority(path.join(folder, "ca"));
    signElsewhere = authority(path.join(folder, "other-ca"));
    good = sign("DNS:localhost,IP:127.0.0.1");
  });

  after(async () => {
    for (const stream of accepted) stream.destroy();
    await Promise.all(listening.map((each) => each.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function listen(at: Endpoint, onStream: (stream: ByteStream) => void = () => {}): Promise<Endpoint> {
    const made = await network.listen(at, (stream) => {
      accepted.push(stream);
      onStream(stream);
    });
    listening.push(made);
    return made.endpoint;
  }

  const ipc = (name: string): Endpoint & { kind: "ipc" } => ({ kind: "ipc", path: path.join(folder, name) });
  const loopback: Endpoint = { kind: "tcp", host: "127.0.0.1", port: 0 };
  const echo = (stream: ByteStream) => {
    stream.onData = (bytes) => stream.write(bytes);
  };

  /** What comes back of what is sent, until the other side closes or it is all there. */
  function roundTrip(stream: ByteStream, bytes: Uint8Array): Promise<Buffer> {
    return new Promise((resolve) => {
      const got: Uint8Array[] = [];
      let size = 0;
      stream.onData = (chunk) => {
        got.push(chunk);
        size += chunk.length;
        if (size >= bytes.length) resolve(Buffer.concat(got));
      };
      stream.onClose = () => resolve(Buffer.concat(got));
      stream.write(bytes);
    });
  }

  describe("every kind of stream", () => {
    const kinds: [string, () => Endpoint][] = [
      ["ipc", () => ipc("echo.sock")],
      ["tcp", () => loopback],
      ["tls", () => ({ kind: "tls", host: "127.0.0.1", port: 0, tls: good })],
    ];
    for (const [kind, at] of kinds) {
      it(`carries a megabyte there and back in order: ${kind}`, { timeout: LONG_MS }, async () => {
        const stream = await network.connect(await listen(at(), echo), 60_000);
        const bytes = Buffer.alloc(1_000_000);
        for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7 + (i >>> 8)) & 255;
        assert.ok((await roundTrip(stream, bytes)).equals(bytes));
        stream.destroy();
      });

      it(`sends what was written before it ends, and both sides learn of the end: ${kind}`, {
        timeout: LONG_MS,
      }, async () => {
        const got: Buffer[] = [];
        let ended = () => {};
        const end = new Promise<void>((resolve) => {
          ended = resolve;
        });
        const place = kind === "ipc" ? ipc("end.sock") : at();
        const where = await listen(place, (stream) => {
          stream.onData = (bytes) => got.push(Buffer.from(bytes));
          stream.onClose = () => ended();
        });
        const stream = await network.connect(where, 60_000);
        const closed = new Promise<void>((resolve) => {
          stream.onClose = () => resolve();
        });
        stream.write(new Uint8Array(500_000).fill(1));
        stream.end();
        await Promise.all([end, closed]);
        assert.equal(Buffer.concat(got).length, 500_000);
      });
    }

    it("says when its buffer is full and when it has room again", { timeout: LONG_MS }, async () => {
      let reader: ByteStream | undefined;
      const stream = await network.connect(
        await listen(loopback, (came) => {
          reader = came;
          came.pause();
        }),
        5_000,
      );
      const drained = new Promise<void>((resolve) => {
        stream.onDrain = () => resolve();
      });
      while (stream.write(new Uint8Array(1_000_000)));
      assert.ok(stream.buffered > 0);
      reader?.resume();
      await drained;
      assert.equal(stream.buffered, 0);
    });
  });

  describe("connecting", () => {
    it("says at once that nobody listens", { timeout: LONG_MS }, async () => {
      await assert.rejects(network.connect(ipc("nobody.sock"), 60_000), {
        code: "undeliverable",
        message: /nobody listens at ipc:.*nobody\.sock/,
      });
      const gone = await network.listen(loopback, () => {});
      await gone.close();
      await assert.rejects(network.connect(gone.endpoint, 60_000), {
        code: "undeliverable",
        message: /nobody listens/,
      });
    });

    it("gives up when its time is over", { timeout: LONG_MS }, async () => {
      // Accepts TCP and never says a word of TLS.
      const silent = net.createServer(() => {}).listen(0, "127.0.0.1");
      await once(silent, "listening");
      const { port } = silent.address() as net.AddressInfo; // bound above, so it is an address
      const connecting = network.connect({ kind: "tls", host: "127.0.0.1", port, tls: good }, 50);
      await assert.rejects(connecting, {
        code: "undeliverable",
        message: /did not answer: no connection within 50 ms/,
      });
      silent.close();
    });

    it("waits where the system has no place for one more to wait", { timeout: LONG_MS }, async () => {
      const at = ipc("crowded.sock");
      const child = fork(fileURLToPath(import.meta.url), ["crowd", at.path]);
      await once(child, "message");
      const streams = await Promise.all(Array.from({ length: 50 }, () => network.connect(at, 60_000)));
      for (const stream of streams) stream.destroy();
      child.kill("SIGKILL");
    });

    it("gets through when two thousand do it at once", { timeout: LONG_MS }, async () => {
      for (const at of [await listen(ipc("many.sock"), echo), await listen(loopback, echo)]) {
        const streams = await Promise.all(Array.from({ length: 2_000 }, () => network.connect(at, 60_000)));
        for (const stream of streams) stream.destroy();
      }
    });
  });

  describe("listening over TCP", () => {
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.org"]) {
      it(`is refused at ${host}, which others could reach, with the way out`, async () => {
        await assert.rejects(
          network.listen({ kind: "tcp", host, port: 0 }, () => {}),
          { code: "denied", message: /tls:\/\// },
        );
      });
    }

    it("is allowed on every loopback address", async () => {
      for (const host of ["127.0.0.1", "localhost"]) await listen({ kind: "tcp", host, port: 0 });
    });

    it("is refused where the port is in use", async () => {
      await assert.rejects(
        network.listen(await listen(loopback), () => {}),
        { code: "invalid", message: /in use/ },
      );
    });
  });

  describe("a socket path", () => {
    it("gets its folder, for its owner alone, and is removed at the end", async () => {
      const at = ipc("deep/er/a.sock");
      const made = await network.listen(at, () => {});
      assert.equal(statSync(path.dirname(at.path)).mode & 0o777, 0o700);
      assert.equal(statSync(at.path).mode & 0o077, 0);
      await made.close();
      assert.equal(existsSync(at.path), false);
    });

    it("that is too long is refused with its length", async () => {
      const at = ipc("x".repeat(120));
      const length = Buffer.byteLength(at.path);
      await assert.rejects(
        network.listen(at, () => {}),
        { code: "invalid", message: new RegExp(`has ${length} bytes.*107`) },
      );
    });

    it("of the greatest length works", { timeout: LONG_MS }, async () => {
      const at = ipc("y".repeat(107 - Buffer.byteLength(folder) - 1));
      assert.equal(Buffer.byteLength(at.path), 107);
      const stream = await network.connect(await listen(at, echo), 60_000);
      assert.equal(String(await roundTrip(stream, Buffer.from("hi"))), "hi");
      stream.destroy();
    });

    it("that somebody answers at is refused, and they are not harmed", { timeout: LONG_MS }, async () => {
      const at = await listen(ipc("used.sock"), echo);
      await assert.rejects(
        network.listen(at, () => {}),
        { code: "invalid", message: /in use/ },
      );
      let over = false;
      const calling = (async () => {
        while (!over) {
          const stream = await network.connect(at, 60_000);
          assert.equal(String(await roundTrip(stream, Buffer.from("still here"))), "still here");
          stream.destroy();
        }
      })();
      for (let tries = 0; tries < 200; tries++) await network.listen(at, () => {}).catch(() => {});
      over = true;
      await calling;
    });

    it("left behind by a process that was killed is taken over, by one of many who try", {
      timeout: LONG_MS,
    }, async () => {
      for (let round = 0; round < 5; round++) {
        const at = ipc(`stale${round}.sock`);
        const child = fork(fileURLToPath(import.meta.url), ["listen", at.path]);
        await once(child, "message");
        child.kill("SIGKILL");
        await once(child, "exit");
        assert.ok(existsSync(at.path));
        // Not all at the same moment, so that some look while others take over.
        const tries = await Promise.allSettled(
          Array.from({ length: 20 }, async (_, turns) => {
            for (let turn = 0; turn < turns / 2; turn++) await new Promise(setImmediate);
            return network.listen(at, echo);
          }),
        );
        const winners = tries.flatMap((tried) => (tried.status === "fulfilled" ? [tried.value] : []));
        listening.push(...winners);
        assert.equal(winners.length, 1);
        const stream = await network.connect(at, 60_000);
        assert.equal(String(await roundTrip(stream, Buffer.from("mine"))), "mine");
        stream.destroy();
      }
    });

    it("is taken over though somebody was killed while they took it over", { timeout: LONG_MS }, async () => {
      const at = ipc("twice.sock");
      const child = fork(fileURLToPath(import.meta.url), ["listen", at.path]);
      await once(child, "message");
      child.kill("SIGKILL");
      await once(child, "exit");
      writeFileSync(`${at.path}.lock`, "dead");
      utimesSync(`${at.path}.lock`, new Date(0), new Date(0));
      await listen(at);
      assert.equal(existsSync(`${at.path}.lock`), false);
    });

    it("where something else lies is refused and left alone", async () => {
      const at = ipc("file");
      writeFileSync(at.path, "precious");
      await assert.rejects(
        network.listen(at, () => {}),
        { code: "invalid", message: /is not a socket/ },
      );
      assert.equal(readFileSync(at.path, "utf8"), "precious");
      const linked = ipc("link");
      symlinkSync(at.path, linked.path);
      await assert.rejects(
        network.listen(linked, () => {}),
        { code: "invalid", message: /is not a socket/ },
      );
    });

    it("below a file is refused with the reason", async () => {
      writeFileSync(path.join(folder, "plain"), "");
      await assert.rejects(
        network.listen(ipc("plain/a.sock"), () => {}),
        { name: "Fault", message: /cannot make the folder.*plain/ },
      );
    });

    it("in a folder where this process may not write is refused with the reason", async () => {
      chmodSync(folder, 0o755);
      mkdirSync(path.join(folder, "locked"));
      chmodSync(path.join(folder, "locked"), 0o555);
      await asOrdinaryUser(async () => {
        const listenAt = (name: string) => network.listen(ipc(name), () => {});
        await assert.rejects(listenAt("locked/a.sock"), { code: "denied", message: /no right/ });
        await assert.rejects(listenAt("locked/deep/a.sock"), { code: "denied", message: /cannot make the folder/ });
      });
    });
  });

  describe("TLS", () => {
    const at = (settings: TlsSettings): Endpoint => ({ kind: "tls", host: "127.0.0.1", port: 0, tls: settings });
    const dial = (place: Endpoint, settings: TlsSettings) => {
      assert.ok(place.kind === "tls");
      return network.connect({ ...place, tls: settings }, 60_000);
    };

    /** With TLS 1.3 the dialling side may learn only after its own handshake that it was refused. */
    async function refused(connecting: Promise<ByteStream>): Promise<Error | undefined> {
      const stream = await connecting.catch((fault: Fault) => fault);
      if (stream instanceof Error) return stream;
      return new Promise((resolve) => {
        stream.onData = () => resolve(undefined);
        stream.onClose = (cause) => resolve(cause ?? new Error("closed"));
        stream.write(new Uint8Array([1]));
      });
    }

    it("refuses a listener that another authority signed", { timeout: LONG_MS }, async () => {
      const place = await listen(at(signElsewhere("IP:127.0.0.1")), echo);
      await assert.rejects(dial(place, good), { code: "undeliverable", message: /certificate/ });
    });

    it("refuses a caller that another authority signed, and one without certificate", {
      timeout: LONG_MS,
    }, async () => {
      let came = 0;
      const place = await listen(at(good), (stream) => {
        came++;
        echo(stream);
      });
      const stranger = signElsewhere("IP:127.0.0.1");
      assert.ok(await refused(dial(place, { ...stranger, ca: good.ca })));
      assert.ok(place.kind === "tls");
      const bare = tls.connect({ host: place.host, port: place.port, ca: good.ca });
      await closed(bare);
      assert.equal(came, 0);
    });

    it("refuses a listener whose name is another", { timeout: LONG_MS }, async () => {
      const place = await listen(at(sign("DNS:node-a.unum")), echo);
      await assert.rejects(dial(place, good), { code: "undeliverable" });
      await assert.rejects(dial(place, { ...good, serverName: "node-b.unum" }), { code: "undeliverable" });
      const stream = await dial(place, { ...good, serverName: "node-a.unum" });
      assert.equal(String(await roundTrip(stream, Buffer.from("hi"))), "hi");
      stream.destroy();
    });

    it("refuses a caller whose name is not the one the listener expects", { timeout: LONG_MS }, async () => {
      const place = await listen(at({ ...good, serverName: "node-a.unum" }), echo);
      assert.ok(await refused(dial(place, good)));
      const named = sign("DNS:node-a.unum");
      const stream = await dial(place, named);
      assert.equal(String(await roundTrip(stream, Buffer.from("hi"))), "hi");
      stream.destroy();
    });

    it("refuses a peer that speaks no TLS 1.3, and one that speaks none at all", { timeout: LONG_MS }, async () => {
      let came = 0;
      const place = await listen(at(good), () => came++);
      assert.ok(place.kind === "tls");
      const old = tls.connect({
        ...good,
        host: place.host,
        port: place.port,
        maxVersion: "TLSv1.2",
        minVersion: "TLSv1.2",
      });
      await closed(old);
      const plain = net.connect(place.port, place.host);
      plain.write("GET / HTTP/1.1\r\n\r\n");
      await closed(plain);
      assert.equal(came, 0);
    });

    it("drops who does not finish the handshake in time", { timeout: LONG_MS }, async () => {
      const place = await systemNetwork({ tlsHandshakeMs: 50 }).listen(at(good), () => {});
      listening.push(place);
      assert.ok(place.endpoint.kind === "tls");
      const silent = net.connect(place.endpoint.port, place.endpoint.host);
      await closed(silent);
    });
  });
}

/** With an error or without. */
function closed(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.resume();
  });
}

/** Root may write everywhere, so as root this is done as nobody. */
async function asOrdinaryUser(work: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

/** Listens until it is killed. */
async function beListener(at: string): Promise<void> {
  await systemNetwork().listen({ kind: "ipc", path: at }, () => {});
  process.send?.("listening");
}

/** Listens with room for few, and then is busy with something else for a while. */
async function beCrowded(at: string): Promise<void> {
  await once(net.createServer().listen({ path: at, backlog: 1 }), "listening");
  process.send?.("listening");
  setImmediate(() => {
    const end = performance.now() + 300;
    while (performance.now() < end);
  });
}

// Under the test runner this file is the suite; forked by it with arguments, it is the one that gets killed.
if (process.argv[2] === "listen") await beListener(process.argv[3] ?? "");
else if (process.argv[2] === "crowd") await beCrowded(process.argv[3] ?? "");
else describe("the system's network", suite);
