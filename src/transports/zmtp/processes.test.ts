// What only real processes show: the receiver is stopped, or killed, in the middle of calls.

import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Fault } from "../../base/fault.ts";
import { cancelOf, type Envelope, envelope, Kind, replyTo } from "../../messages/envelope.ts";
import { systemEnv } from "../../system/env.ts";
import { AGE_ERROR_LIMIT_MS, type ZmtpTransport, type ZmtpTransportLimits, zmtpTransport } from "./index.ts";

const LONG_MS = 300_000;
const env = systemEnv();

/** Milliseconds on the clock that all processes of this computer share. */
const sharedNow = () => Number(process.hrtime.bigint()) / 1e6;

/** Answers every call; writes down each start, as ID TIME, before it does. */
async function serve(address: string, journal: string, limits: Partial<ZmtpTransportLimits>): Promise<void> {
  const transport = zmtpTransport({ env, limits });
  const file = openSync(journal, "a");
  await transport.listen(address, async (request) => {
    if (request.kind === Kind.CALL) writeSync(file, `${request.id} ${sharedNow()}\n`);
    return replyTo(request);
  });
  process.on("message", () => process.send?.(transport.stats()));
  process.send?.("listening");
}

function suite(): void {
  const folder = mkdtempSync(path.join(tmpdir(), "unum-"));
  const children: ChildProcess[] = [];
  const transports: ZmtpTransport[] = [];
  let places = 0;
  let nextId = 1;

  after(async () => {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(transports.map((each) => each.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function receiver(limits: Partial<ZmtpTransportLimits> = {}, place = ++places) {
    const address = `ipc://${folder}/${place}.sock`;
    const journal = path.join(folder, `${place}.journal`);
    const child = fork(fileURLToPath(import.meta.url), ["serve", address, journal, JSON.stringify(limits)]);
    children.push(child);
    await once(child, "message");
    const starts = () =>
      readFileSync(journal, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.split(" ").map(Number));
    return { address, child, starts, place };
  }

  function transport(limits: Partial<ZmtpTransportLimits> = {}): ZmtpTransport {
    const made = zmtpTransport({ env, limits });
    transports.push(made);
    return made;
  }

  /** A call as a client makes it: it stops waiting at the deadline, and withdraws. Answers "ok" or a code. */
  async function call(from: ZmtpTransport, to: string, ttlMs: number, id = nextId++): Promise<string> {
    const deadline = env.clock.now() + ttlMs;
    const request: Envelope = envelope({ kind: Kind.CALL, id, from: ["c1"], to: "t.v1.T/T", deadline });
    return new Promise((resolve) => {
      const timer = env.clock.after(ttlMs, () => {
        void from.send(to, cancelOf(request));
        resolve("deadline");
      });
      const settle = (outcome: string) => {
        timer.cancel();
        resolve(outcome);
      };
      from.send(to, request)?.then(
        () => settle("ok"),
        (thrown) => settle(thrown instanceof Fault ? thrown.code : String(thrown)),
      );
    });
  }

  const pause = (ms: number) => new Promise<void>((resolve) => env.clock.after(ms, resolve));

  /** Settles when the system shows the process as stopped; where it shows nothing, after long enough. */
  async function stopped(child: ChildProcess): Promise<void> {
    const status = `/proc/${child.pid}/stat`;
    if (!existsSync(status)) return pause(200);
    while (!/\) T /.test(readFileSync(status, "utf8"))) await pause(1);
  }

  const patience: [string, Partial<ZmtpTransportLimits>][] = [
    ["shorter than its peers' patience", {}],
    ["longer than its peers' patience", { heartbeatMs: 100, silenceMs: 500 }],
  ];
  for (const [what, limits] of patience) {
    it(`starts nothing after its time to live when it was stopped for a second, ${what}`, {
      timeout: LONG_MS,
    }, async () => {
      const { address, child, starts } = await receiver(limits);
      const from = transport(limits);
      assert.equal(await call(from, address, 30_000), "ok");
      const ttlMs = 100;
      const deadlines = new Map<number, number>();
      const outcomes: Promise<string>[] = [];
      const send = () => {
        const id = nextId++;
        deadlines.set(id, sharedNow() + ttlMs);
        outcomes.push(call(from, address, ttlMs, id));
      };
      child.kill("SIGSTOP");
      // A call that was looked at just before the stop and started just after it is late, and nobody can help that.
      await stopped(child);
      for (let i = 0; i < 50; i++) send();
      const resumed = sharedNow() + 1_000;
      while (sharedNow() < resumed) {
        for (let i = 0; i < 5; i++) send();
        await pause(10);
      }
      child.kill("SIGCONT");
      const stoppedCalls = deadlines.size;
      // Its ears are open again: what is asked now is answered, on the old connection or a new one.
      let answered = false;
      for (let tries = 0; tries < 200 && !answered; tries++) answered = (await call(from, address, 30_000)) === "ok";
      assert.ok(answered);
      await Promise.all(outcomes);
      let started = 0;
      for (const [id = 0, at = 0] of starts()) {
        const deadline = deadlines.get(id);
        if (deadline === undefined) continue;
        started++;
        assert.ok(
          at <= deadline + AGE_ERROR_LIMIT_MS,
          `call ${id} was started ${(at - deadline).toFixed(0)} ms after its time to live`,
        );
      }
      assert.ok(started < stoppedCalls);
      child.send("stats");
      const [stats] = await once(child, "message");
      console.log(
        `${stoppedCalls} calls around a stop of 1 s: ${started} started in time, ${stats.stale} refused as expired, connections ended ${JSON.stringify(stats.ended)}`,
      );
      if (limits.silenceMs === undefined)
        assert.ok(stats.stale > 0, "those that lay in the kernel were read and refused");
      else
        assert.ok(
          (stats.ended.paused ?? 0) + (stats.ended.lost ?? 0) > 0,
          "the connection ended, unread bytes with it",
        );
    });
  }

  it("gives every call one true outcome when the receiver is killed again and again", {
    timeout: LONG_MS,
  }, async () => {
    const first = await receiver();
    const from = transport();
    const outcomes = new Map<number, string>();
    let over = false;
    let answered = 0;
    const calling = Array.from({ length: 64 }, async () => {
      while (!over) {
        const id = nextId++;
        const outcome = await call(from, first.address, 10_000, id);
        assert.equal(outcomes.get(id), undefined);
        outcomes.set(id, outcome);
        if (outcome === "ok") answered++;
        if (outcome !== "ok") await pause(1);
      }
    });
    let current = first;
    for (let life = 0; life < 5; life++) {
      const before = answered;
      while (answered < before + 2_000) await pause(1);
      current.child.kill("SIGKILL");
      await once(current.child, "exit");
      current = await receiver({}, first.place);
    }
    const last = answered;
    while (answered < last + 2_000) await pause(1);
    over = true;
    await Promise.all(calling);

    const started = new Set(first.starts().map(([id]) => id));
    const by = new Map<string, number>();
    for (const [id, outcome] of outcomes) {
      by.set(outcome, (by.get(outcome) ?? 0) + 1);
      if (outcome === "ok") assert.ok(started.has(id), `call ${id} was answered and never started`);
      if (outcome === "undeliverable") assert.ok(!started.has(id), `call ${id} was started and called undeliverable`);
    }
    console.log(`calls over five kills: ${[...by].map(([outcome, count]) => `${count} ${outcome}`).join(", ")}`);
    assert.deepEqual(
      [...by.keys()].filter((outcome) => !["ok", "unknown", "undeliverable"].includes(outcome)),
      [],
    );
    assert.ok((by.get("ok") ?? 0) > 0 && (by.get("unknown") ?? 0) > 0);
  });

  it("says unknown at once, not at the deadline, when the receiver dies", { timeout: LONG_MS }, async () => {
    const { address, child } = await receiver();
    const from = transport();
    assert.equal(await call(from, address, 30_000), "ok");
    child.kill("SIGSTOP");
    const calls = Array.from({ length: 10 }, () => call(from, address, 50_000));
    await pause(20);
    child.kill("SIGKILL");
    assert.deepEqual(await Promise.all(calls), Array(10).fill("unknown"));
  });
}

if (process.argv[2] === "serve")
  await serve(process.argv[3] ?? "", process.argv[4] ?? "", JSON.parse(process.argv[5] ?? "{}"));
else describe("between processes", suite);
