// Deliberate defects, to see that the simulator finds what it is there for. Each is one a real change could bring.

import type { Clock } from "../../src/base/clock.ts";
import { Fault } from "../../src/base/fault.ts";
import { Inbox, type Waiting } from "../../src/container/inbox.ts";
import { type Envelope, Kind, Mode, refuse, replyTo } from "../../src/messages/envelope.ts";
import type { Seams } from "../../src/testing/seams.ts";
import type { Receive, Transport } from "../../src/transports/transport.ts";

export interface PlantedBug {
  readonly name: string;
  readonly text: string;
  /** Numbers of the invariants that may find it. */
  readonly breaks: readonly number[];
  /** Anew for each run: a defect may remember. */
  readonly seams: () => Partial<Seams>;
}

/** A defect in what a container does with what it receives. */
function receiving(
  change: (receive: Receive, request: Envelope, count: number) => Promise<Envelope>,
): () => Partial<Seams> {
  return () => {
    let count = 0;
    return { receiving: (receive) => (request) => change(receive, request, ++count) };
  };
}

/** A defect in a transport's `send`. */
function sends(
  seam: "sending" | "wire",
  change: (
    send: (request: Envelope) => Promise<Envelope> | undefined,
    request: Envelope,
    count: number,
    clock: Clock,
  ) => Promise<Envelope> | undefined,
): () => Partial<Seams> {
  return () => {
    let count = 0;
    return {
      [seam]: (inner: Transport, { clock }: { clock: Clock }): Transport => ({
        schemes: inner.schemes,
        send: (to, request) => change((each) => inner.send(to, each), request, ++count, clock),
        listen: (at, receive) => inner.listen(at, receive),
        close: () => inner.close(),
      }),
    };
  };
}

/** A defect in the inbox. */
function inbox(
  make: new <T extends Waiting>(limit: number, expired: (item: T) => void) => Inbox<T>,
): () => Partial<Seams> {
  return () => ({ container: () => ({ inbox: (limit, expired) => new make(limit, expired) }) });
}

const changed = (envelope: Envelope, change: Partial<Envelope>): Envelope => ({ ...envelope, ...change });

const isCall = ({ kind, mode }: Envelope, of: Mode): boolean => kind === Kind.CALL && mode === of;

class OneMore<T extends Waiting> extends Inbox<T> {
  constructor(limit: number, expired: (item: T) => void) {
    super(limit + 1, expired);
  }
}

class OneLess<T extends Waiting> extends Inbox<T> {
  constructor(limit: number, expired: (item: T) => void) {
    super(limit - 1, expired);
  }
}

class AnyMayStart<T extends Waiting> extends Inbox<T> {
  override take(now: number): T | undefined {
    return super.take(now, () => true);
  }
}

class LastComeFirstServed<T extends Waiting> extends Inbox<T> {
  override take(now: number, mayStart: (item: T) => boolean): T | undefined {
    const all = this.remove(() => true).filter((item) => item.deadline > now);
    const last = all.at(-1);
    const chosen = last !== undefined && mayStart(last) ? last : undefined;
    for (const item of all) if (item !== chosen) this.add(item, now, false);
    return chosen;
  }
}

class StartsTheLate<T extends Waiting> extends Inbox<T> {
  override take(_now: number, mayStart: (item: T) => boolean): T | undefined {
    return super.take(Number.NEGATIVE_INFINITY, mayStart);
  }
}

class MissesATurn<T extends Waiting> extends Inbox<T> {
  #turns = 0;
  override take(now: number, mayStart: (item: T) => boolean): T | undefined {
    return ++this.#turns % 12 === 0 ? undefined : super.take(now, mayStart);
  }
}

class ForgetsWhatItRemoves<T extends Waiting> extends Inbox<T> {
  override remove(drop: (item: T) => boolean): T[] {
    super.remove(drop);
    return [];
  }
}

class FullAndForgotten<T extends Waiting> extends Inbox<T> {
  override add(item: T, now: number, reentrant: boolean): boolean {
    super.add(item, now, reentrant);
    return true;
  }
}

class LateAndForgotten<T extends Waiting> extends Inbox<T> {
  constructor(limit: number) {
    super(limit, () => {});
  }
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "ttl-anew",
    text: "the time to live starts anew in the container",
    breaks: [2],
    seams: receiving((receive, request) => receive(changed(request, { deadline: request.deadline + 300 }))),
  },
  {
    name: "ttl-not-reduced-by-wait",
    text: "what lay on the wire or in a paused process keeps its time to live",
    breaks: [2],
    seams: () => {
      const left = new Map<string, number>();
      const key = ({ from, id }: Envelope) => `${from[0]}/${id}`;
      return {
        sending: (inner, { clock }) => ({
          schemes: inner.schemes,
          send(to, request) {
            left.set(key(request), request.deadline - clock.now());
            return inner.send(to, request);
          },
          listen: (at, receive) => inner.listen(at, receive),
          close: () => inner.close(),
        }),
        receiving:
          (receive, { clock }) =>
          (request) =>
            receive(changed(request, { deadline: clock.now() + (left.get(key(request)) ?? 0) })),
      };
    },
  },
  {
    name: "ttl-grows-when-resent",
    text: "each sending gives the call more time than its caller has",
    breaks: [2],
    seams: sends("sending", (send, request) => send(changed(request, { deadline: request.deadline + 150 }))),
  },
  {
    name: "starts-the-late",
    text: "the inbox does not look at deadlines",
    breaks: [2],
    seams: inbox(StartsTheLate),
  },
  { name: "inbox-one-more", text: "the inbox's limit is one too high", breaks: [6], seams: inbox(OneMore) },
  { name: "inbox-one-less", text: "the inbox's limit is one too low", breaks: [6], seams: inbox(OneLess) },
  { name: "two-at-a-time", text: "what waits may start beside what runs", breaks: [5], seams: inbox(AnyMayStart) },
  { name: "last-come-first-served", text: "the inbox is a stack", breaks: [4], seams: inbox(LastComeFirstServed) },
  {
    name: "missed-wakeup",
    text: "now and then a turn is missed and nobody starts what waits",
    breaks: [1, 14],
    seams: inbox(MissesATurn),
  },
  {
    name: "removed-and-forgotten",
    text: "what is removed from the inbox, by a cancel or at the end of a drain, is not answered",
    breaks: [14],
    seams: inbox(ForgetsWhatItRemoves),
  },
  {
    name: "full-and-forgotten",
    text: "a full inbox drops what comes instead of refusing it",
    breaks: [14],
    seams: inbox(FullAndForgotten),
  },
  {
    name: "late-and-forgotten",
    text: "what waited past its time to live is dropped without a word",
    breaks: [14],
    seams: inbox(LateAndForgotten),
  },
  {
    name: "cancel-by-id-alone",
    text: "a cancel takes effect on every caller's call with that id",
    breaks: [11],
    seams: () => {
      const callers = new Map<number, Set<string>>();
      return {
        receiving: (receive) => (request) => {
          const { id, from } = request;
          const known = callers.get(id) ?? new Set<string>();
          callers.set(id, known);
          if (request.kind === Kind.CALL) known.add(from[0] ?? "");
          if (request.kind === Kind.CANCEL)
            for (const caller of known) void receive(changed(request, { from: [caller] }));
          return receive(request);
        },
      };
    },
  },
  {
    name: "drain-gives-up-at-once",
    text: "draining refuses what already waits instead of letting it end",
    breaks: [15],
    seams: () => ({ grace: () => 0 }),
  },
  {
    name: "concurrency-off-by-one",
    text: "a component gets one call more at a time than it declared",
    breaks: [5],
    seams: () => ({ component: (component) => ({ ...component, concurrency: component.concurrency + 1 }) }),
  },
  {
    name: "all-reentrant",
    text: "every component may be entered while it waits for itself",
    breaks: [5],
    seams: () => ({ component: (component) => ({ ...component, reentrant: true }) }),
  },
  {
    name: "foreign-chains-enter",
    text: "a chain's frames are compared by number alone, so that another container's frame opens this one",
    breaks: [5, 11],
    seams: () => ({
      receiving:
        (receive, { id }) =>
        (request) =>
          receive(
            changed(request, {
              chain: request.chain.map((frame) => `${id}:${frame.slice(frame.lastIndexOf(":") + 1)}`),
            }),
          ),
    }),
  },
  {
    name: "cancel-ignored",
    text: "a cancel is taken and nothing done",
    breaks: [13],
    seams: receiving((receive, request) =>
      request.kind === Kind.CANCEL ? Promise.resolve(replyTo(request)) : receive(request),
    ),
  },
  {
    name: "reply-lost",
    text: "now and then a reply is not sent",
    breaks: [14],
    seams: receiving((receive, request, count) =>
      count % 20 === 0 ? receive(request).then(() => new Promise<Envelope>(() => {})) : receive(request),
    ),
  },
  {
    name: "replies-swapped",
    text: "now and then a call gets the reply of the one before it",
    breaks: [10, 12],
    seams: () => {
      let before: Envelope | undefined;
      let count = 0;
      return {
        receiving: (receive) => async (request) => {
          const reply = await receive(request);
          const other = before;
          if (!isCall(request, Mode.SYNC) || reply.failure !== undefined) return reply;
          before = reply;
          return other !== undefined && ++count % 15 === 0
            ? changed(other, { id: reply.id, state: reply.state })
            : reply;
        },
      };
    },
  },
  {
    name: "ok-without-running",
    text: "an outcome is remembered for a method instead of for a key",
    breaks: [10],
    seams: () => {
      const known = new Map<string, Envelope>();
      let count = 0;
      return {
        receiving: (receive) => async (request) => {
          const again = known.get(request.to);
          if (isCall(request, Mode.SYNC) && again !== undefined && ++count % 10 === 0) {
            return changed(again, { id: request.id, state: request.state });
          }
          const reply = await receive(request);
          if (reply.failure === undefined && isCall(request, Mode.SYNC)) known.set(request.to, reply);
          return reply;
        },
      };
    },
  },
  {
    name: "state-of-another",
    text: "the state that comes back is not the caller's",
    breaks: [10],
    seams: receiving(async (receive, request) => changed(await receive(request), { state: Uint8Array.of(42) })),
  },
  {
    name: "overloaded-after-start",
    text: "a call that ran is reported as overloaded",
    breaks: [9, 7, 6],
    seams: receiving(async (receive, request, count) => {
      const reply = await receive(request);
      const isRun = isCall(request, Mode.SYNC) && reply.failure === undefined;
      return isRun && count % 10 === 0 ? refuse(request, new Fault("overloaded", "planted")) : reply;
    }),
  },
  {
    name: "undeliverable-instead-of-unknown",
    text: "a connection that ended during a call is reported as if nothing had been sent",
    breaks: [7, 9],
    seams: sends("sending", (send, request) =>
      send(request)?.catch((error: unknown) => {
        throw error instanceof Fault && error.code === "unknown" ? new Fault("undeliverable", "planted") : error;
      }),
    ),
  },
  {
    name: "resent-without-key",
    text: "a call whose fate is unknown is sent again although it has no key",
    breaks: [7],
    seams: sends("sending", (send, request) =>
      send(request)?.catch((error: unknown) => {
        if (error instanceof Fault && error.code === "unknown") return send(request) ?? Promise.reject(error);
        throw error;
      }),
    ),
  },
  {
    name: "run-twice",
    text: "now and then a container takes one request for two",
    breaks: [7, 12],
    seams: receiving((receive, request, count) => {
      if (count % 15 === 0) void receive({ ...request });
      return receive(request);
    }),
  },
  {
    name: "brought-twice",
    text: "now and then the wire brings a request twice",
    breaks: [3],
    seams: sends("wire", (send, request, count) => {
      if (count % 15 === 0) send(request)?.catch(() => {});
      return send(request);
    }),
  },
  {
    name: "overtaken-on-the-wire",
    text: "now and then a request is overtaken on its own connection",
    breaks: [3],
    seams: sends("wire", (send, request, count, clock) =>
      count % 10 === 0
        ? new Promise((resolve, reject) => {
            clock.after(1, () => send(request)?.then(resolve, reject));
          })
        : send(request),
    ),
  },
  {
    name: "broadcast-twice",
    text: "a broadcast reaches one container twice",
    breaks: [7],
    seams: sends("sending", (send, request) => {
      if (isCall(request, Mode.BROADCAST)) send(changed(request, { id: request.id + 1_000_000 }))?.catch(() => {});
      return send(request);
    }),
  },
  {
    name: "key-ignored",
    text: "the container does not look at idempotency keys",
    breaks: [8],
    seams: receiving((receive, request) => receive(changed(request, { idempotencyKey: "" }))),
  },
  {
    name: "keys-cut-short",
    text: "two keys with the same beginning are one",
    breaks: [10],
    seams: receiving((receive, request) =>
      receive(changed(request, { idempotencyKey: request.idempotencyKey.slice(0, 3) })),
    ),
  },
  {
    name: "items-reversed",
    text: "the items of one reply are in the wrong order",
    breaks: [12],
    seams: receiving(async (receive, request) => {
      const reply = await receive(request);
      return changed(reply, { items: [...reply.items].reverse() });
    }),
  },
  {
    name: "item-dropped",
    text: "the last item of a full reply is dropped",
    breaks: [12],
    seams: receiving(async (receive, request) => {
      const reply = await receive(request);
      return reply.items.length > 2 ? changed(reply, { items: reply.items.slice(0, -1) }) : reply;
    }),
  },
  {
    name: "beyond-credit",
    text: "a stream gets twice the credit its reader gave",
    breaks: [12],
    seams: receiving((receive, request) =>
      receive(request.mode === Mode.STREAM ? changed(request, { credit: request.credit * 2 }) : request),
    ),
  },
  {
    name: "timers-early",
    text: "timers fire after half their time",
    breaks: [11],
    seams: () => ({
      clock: (clock) => ({
        now: () => clock.now(),
        wallNow: () => clock.wallNow(),
        after: (ms, fire) => clock.after(ms / 2, fire),
        at: (deadline, fire) => clock.after((deadline - clock.now()) / 2, fire),
        soon: (fire) => clock.soon(fire),
      }),
    }),
  },
  {
    name: "timer-lost",
    text: "now and then a long timer never fires",
    breaks: [1, 14],
    seams: () => {
      let count = 0;
      return {
        clock: (clock) => {
          const after: Clock["after"] = (ms, fire) =>
            ms > 50 && ++count % 10 === 0 ? { cancel: () => {} } : clock.after(ms, fire);
          return {
            now: () => clock.now(),
            wallNow: () => clock.wallNow(),
            after,
            at: (deadline, fire) => after(deadline - clock.now(), fire),
            soon: (fire) => clock.soon(fire),
          };
        },
      };
    },
  },
  {
    name: "result-lost",
    text: "now and then the result of an ASYNC call is gone when it is asked for",
    breaks: [11],
    seams: receiving((receive, request, count) =>
      request.kind === Kind.MORE && request.mode === Mode.ASYNC && count % 3 === 0
        ? Promise.resolve(refuse(request, new Fault("unknown", "planted")))
        : receive(request),
    ),
  },
];
