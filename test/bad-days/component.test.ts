// What becomes of a call when its component, or the process around it, goes wrong: one true outcome, within the deadline.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, describe, it } from "node:test";
import { Container } from "../../src/messages/gen/unum/control/v1/container_pb.ts";
import { cleanUp, LIMIT, type Served, scratch, serve, trouble } from "../cli/unum.ts";
import { type Caller, callerOf, closeCallers } from "./caller.ts";

/** How long an outcome may come after what decides it, on a machine with others on it: far less than the deadline of what is told at once. */
const SOON_MS = 20_000;
const FAR_MS = 120_000;

after(async () => {
  await closeCallers();
  await cleanUp();
});

async function world(...args: string[]): Promise<{ served: Served; caller: Caller }> {
  const served = await serve(trouble, args, { home: await scratch() });
  const caller = callerOf(served.address);
  // Connected, so that times below are those of the call.
  assert.equal((await caller.outcome("ready", { ttlMs: 10_000 })).is, "ready");
  return { served, caller };
}

describe("a component that", LIMIT, () => {
  let shared: ReturnType<typeof world>;
  const here = () => {
    shared ??= world();
    return shared;
  };

  it("throws gives its error to the caller", async () => {
    const { caller } = await here();
    const { is, message, ms } = await caller.outcome("throw");
    assert.deepEqual([is, message], ["AsAsked", "thrown"]);
    assert.ok(ms < SOON_MS);
  });

  it("rejects gives its error to the caller", async () => {
    const { caller } = await here();
    const { is, message } = await caller.outcome("reject");
    assert.deepEqual([is, message], ["AsAsked", "rejected"]);
  });

  it("answers with garbage is told to the caller as having broken its contract", async () => {
    const { caller } = await here();
    const number = await caller.outcome("garbage");
    assert.equal(number.is, "internal");
    assert.match(number.message, /must return a unum\.test\.v1\.Text; it returned number/);
    const field = await caller.outcome("wrong-field");
    assert.equal(field.is, "internal");
    assert.match(field.message, /unum\.test\.v1\.Text/);
  });

  it("goes wrong in one call works on the next", async () => {
    const { caller } = await here();
    assert.equal((await caller.outcome("fine")).is, "fine");
  });

  it("never answers leaves the call's fate unknown at its deadline, and later calls expire unstarted", async () => {
    const { caller } = await world();
    const never = await caller.outcome("never", { ttlMs: 2_000 });
    assert.equal(never.is, "unknown");
    assert.ok(never.ms >= 1_999 && never.ms < 2_000 + SOON_MS, `${never.ms} ms`);
    // It keeps its place, so what comes next waits in vain; whether it was started its caller cannot know.
    const next = await caller.outcome("after", { ttlMs: 300 });
    assert.match(next.is, /^(?:expired|unknown)$/);
  });

  it("ends its process leaves the call's fate unknown as soon as the connection is gone", async () => {
    const { served, caller } = await world();
    const exit = await caller.outcome("exit", { ttlMs: FAR_MS });
    assert.equal(exit.is, "unknown");
    assert.match(exit.message, /then the connection ended/);
    assert.ok(exit.ms < SOON_MS, `${exit.ms} ms`);
    assert.equal((await served.ended).code, 3);
    assert.equal((await caller.outcome("anyone", { ttlMs: FAR_MS })).is, "undeliverable");
  });
});

describe("a container that", LIMIT, () => {
  it("is killed during a call leaves its fate unknown at once, and a waiting one too", async () => {
    const { served, caller } = await world();
    const working = caller.outcome(`wait ${FAR_MS}`, { ttlMs: FAR_MS });
    const waiting = caller.outcome("waiting", { ttlMs: FAR_MS });
    await underWay(served);
    const killedAt = performance.now();
    served.child.kill("SIGKILL");
    assert.deepEqual([(await working).is, (await waiting).is], ["unknown", "unknown"]);
    assert.ok(performance.now() - killedAt < SOON_MS);
  });

  it("is killed during a call with an idempotency key has it done elsewhere", async () => {
    const [one, two] = await Promise.all([world(), world()]);
    const both = callerOf(one.served.address, two.served.address);
    const calls = ["wait 4000", "wait 401", "wait 4002", "wait 403"].map((text) =>
      both.outcome(text, { ttlMs: FAR_MS, idempotencyKey: text }),
    );
    await underWay(one.served);
    one.served.child.kill("SIGKILL");
    const outcomes = await Promise.all(calls);
    assert.deepEqual(
      outcomes.map(({ is }) => is),
      ["wait 4000", "wait 401", "wait 4002", "wait 403"],
    );
  });

  it("is stopped during a call leaves its fate unknown at the deadline, and goes on when it is continued", async () => {
    const { served, caller } = await world();
    const call = caller.outcome(`wait-or-stop ${FAR_MS}`, { ttlMs: 5_000 });
    await underWay(served);
    stop(served);
    const { is, ms } = await call;
    served.child.kill("SIGCONT");
    assert.equal(is, "unknown");
    assert.ok(ms >= 4_999 && ms < 5_000 + SOON_MS, `${ms} ms`);
    assert.equal((await caller.outcome("back", { ttlMs: FAR_MS })).is, "back");
  });

  it("was stopped for 1 s starts none of the calls that lived 100 ms", async () => {
    const { served, caller } = await world();
    stop(served);
    const late = Array.from({ length: 50 }, (_, n) => caller.outcome(`late ${n}`, { ttlMs: 100 }));
    const lasting = caller.outcome("lasting", { ttlMs: FAR_MS });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    served.child.kill("SIGCONT");
    for (const { is, ms } of await Promise.all(late)) {
      // Where this process itself stood still for so long, it was not even sent.
      assert.match(is, /^(?:unknown|expired)$/);
      assert.ok(ms < 100 + SOON_MS, `${ms} ms`);
    }
    assert.equal((await lasting).is, "lasting");
    // The one that lived on is there, so the list would show the others.
    assert.deepEqual(
      (await caller.started()).filter((text) => text !== "ready"),
      ["lasting"],
    );
  });
});

/** Stops every thread of the process: the signal itself takes its time. */
function stop({ child }: Served): void {
  child.kill("SIGSTOP");
  const end = performance.now() + 60_000;
  const threads = () => execFileSync("ps", ["-L", "-o", "stat=", "-p", String(child.pid)], { encoding: "utf8" });
  while (
    !threads()
      .trim()
      .split("\n")
      .every((state) => state.startsWith("T"))
  ) {
    assert.ok(performance.now() < end, "the process is not stopped");
  }
}

/** Settles once the function runs: the control plane answers beside it. */
async function underWay({ address }: Served): Promise<void> {
  const { client } = callerOf(address);
  const end = performance.now() + 60_000;
  for (;;) {
    const { load } = await client.call(Container.method.ping, {}, { ttlMs: 60_000 });
    if ((load?.running ?? 0) > 0) return;
    assert.ok(performance.now() < end, "no call is under way");
  }
}
