// What every Transport promises, as tests: run with each implementation, so that a program need not know which it has.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "../../base/clock.ts";
import { ApplicationError, Fault } from "../../base/fault.ts";
import { bodyBytes } from "../../messages/body.ts";
import { cancelOf, type Envelope, envelope, Kind, Mode, refuse, replyTo, Scope } from "../../messages/envelope.ts";
import type { Address, Receive, Transport } from "../../transports/transport.ts";

/** Where one test runs; nothing of it is shared with another test. */
export interface TransportWorld {
  /** The transport of one process. Each call: another process, all with the same clock. */
  transport(): Transport;
  /** An address of the transport's kind at which nobody listens. Each call: another one. */
  address(): Address;
  readonly clock: Clock;
  /** Settles as the promise does, letting time pass where time does not pass by itself; rejects when that takes too long. */
  settled<T>(promise: Promise<T>): Promise<T>;
  /** Ends what `transport` made. */
  close(): Promise<void>;
}

/** What an implementation cannot be asked for. */
export interface TransportKind {
  /** Calls to one address without a reply, after which one more is `overloaded`. Absent: it has no queue of its own. */
  readonly calls?: number;
  /** Whether envelopes have a size that it refuses. */
  readonly refusesTooLarge: boolean;
  /** Whether closing one end loses calls under way: not where both ends are one process. */
  readonly losesCalls: boolean;
  /** How much later than in the sender a deadline may be in the receiver. */
  readonly deadlineErrorMs: number;
}

const LARGE_BYTES = 1024 * 1024;
const TOO_LARGE_BYTES = 17 * 1024 * 1024;

const echo: Receive = async (request) => {
  const reply = replyTo(request);
  reply.value = request.value;
  return reply;
};

let nextId = 1;

function request(clock: Clock, set: Partial<Envelope> = {}): Envelope {
  return envelope({
    kind: Kind.CALL,
    mode: Mode.SYNC,
    id: nextId++,
    from: ["c1"],
    to: "promises.v1.Transport/Case",
    deadline: clock.now() + 60_000,
    ...set,
  });
}

/** A receiver that shows what it gets and answers when the test says so. */
function attentive() {
  const got: Envelope[] = [];
  const replies: ((reply: Envelope) => void)[] = [];
  let wanted = Number.POSITIVE_INFINITY;
  let enough = () => {};
  const receive: Receive = (each) =>
    new Promise((resolve) => {
      got.push(each);
      replies.push(resolve);
      if (each.kind === Kind.CANCEL) resolve(replyTo(each));
      if (got.length >= wanted) enough();
    });
  const received = (count: number) =>
    new Promise<void>((resolve) => {
      wanted = count;
      enough = resolve;
      if (got.length >= count) resolve();
    });
  const answer = (index: number) => {
    const each = got[index];
    if (each !== undefined) replies[index]?.(replyTo(each));
  };
  return { got, receive, received, answer };
}

/** Settles when `reply` does, in either way. */
async function ended(reply: Promise<unknown> | undefined): Promise<void> {
  await reply?.catch(() => {});
}

async function fails(world: TransportWorld, reply: Promise<unknown> | undefined, code: string): Promise<void> {
  assert.ok(reply !== undefined, "the address is of its kind, so it must not fall through");
  const error = await world.settled(
    reply.then(
      () => undefined,
      (thrown: unknown) => thrown,
    ),
  );
  assert.ok(error instanceof Fault, `expected the Fault ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
}

export function transportPromises(name: string, kind: TransportKind, makeWorld: () => Promise<TransportWorld>): void {
  // What a kind does not have, as a queue, it cannot promise anything of.
  const promise = (text: string, run: (world: TransportWorld) => Promise<void>, when = true) =>
    when &&
    it(text, async () => {
      const world = await makeWorld();
      try {
        await run(world);
      } finally {
        await world.settled(world.close());
      }
    });
  const sent = (from: Transport, to: Address, each: Envelope) => {
    const reply = from.send(to, each);
    assert.ok(reply !== undefined);
    return reply;
  };
  const answered = (world: TransportWorld, from: Transport, to: Address, each: Envelope) =>
    world.settled(sent(from, to, each));
  const listening = async (world: TransportWorld, receive: Receive) => {
    const transport = world.transport();
    const at = transport.listen(world.address(), receive);
    assert.ok(at !== undefined);
    const listener = await world.settled(at);
    return { transport, listener, address: listener.address };
  };

  describe(`${name} as a transport`, () => {
    promise("lets an address of another kind fall through", async (world) => {
      const transport = world.transport();
      assert.equal(transport.send("unheard-of://x", request(world.clock)), undefined);
      assert.equal(transport.listen("unheard-of://x", echo), undefined);
      assert.ok(transport.schemes.some((scheme) => world.address().startsWith(`${scheme}:`)));
    });

    promise("brings every field there, and of the reply every field back", async (world) => {
      const full = request(world.clock, {
        mode: Mode.STREAM,
        from: ["c1", "gateway"],
        value: Uint8Array.of(0, 1, 255),
        meta: { user: "ada", "": "empty key", ü: "ü" },
        state: Uint8Array.of(7),
        scope: Scope.NETWORK,
        chain: ["k1:1", "k2:2"],
        hops: 3,
        idempotencyKey: "key",
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        epoch: 9,
        owner: "thumbnails",
        version: "^1.2",
        credit: 5,
      });
      const received: Envelope[] = [];
      const { address } = await listening(world, async (each) => {
        received.push({ ...each });
        const reply = replyTo(each);
        reply.items = [Uint8Array.of(1), Uint8Array.of(2, 3)];
        reply.credit = 11;
        reply.version = "1.2.3";
        reply.from = ["k9"];
        reply.meta = { at: "k9" };
        reply.last = false;
        return reply;
      });
      const reply = await answered(world, world.transport(), address, full);
      const got = received[0];
      assert.ok(got !== undefined);
      const plain = ({ deadline: _, ...rest }: Envelope) => ({ ...rest, meta: { ...rest.meta } });
      assert.deepEqual(plain(got), plain(full));
      assert.equal(reply.kind, Kind.REPLY);
      assert.equal(reply.id, full.id);
      assert.deepEqual(reply.state, full.state);
      assert.deepEqual(reply.items.map(bodyBytes), [Uint8Array.of(1), Uint8Array.of(2, 3)]);
      assert.deepEqual(
        [reply.credit, reply.version, reply.from, { ...reply.meta }, reply.last],
        [11, "1.2.3", ["k9"], { at: "k9" }, false],
      );
    });

    promise("brings failures back as what they are", async (world) => {
      const { address } = await listening(world, async (each) =>
        refuse(
          each,
          each.to === "fault" ? new Fault("overloaded", "full") : new ApplicationError("OutOfPaper", "tray 2"),
        ),
      );
      const from = world.transport();
      const fault = (await answered(world, from, address, request(world.clock, { to: "fault" }))).failure;
      assert.ok(fault instanceof Fault);
      assert.deepEqual([fault.code, fault.message], ["overloaded", "full"]);
      const error = (await answered(world, from, address, request(world.clock))).failure;
      assert.ok(error instanceof ApplicationError);
      assert.deepEqual([error.type, error.message], ["OutOfPaper", "tray 2"]);
    });

    promise("lets a deadline come no later in the receiver than its stated error", async (world) => {
      const deadlines: number[] = [];
      const { address } = await listening(world, (each) => {
        deadlines.push(each.deadline);
        return echo(each);
      });
      const each = request(world.clock, { deadline: world.clock.now() + 1_000 });
      const { deadline } = each;
      await answered(world, world.transport(), address, each);
      const got = deadlines[0] ?? Number.NaN;
      // Earlier by what lay on the way, which on a busy machine may be long.
      assert.ok(got > deadline - 1_000 && got <= deadline + kind.deadlineErrorMs, `${got} instead of ${deadline}`);
    });

    promise("brings requests of one sender to one address in the order they were sent, each once", async (world) => {
      const count = Math.min(2_000, kind.calls ?? 2_000);
      const order: number[] = [];
      const { address } = await listening(world, (each) => {
        order.push(each.id);
        return echo(each);
      });
      const from = world.transport();
      const requests = Array.from({ length: count }, () => request(world.clock));
      await world.settled(Promise.all(requests.map((each) => sent(from, address, each))));
      assert.deepEqual(
        order,
        requests.map(({ id }) => id),
      );
    });

    promise("gives each request its own reply, in whatever order they come", async (world) => {
      const { receive, received, answer } = attentive();
      const { address } = await listening(world, receive);
      const from = world.transport();
      const requests = Array.from({ length: 5 }, () => request(world.clock));
      const replies = requests.map((each) => sent(from, address, each));
      await world.settled(received(5));
      for (const index of [3, 0, 4, 1, 2]) answer(index);
      const ids = (await world.settled(Promise.all(replies))).map(({ id }) => id);
      assert.deepEqual(
        ids,
        requests.map(({ id }) => id),
      );
    });

    promise("keeps apart what two senders send with the same id", async (world) => {
      const { address } = await listening(world, echo);
      const [one, two] = [world.transport(), world.transport()];
      const replies = await world.settled(
        Promise.all([
          sent(one, address, request(world.clock, { id: 1, from: ["c1"], value: Uint8Array.of(1) })),
          sent(two, address, request(world.clock, { id: 1, from: ["c2"], value: Uint8Array.of(2) })),
          sent(one, address, request(world.clock, { id: 1, from: ["c3"], value: Uint8Array.of(3) })),
        ]),
      );
      assert.deepEqual(
        replies.map(({ value }) => value),
        [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)],
      );
    });

    promise("carries a large value unharmed", async (world) => {
      const { address } = await listening(world, echo);
      const value = new Uint8Array(LARGE_BYTES).map((_, i) => (i * 31) >> 3);
      const reply = await answered(world, world.transport(), address, request(world.clock, { value }));
      assert.deepEqual(reply.value, value);
    });

    promise("is undeliverable where nobody listens", async (world) => {
      await fails(world, world.transport().send(world.address(), request(world.clock)), "undeliverable");
    });

    promise("refuses to listen where somebody listens", async (world) => {
      const { address } = await listening(world, echo);
      const second = world.transport().listen(address, echo);
      assert.ok(second !== undefined);
      await assert.rejects(world.settled(second), { name: "Fault" });
    });

    promise("answers what it took, and nothing more, when a listener closes", async (world) => {
      const { receive, received, answer } = attentive();
      const { address, listener } = await listening(world, receive);
      const from = world.transport();
      const taken = sent(from, address, request(world.clock));
      await world.settled(received(1));
      let closed = false;
      const closing = listener.close().then(() => {
        closed = true;
      });
      await fails(world, from.send(address, request(world.clock)), "undeliverable");
      assert.equal(closed, false);
      answer(0);
      await world.settled(taken);
      await world.settled(closing);
    });

    promise("is reached again at an address that was left", async (world) => {
      const first = await listening(world, echo);
      const from = world.transport();
      await answered(world, from, first.address, request(world.clock));
      await world.settled(first.listener.close());
      await world.settled(first.transport.close());
      const again = world.transport().listen(first.address, echo);
      assert.ok(again !== undefined);
      await world.settled(again);
      // The caller's end may not have heard of it yet; a refusal says that nothing was started.
      for (let left = 50; ; left--) {
        const reply = await world.settled(
          (from.send(first.address, request(world.clock)) as Promise<Envelope>).catch((error: unknown) => error),
        );
        if (!(reply instanceof Fault)) break;
        assert.ok(left > 0, reply.message);
      }
    });

    promise("settles a CANCEL at once, and brings it after the request it is about", async (world) => {
      const { receive, received, got } = attentive();
      const { address } = await listening(world, receive);
      const from = world.transport();
      const each = request(world.clock);
      let replied = false;
      const settle = () => {
        replied = true;
      };
      from.send(address, each)?.then(settle, settle);
      await world.settled(received(1));
      await world.settled(ended(from.send(address, cancelOf(each))));
      await world.settled(received(2));
      assert.deepEqual(
        got.map(({ kind, id, from: path }) => [kind, id, path[0]]),
        [
          [Kind.CALL, each.id, "c1"],
          [Kind.CANCEL, each.id, "c1"],
        ],
      );
      assert.equal(replied, false);
    });

    promise("settles a CANCEL also where nobody listens", async (world) => {
      await world.settled(ended(world.transport().send(world.address(), cancelOf(request(world.clock)))));
    });

    promise(
      "tells calls under way that their fate is unknown when their own end closes",
      async (world) => {
        const { receive, received } = attentive();
        const { address } = await listening(world, receive);
        const from = world.transport();
        const reply = from.send(address, request(world.clock));
        reply?.catch(() => {});
        await world.settled(received(1));
        await world.settled(from.close());
        await fails(world, reply, "unknown");
      },
      kind.losesCalls,
    );

    promise(
      "tells calls under way that their fate is unknown when the other end closes",
      async (world) => {
        const { receive, received } = attentive();
        const { address, transport, listener } = await listening(world, receive);
        const reply = world.transport().send(address, request(world.clock));
        reply?.catch(() => {});
        await world.settled(received(1));
        const closed = listener.close();
        await world.settled(transport.close());
        await fails(world, reply, "unknown");
        await world.settled(closed);
      },
      kind.losesCalls,
    );

    promise("sends nothing after it was closed", async (world) => {
      const { address } = await listening(world, echo);
      const from = world.transport();
      await world.settled(from.close());
      await fails(world, from.send(address, request(world.clock)), "undeliverable");
    });

    promise(
      "refuses at once what its queue has no place for, and takes more when there is",
      async (world) => {
        const { receive, received, answer } = attentive();
        const { address } = await listening(world, receive);
        const from = world.transport();
        const first = sent(from, address, request(world.clock));
        await world.settled(received(1));
        const limit = kind.calls ?? 0;
        for (let open = 1; open < limit; open++) from.send(address, request(world.clock))?.catch(() => {});
        await fails(world, from.send(address, request(world.clock)), "overloaded");
        answer(0);
        await world.settled(first);
        const next = from.send(address, request(world.clock));
        next?.catch(() => {});
        await world.settled(received(limit + 1));
      },
      kind.calls !== undefined,
    );

    promise(
      "refuses an envelope that is too large, and goes on with others",
      async (world) => {
        const { address } = await listening(world, echo);
        const from = world.transport();
        const value = new Uint8Array(TOO_LARGE_BYTES);
        await fails(world, from.send(address, request(world.clock, { value })), "invalid");
        await answered(world, from, address, request(world.clock));
      },
      kind.refusesTooLarge,
    );
  });
}
