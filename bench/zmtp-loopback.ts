// What the zmtp transport does between two processes over a Unix socket, beside a bare socket's round trip.
// Wanted with 200 bytes: 150,000 calls a second at 64 in flight; one at a time, a p50 of at most 1.5 × the bare socket's.
//
//   node bench/zmtp-loopback.ts [--seconds 2] [--rounds 3] [--bytes 200] [--flights 1,64]

import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { envelope, Kind, Mode, replyTo } from "../src/messages/envelope.ts";
import { systemEnv } from "../src/system/env.ts";
import { zmtpTransport } from "../src/transports/zmtp/index.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    bytes: { type: "string", default: "200" },
    flights: { type: "string", default: "1,64" },
    serve: { type: "string" },
  },
});

if (values.serve === undefined) await main();
else await serve(values.serve);

/** The other process: answers every call with its own bytes; and echoes on a bare socket. */
async function serve(folder: string): Promise<void> {
  const transport = zmtpTransport({ env: systemEnv() });
  await transport.listen(`ipc://${folder}/u.sock`, (request) => {
    const reply = replyTo(request);
    reply.value = request.value;
    return Promise.resolve(reply);
  });
  net
    .createServer((socket) => socket.on("data", (bytes) => socket.write(bytes)))
    .listen(`${folder}/bare.sock`, () => process.send?.("ready"));
}

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "unum-bench-"));
  const child = fork(fileURLToPath(import.meta.url), ["--serve", folder], {
    execArgv: process.env["SERVE_ARGV"]?.split(" ") ?? [],
  });
  await new Promise((resolve) => child.once("message", resolve));
  const seconds = Number(values.seconds);
  const size = Number(values.bytes);
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      const bare = await bareRoundTrips(`${folder}/bare.sock`, size, seconds);
      print("bare socket", 1, bare);
      for (const flight of values.flights.split(",")) {
        const measured = await calls(folder, Number(flight), size, seconds);
        print("zmtp", Number(flight), measured);
        if (flight === "1")
          console.log(`${"".padEnd(12)} p50 is ${(measured.p50Us / bare.p50Us).toFixed(2)} × the bare socket's`);
      }
    }
  } finally {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Measured {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

async function calls(folder: string, flight: number, size: number, seconds: number): Promise<Measured> {
  const env = systemEnv();
  const transport = zmtpTransport({ env });
  const times: number[] = [];
  const value = new Uint8Array(size).fill(7);
  const to = `ipc://${folder}/u.sock`;
  let id = 0;
  const one = async () => {
    const request = envelope({
      kind: Kind.CALL,
      id: ++id,
      from: ["bench"],
      to: "bench.v1.Echo/Echo",
      mode: Mode.SYNC,
      value,
    });
    const began = performance.now();
    request.deadline = began + 5_000;
    const reply = await transport.send(to, request);
    times.push(performance.now() - began);
    const answer = reply?.value;
    if (!(answer instanceof Uint8Array) || answer.length !== size) throw new Error("a wrong reply");
  };
  const run = async (ms: number) => {
    const end = performance.now() + ms;
    await Promise.all(
      Array.from({ length: flight }, async () => {
        while (performance.now() < end) await one();
      }),
    );
  };
  await run(500);
  times.length = 0;
  const began = performance.now();
  await run(seconds * 1000);
  const measured = measure(times, performance.now() - began);
  await transport.close();
  return measured;
}

/** The same bytes there and back on a plain Unix socket, one at a time. */
async function bareRoundTrips(at: string, size: number, seconds: number): Promise<Measured> {
  const socket = net.connect(at);
  await new Promise((resolve) => socket.once("connect", resolve));
  const times: number[] = [];
  const bytes = new Uint8Array(size + 60);
  const run = (ms: number) =>
    new Promise<void>((resolve) => {
      const end = performance.now() + ms;
      let began = performance.now();
      let left = bytes.length;
      const onData = (chunk: Buffer) => {
        left -= chunk.length;
        if (left > 0) return;
        const now = performance.now();
        times.push(now - began);
        if (now > end) {
          socket.off("data", onData);
          return resolve();
        }
        began = now;
        left = bytes.length;
        socket.write(bytes);
      };
      socket.on("data", onData);
      socket.write(bytes);
    });
  await run(300);
  times.length = 0;
  const began = performance.now();
  await run(seconds * 1000);
  const measured = measure(times, performance.now() - began);
  socket.destroy();
  return measured;
}

function measure(times: number[], tookMs: number): Measured {
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0) * 1000;
  return { perSecond: times.length / (tookMs / 1000), p50Us: at(0.5), p99Us: at(0.99) };
}

function print(what: string, flight: number, { perSecond, p50Us, p99Us }: Measured): void {
  console.log(
    `${what.padEnd(12)} ${String(flight).padStart(4)} in flight ${Math.round(perSecond).toLocaleString("en").padStart(9)}/s  p50 ${p50Us.toFixed(0).padStart(6)} µs  p99 ${p99Us.toFixed(0).padStart(6)} µs`,
  );
}
