import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { First, Later } from "../../test/gen/unum/test/v1/chain_pb.ts";
import { Modes } from "../../test/gen/unum/test/v1/services_pb.ts";
import { type ApplicationError, Fault } from "../base/fault.ts";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { type Client, newClient } from "../client/client.ts";
import { runContainer } from "../node/run-container.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { DirectNetwork } from "../transports/direct.ts";
import type { Call } from "./call.ts";
import { type Component, type ComponentOptions, component, type Handlers } from "./component.ts";
import type { ContainerLimits } from "./container.ts";

type Text = { text: string };
type ModesHandlers = Handlers<typeof Modes>;

const refuses = (): never => {
  throw new Error("not this one");
};

/** The contract with every mode; a test says what it uses. */
function modes(handlers: Partial<ModesHandlers>, options?: ComponentOptions): Component {
  const rest = {
    plain: refuses,
    sync: refuses,
    async: refuses,
    broadcast: refuses,
    plainStream: refuses,
    stream: refuses,
  };
  return component(Modes, { ...rest, ...handlers }, options);
}

async function world(given: Component, limits: Partial<ContainerLimits> = {}) {
  const clock = new VirtualClock();
  const direct = new DirectNetwork();
  const env = { clock, random: seededRandom(1), log: silentLog, network: noNetwork };
  const container = await runContainer({
    env,
    id: "k1",
    components: [given],
    transports: [direct.transport()],
    listen: ["direct://k1"],
    limits,
  });
  const client = newClient({ env, transports: [direct.transport()], to: ["direct://k1"] });
  return { clock, container, client };
}

const noNetwork = {
  listen: () => Promise.reject(new Fault("invalid", "no network here")),
  connect: () => Promise.reject(new Fault("invalid", "no network here")),
};

/** Settles when the test says so. */
function gate(): { open: () => void; opened: Promise<void> } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

const plain = (client: Client, text: string, options = {}) => client.call(Modes.method.plain, { text }, options);

describe("a container", () => {
  it("answers with what the component returned, and says where it ran", async () => {
    const { client } = await world(
      modes({ plain: ({ text }) => ({ text: text.toUpperCase() }) }, { version: "1.2.3" }),
    );
    const state = Uint8Array.of(1, 2);
    const reply = await client.request(Modes.method.plain, { text: "ada" }, { state });
    assert.equal(reply.value.text, "ADA");
    assert.deepEqual(reply.from, ["k1"]);
    assert.equal(reply.version, "1.2.3");
    assert.deepEqual(reply.state, state);
  });

  it("works on one message at a time, in the order they came", async () => {
    const gates = [gate(), gate(), gate()];
    const seen: string[] = [];
    const { client } = await world(
      modes({
        plain: async ({ text }) => {
          seen.push(`start ${text}`);
          await gates[Number(text)]?.opened;
          seen.push(`end ${text}`);
          return { text };
        },
      }),
    );
    const calls = ["0", "1", "2"].map((text) => plain(client, text));
    for (const each of [2, 1, 0]) gates[each]?.open();
    await Promise.all(calls);
    assert.deepEqual(seen, ["start 0", "end 0", "start 1", "end 1", "start 2", "end 2"]);
  });

  it("works on as many as a component opted into", async () => {
    const all = gate();
    let running = 0;
    let most = 0;
    const { client } = await world(
      modes(
        {
          plain: async (text) => {
            most = Math.max(most, ++running);
            await all.opened;
            running--;
            return text;
          },
        },
        { concurrency: 3 },
      ),
    );
    const calls = Array.from({ length: 7 }, () => plain(client, "x"));
    all.open();
    await Promise.all(calls);
    assert.equal(most, 3);
  });

  it("refuses at once what its inbox has no place for", async () => {
    const held = gate();
    const { client } = await world(
      modes({
        plain: async (text) => {
          await held.opened;
          return text;
        },
      }),
      { inbox: 1 },
    );
    const first = plain(client, "runs");
    const second = plain(client, "waits");
    await assert.rejects(plain(client, "refused"), {
      code: "overloaded",
      message: /1 calls wait in k1, the limit is 1/,
    });
    held.open();
    assert.deepEqual(
      (await Promise.all([first, second])).map(({ text }) => text),
      ["runs", "waits"],
    );
  });

  it("does not start what waited past its time to live", async () => {
    const held = gate();
    const started: string[] = [];
    const { client, clock } = await world(
      modes({
        plain: async ({ text }) => {
          started.push(text);
          await held.opened;
          return { text };
        },
      }),
    );
    const first = plain(client, "long", { ttlMs: 1_000 });
    const late = assert.rejects(plain(client, "late", { ttlMs: 50 }), { code: "unknown" });
    await clock.advance(60);
    await late;
    held.open();
    await first;
    assert.deepEqual(started, ["long"]);
  });

  it("does not start what its caller withdrew while it waited", async () => {
    const held = gate();
    const started: string[] = [];
    const { client } = await world(
      modes({
        plain: async ({ text }) => {
          started.push(text);
          await held.opened;
          return { text };
        },
      }),
    );
    const first = plain(client, "first");
    const controller = new AbortController();
    const second = plain(client, "second", { signal: controller.signal });
    controller.abort(new Error("changed my mind"));
    await assert.rejects(second, { code: "cancelled", message: /changed my mind/ });
    held.open();
    await first;
    await plain(client, "third");
    assert.deepEqual(started, ["first", "third"]);
  });

  it("tells a running function by its signal when the caller withdraws and when time is over", async () => {
    const reasons: string[] = [];
    const wait = (call: Call) =>
      new Promise<Text>((resolve) => {
        call.signal.addEventListener("abort", () => {
          reasons.push(call.signal.reason.code);
          resolve({ text: "" });
        });
      });
    const { client, clock } = await world(modes({ plain: (_, call) => wait(call) }));
    const controller = new AbortController();
    const withdrawn = plain(client, "", { signal: controller.signal });
    controller.abort();
    await assert.rejects(withdrawn, { code: "cancelled" });
    const late = assert.rejects(plain(client, "", { ttlMs: 10 }), { code: "unknown" });
    await clock.advance(11);
    await late;
    assert.deepEqual(reasons, ["cancelled", "expired"]);
  });

  it("holds the place of a function that outlives its caller", async () => {
    const held = gate();
    const { client, clock } = await world(
      modes({
        plain: async (text) => {
          await held.opened;
          return text;
        },
      }),
    );
    const late = assert.rejects(plain(client, "slow", { ttlMs: 10 }), { code: "unknown" });
    await clock.advance(20);
    await late;
    let second = "waits";
    const next = plain(client, "next").then(() => {
      second = "ran";
    });
    await clock.advance(5);
    assert.equal(second, "waits");
    held.open();
    await next;
    assert.equal(second, "ran");
  });

  it("gives the component's error to the caller as the component's", async () => {
    class OutOfPaper extends Error {}
    const { client } = await world(
      modes({
        plain: () => {
          throw new OutOfPaper("tray 2");
        },
      }),
    );
    await assert.rejects(plain(client, ""), (error: ApplicationError) => {
      assert.equal(error.name, "ApplicationError");
      assert.equal(error.type, "OutOfPaper");
      assert.equal(error.message, "tray 2");
      return true;
    });
  });

  it("does not pass a Fault of its own calls on as the caller's: the caller's call was started", async () => {
    const { client } = await world(
      modes({
        plain: () => {
          throw new Fault("overloaded", "the other one is full");
        },
      }),
    );
    await assert.rejects(plain(client, ""), { name: "ApplicationError", type: "Fault.overloaded" });
  });

  for (const [what, garbage] of [
    ["nothing", undefined],
    ["a number", 7],
    ["a message with a wrong field", { text: 42 }],
  ] as const) {
    it(`answers 'internal' when the component returns ${what}`, async () => {
      // The types forbid it; components in plain JavaScript can.
      const { client } = await world(modes({ plain: () => garbage as unknown as Text }));
      await assert.rejects(plain(client, ""), {
        name: "Fault",
        code: "internal",
        message: /Modes\/Plain.*unum\.test\.v1\.Text/,
      });
    });
  }

  it("names the nearest method for a wrong one, and the contracts it serves for a wrong contract", async () => {
    const { client } = await world(modes({}));
    // A descriptor of a method the container does not have, as a caller with a newer contract would hold it.
    const other = { ...Modes.method.plain, name: "Plane", parent: Modes } as typeof Modes.method.plain;
    await assert.rejects(client.call(other, { text: "" }), {
      code: "not-found",
      message: /Modes\/Plane; did you mean .*Modes\/Plain\?/,
    });
  });

  it("runs only the versions asked for", async () => {
    const { client } = await world(modes({ plain: (text) => text }, { version: "1.4.0" }));
    assert.equal((await plain(client, "x", { version: "^1.2" })).text, "x");
    await assert.rejects(plain(client, "x", { version: "^2" }), {
      code: "not-found",
      message: /version 1\.4\.0, asked for is \^2/,
    });
    await assert.rejects(plain(client, "x", { version: "two" }), { code: "invalid", message: /'two'/ });
  });

  it("keeps an environment from call to call, between its start and stop hooks", async () => {
    const hooks: string[] = [];
    const { client, container } = await world(
      modes(
        {
          plain: (_, call) => {
            const count = (call.environment.get("count") as number) + 1;
            call.environment.set("count", count);
            return { text: String(count) };
          },
        },
        {
          start: (environment) => {
            hooks.push("start");
            environment.set("count", 10);
          },
          stop: (environment) => {
            hooks.push(`stop ${environment.get("count")}`);
          },
        },
      ),
    );
    assert.equal((await plain(client, "")).text, "11");
    assert.equal((await plain(client, "")).text, "12");
    await container.drain(100);
    assert.deepEqual(hooks, ["start", "stop 12"]);
  });
});

describe("an idempotency key", () => {
  it("gives a second call the first one's outcome without running twice", async () => {
    let runs = 0;
    const held = gate();
    const { client } = await world(
      modes({
        plain: async ({ text }) => {
          runs++;
          await held.opened;
          return { text };
        },
      }),
    );
    const first = plain(client, "a", { idempotencyKey: "one" });
    const joined = plain(client, "a", { idempotencyKey: "one" });
    held.open();
    const later = await plain(client, "a", { idempotencyKey: "one" });
    assert.deepEqual([(await first).text, (await joined).text, later.text], ["a", "a", "a"]);
    assert.equal(runs, 1);
  });

  it("is forgotten after the time to live", async () => {
    let runs = 0;
    const { client, clock } = await world(modes({ plain: () => ({ text: String(++runs) }) }));
    await plain(client, "", { idempotencyKey: "one", ttlMs: 100 });
    await clock.advance(101);
    await plain(client, "", { idempotencyKey: "one", ttlMs: 100 });
    assert.equal(runs, 2);
  });

  it("is refused where no more can be held", async () => {
    const { client } = await world(modes({ plain: (text) => text }), { keys: 1 });
    await plain(client, "", { idempotencyKey: "one" });
    await assert.rejects(plain(client, "", { idempotencyKey: "two" }), {
      code: "overloaded",
      message: /idempotency keys/,
    });
    await plain(client, "", { idempotencyKey: "one" });
  });

  it("does not hold a refusal: what was not started may be tried again", async () => {
    const held = gate();
    const { client } = await world(
      modes({
        plain: async ({ text }) => {
          if (text === "hold") await held.opened;
          return { text };
        },
      }),
      { inbox: 0 },
    );
    const first = plain(client, "hold");
    await assert.rejects(plain(client, "x", { idempotencyKey: "one" }), { code: "overloaded" });
    held.open();
    await first;
    assert.equal((await plain(client, "x", { idempotencyKey: "one" })).text, "x");
  });
});

describe("an ASYNC method", () => {
  it("is accepted when it has its place, and its result is fetched later", async () => {
    const held = gate();
    const { client } = await world(
      modes({
        async: async ({ text }) => {
          await held.opened;
          return { text };
        },
      }),
    );
    const accepted = await client.send(Modes.method.async, { text: "later" });
    const result = accepted.result();
    held.open();
    assert.equal((await result).text, "later");
  });

  it("is refused as any call where there is no place", async () => {
    const held = gate();
    const { client } = await world(
      modes({
        async: async (text) => {
          await held.opened;
          return text;
        },
      }),
      { inbox: 0 },
    );
    const first = await client.send(Modes.method.async, { text: "1" });
    await assert.rejects(client.send(Modes.method.async, { text: "2" }), { code: "overloaded" });
    held.open();
    await first.result();
  });

  it("gives the component's error with the result", async () => {
    const { client } = await world(modes({ async: () => Promise.reject(new RangeError("too far")) }));
    const accepted = await client.send(Modes.method.async, { text: "" });
    await assert.rejects(accepted.result(), { name: "ApplicationError", type: "RangeError", message: "too far" });
  });

  it("keeps no more results than its limit", async () => {
    const { client } = await world(modes({ async: (text) => text }), { results: 1 });
    await client.send(Modes.method.async, { text: "kept" });
    await assert.rejects(client.send(Modes.method.async, { text: "no place" }), {
      code: "overloaded",
      message: /wantResult: false/,
    });
    await client.send(Modes.method.async, { text: "not kept" }, { wantResult: false });
  });

  it("cannot be called as if it were SYNC", async () => {
    const { client } = await world(modes({}));
    await assert.rejects(client.call(Modes.method.async, { text: "" }), {
      code: "invalid",
      message: /ASYNC by its contract; use send/,
    });
  });
});

describe("an ASYNC call of a component to another in its container", () => {
  const asking = (call: Call) => call.send(Later.method.go, { way: ["x"] });

  async function pair(first: (call: Call) => Promise<{ passed: string[] }>, seen: string[]) {
    const second = component(Later, {
      go: () => {
        seen.push("second");
        return { passed: ["second"] };
      },
    });
    const clock = new VirtualClock();
    const direct = new DirectNetwork();
    const env = { clock, random: seededRandom(1), log: silentLog, network: noNetwork };
    const components = [component(First, { go: (_, call) => first(call) }), second];
    await runContainer({ env, id: "k1", components, transports: [direct.transport()], listen: ["direct://k1"] });
    return newClient({ env, transports: [direct.transport()], to: ["direct://k1"] });
  }

  it("waits for its turn while the sender goes on", async () => {
    const seen: string[] = [];
    const client = await pair(async (call) => {
      await asking(call);
      seen.push("first");
      return { passed: [] };
    }, seen);
    await client.of(First).go({});
    assert.deepEqual(seen, ["first", "second"]);
  });

  it("enters as soon as the sender waits for its result", async () => {
    const seen: string[] = [];
    const client = await pair(async (call) => {
      const accepted = await asking(call);
      seen.push("first");
      return accepted.result();
    }, seen);
    assert.deepEqual((await client.of(First).go({})).passed, ["second"]);
    assert.deepEqual(seen, ["first", "second"]);
  });
});

describe("a STREAM", () => {
  async function* count(limit: number, seen: number[]) {
    for (let i = 0; i < limit; i++) {
      seen.push(i);
      yield { text: String(i) };
    }
  }

  it("gives every item in order", async () => {
    const { client, clock } = await world(modes({ stream: () => count(100, []) }));
    const texts: string[] = [];
    const reading = (async () => {
      for await (const { text } of client.stream(Modes.method.stream, { text: "" }, { credit: 7 })) texts.push(text);
    })();
    await clock.advance(10);
    await reading;
    assert.deepEqual(
      texts,
      Array.from({ length: 100 }, (_, i) => String(i)),
    );
  });

  it("is produced only as far as credit goes", async () => {
    const made: number[] = [];
    const { client, clock } = await world(modes({ stream: () => count(1_000, made) }));
    const items = client.stream(Modes.method.stream, { text: "" }, { credit: 4 });
    await clock.advance(5);
    assert.equal(made.length, 0);
    const first = items.next();
    await clock.advance(5);
    assert.equal((await first).value?.text, "0");
    await clock.advance(5);
    assert.ok(made.length <= 1 + 4, `made ${made.length}`);
    await items.return?.();
  });

  it("holds its place to its end, and gives it back when the reader stops", async () => {
    const { client, clock } = await world(modes({ stream: () => count(1_000, []), plain: (text) => text }));
    const items = client.stream(Modes.method.stream, { text: "" }, { credit: 1 });
    const first = items.next();
    await clock.advance(5);
    await first;
    let ran = false;
    const next = plain(client, "").then(() => {
      ran = true;
    });
    await clock.advance(5);
    assert.equal(ran, false);
    await items.return?.();
    await clock.advance(5);
    await next;
    assert.equal(ran, true);
  });

  it("leaves nothing behind when its reader withdraws it: no place among streams, no timer until its time to live ends", async () => {
    const { client, clock } = await world(modes({ stream: () => count(1_000, []) }), { results: 2 });
    for (let times = 0; times < 5; times++) {
      const items = client.stream(Modes.method.stream, { text: "" }, { credit: 1, ttlMs: 60_000 });
      const first = items.next();
      await clock.advance(5);
      assert.equal((await first).value?.text, "0");
      await items.return?.();
      await clock.advance(5);
    }
    const before = clock.events;
    await clock.advance(70_000);
    assert.equal(clock.events, before, "something was left to happen");
  });

  it("gives the items before an error, then the error", async () => {
    const { client, clock } = await world(
      modes({
        stream: async function* () {
          yield { text: "one" };
          throw new Error("no more");
        },
      }),
    );
    const texts: string[] = [];
    const reading = (async () => {
      for await (const { text } of client.stream(Modes.method.stream, { text: "" })) texts.push(text);
    })();
    const ended = assert.rejects(reading, { name: "ApplicationError", message: "no more" });
    await clock.advance(10);
    await ended;
    assert.deepEqual(texts, ["one"]);
  });

  it("ends with its time to live when nobody reads on", async () => {
    let returned = false;
    const { client, clock, container } = await world(
      modes({
        stream: async function* () {
          try {
            for (;;) yield { text: "more" };
          } finally {
            returned = true;
          }
        },
      }),
    );
    const items = client.stream(Modes.method.stream, { text: "" }, { credit: 1, ttlMs: 100 });
    const first = items.next();
    await clock.advance(5);
    await first;
    await clock.advance(200);
    assert.equal(returned, true);
    assert.equal(container.load.running, 0);
  });
});

describe("a BROADCAST", () => {
  it("gives the outcome of each container", async () => {
    const clock = new VirtualClock();
    const direct = new DirectNetwork();
    const env = { clock, random: seededRandom(1), log: silentLog, network: noNetwork };
    const answers = [() => ({ text: "a" }), () => ({ text: "b" }), refuses];
    for (const [i, broadcast] of answers.entries()) {
      await runContainer({
        env,
        id: `k${i}`,
        components: [modes({ broadcast })],
        transports: [direct.transport()],
        listen: [`direct://k${i}`],
      });
    }
    const to = ["direct://k0", "direct://k1", "direct://k2", "direct://gone"];
    const client = newClient({ env, transports: [direct.transport()], to });
    const outcomes = await client.broadcast(Modes.method.broadcast, { text: "" });
    assert.deepEqual(
      outcomes.map((each) =>
        "value" in each ? each.value.text : each.failure.name === "Fault" ? "fault" : each.failure.message,
      ),
      ["a", "b", "not this one", "fault"],
    );
  });
});

describe("draining", () => {
  it("lets waiting and running calls end, refuses new ones, and settles", async () => {
    const held = gate();
    const { client, container, clock } = await world(
      modes({
        plain: async ({ text }) => {
          if (text === "first") await held.opened;
          return { text };
        },
      }),
    );
    const first = plain(client, "first");
    const second = plain(client, "second");
    const drained = container.drain(1_000);
    await assert.rejects(plain(client, "new"), { code: "undeliverable", message: /draining/ });
    held.open();
    assert.deepEqual([(await first).text, (await second).text], ["first", "second"]);
    assert.equal(await drained, 0);
    await clock.advance(1);
    await container.closed;
  });

  it("waits until callers have the results they were promised", async () => {
    const { client, container, clock } = await world(modes({ async: (text) => text }));
    const accepted = await client.send(Modes.method.async, { text: "kept" });
    let settled = false;
    const drained = container.drain(1_000).then(() => {
      settled = true;
    });
    await clock.advance(10);
    assert.equal(settled, false);
    assert.equal((await accepted.result()).text, "kept");
    await drained;
  });

  it("gives back what waits and says how many still ran when the grace ends", async () => {
    const { client, container, clock } = await world(modes({ plain: () => new Promise<Text>(() => {}) }));
    const running = assert.rejects(plain(client, "runs", { ttlMs: 500 }), { code: "unknown" });
    const waiting = assert.rejects(plain(client, "waits", { ttlMs: 500 }), { code: "undeliverable" });
    const drained = container.drain(100);
    await clock.advance(101);
    assert.equal(await drained, 1);
    await waiting;
    await clock.advance(500);
    await running;
  });
});
