// Calling, as clients from outside and components inside both do it.

import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import type { Env } from "../base/env.ts";
import { type ApplicationError, asError, Fault } from "../base/fault.ts";
import { newId } from "../base/random.ts";
import type { Demand } from "../capacity/demands.ts";
import type { Ring, TrailEntry } from "../capacity/rings.ts";
import { bodyBytes, bodyMessage } from "../messages/body.ts";
import { bodyOf, routeOf, type StreamMethod, type UnaryMethod } from "../messages/contract.ts";
import { encodeMessage } from "../messages/encode.ts";
import { blank, cancelOf, type Envelope, envelope, Kind, type Meta, Mode, Scope } from "../messages/envelope.ts";
import { Node } from "../messages/gen/unum/control/v1/node_pb.ts";
import { KeptMessageSchema, Outbox } from "../messages/gen/unum/machine/v1/outbox_pb.ts";
import type { CallWatch } from "../messages/watch.ts";
import type { Address, Transport } from "../transports/transport.ts";
import { Exchange, type ExchangeParts, type Granted, type Waiting } from "./exchange.ts";
import type { Finder } from "./finder.ts";
import { type Answer, ItemStream } from "./item-stream.ts";
import { kept } from "./keeping.ts";
import type { CallOptions, Durable, SendOptions, StreamOptions } from "./options.ts";
import type { Accepted, Context, Outcome, Reply } from "./outcomes.ts";
import { endedBy, ValueWaiting, valueIn, watched } from "./waiting.ts";

export interface CallerParts {
  /** For whose one owner all calls are made, and by which epoch. Left out: for whom a call is worked on that makes them. */
  readonly mark?: () => { readonly owner: string; readonly epoch: number } | undefined;
  readonly env: Pick<Env, "clock" | "random">;
  readonly transport: Transport;
  readonly id: string;
  readonly finder: Finder;
  /** Of the node that keeps messages for it. */
  readonly door?: (() => Address | undefined) | undefined;
  /** Told of every call that is made. */
  readonly watch?: CallWatch | undefined;
  /** Calls without an outcome at one time; one more is refused with `overloaded`. */
  readonly limit: number;
}

export const DEFAULT_TTL_MS = 5_000;
/** How long a node may take to bring a message to its disk. */
const KEEP_TTL_MS = 30_000;
const LONGEST_TTL_MS = 2 ** 31;
const DEFAULT_CREDIT = 16;
/** Items in one reply at most; more than any reader can be behind with. */
const CREDIT_LIMIT = 65_536;

const SCOPES = { local: Scope.LOCAL, network: Scope.NETWORK, anywhere: Scope.ANYWHERE } as const;
/** What a node may say of where its capacity came from. */
const RINGS: ReadonlyMap<string, Ring> = new Map([
  ["node", "node"],
  ["spare", "spare"],
  ["new", "new"],
]);
const NO_META: Meta = Object.freeze({});

export class Caller {
  readonly #parts: CallerParts;
  readonly #exchange: ExchangeParts;
  readonly #from: readonly string[];
  #nextId = 1;
  #underWay = 0;

  constructor(parts: CallerParts) {
    this.#parts = parts;
    this.#from = [parts.id];
    this.#exchange = {
      clock: parts.env.clock,
      random: parts.env.random,
      transport: parts.transport,
      finder: parts.finder,
      open: new Map(),
      demand: (demand, request, withinMs) => this.#demand(demand, request, withinMs),
      settled: () => {
        this.#underWay--;
      },
    };
  }

  get id(): string {
    return this.#parts.id;
  }

  close(): Promise<void> {
    return this.#parts.transport.close();
  }

  /** The value alone: the way most calls go, so it makes nothing it need not. */
  call<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions,
    context: Context | undefined,
  ): Promise<MessageShape<O>> {
    // What the executor throws rejects.
    return new Promise((resolve, reject) => {
      const now = this.#parts.env.clock.now();
      const request = this.#requestFor(method, Mode.SYNC, input, options, context, now);
      this.#start(request, options, now, undefined, new ValueWaiting(method, resolve, reject));
    });
  }

  request<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions,
    context: Context | undefined,
  ): Promise<Reply<O>> {
    return new Promise((resolve, reject) => {
      const now = this.#parts.env.clock.now();
      const request = this.#requestFor(method, Mode.SYNC, input, options, context, now);
      const replied = (reply: Envelope, address: Address, tried: readonly TrailEntry[]) =>
        settleWith(resolve, reject, () => ({
          value: valueIn(method, reply),
          from: reply.from,
          address,
          version: reply.version,
          meta: reply.meta ?? NO_META,
          state: reply.state,
          freePlaces: reply.credit,
          tried,
        }));
      this.#start(request, options, now, undefined, { replied, failed: reject });
    });
  }

  async send<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: SendOptions,
    context: Context | undefined,
  ): Promise<Accepted<O>> {
    if (options.durable !== undefined)
      return this.#keep(method, input, { ...options, durable: options.durable }, context);
    const request = this.#requestFor(method, Mode.ASYNC, input, options, context);
    const wanted = options.wantResult ?? true;
    request.credit = wanted ? 1 : 0;
    const { reply, address, tried } = await this.#answer(request, options, undefined);
    const result = async () => {
      if (!wanted) throw new Fault("invalid", `${request.to} was sent with wantResult: false; its result is not kept`);
      const answer = await this.#more(request, address, 1, options, context);
      return valueIn(method, answer.reply);
    };
    return { from: reply.from, address, tried, result };
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    input: MessageInitShape<I>,
    options: StreamOptions,
    context: Context | undefined,
  ): AsyncIterableIterator<MessageShape<O>> {
    const credit = options.credit ?? DEFAULT_CREDIT;
    if (!Number.isInteger(credit) || credit < 1 || credit > CREDIT_LIMIT) {
      throw new Fault("invalid", `credit ${credit} is not a whole number from 1 to ${CREDIT_LIMIT}`);
    }
    const request = this.#requestFor(method, Mode.STREAM, input, options, context);
    if (request.idempotencyKey !== "") {
      throw new Fault("invalid", `${request.to} is a stream; an idempotencyKey is for calls with one answer`);
    }
    return new ItemStream<MessageShape<O>>({
      credit,
      read: (item) => bodyMessage(item, method.output),
      open: (grant) => {
        request.credit = grant;
        return this.#answer(request, options, undefined);
      },
      more: (address, grant) => this.#more(request, address, grant, options, context),
      cancel: (address) => {
        this.#parts.transport.send(address, cancelOf(request))?.catch(() => {});
      },
    });
  }

  /** One envelope to every address of the contract; never rejects for what happens at one of them. */
  async broadcast<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions,
    context: Context | undefined,
  ): Promise<Outcome<O>[]> {
    const request = this.#requestFor(method, Mode.BROADCAST, input, options, context);
    const addresses = this.#parts.finder.all(request);
    // Encoded once, however many receive it; and a body that stays a message has one reader only.
    if (request.value !== undefined) request.value = bodyBytes(request.value);
    return Promise.all(
      addresses.map(async (address): Promise<Outcome<O>> => {
        try {
          const { reply } = await this.#answer({ ...request, id: this.#nextId++ }, options, address);
          return { address, value: valueIn(method, reply), from: reply.from };
        } catch (error) {
          // Exchanges fail with these two alone.
          return { address, failure: error as Fault | ApplicationError };
        }
      }),
    );
  }

  #requestFor(
    method: UnaryMethod | StreamMethod,
    mode: Mode,
    input: MessageInitShape<DescMessage>,
    options: CallOptions,
    context: Context | undefined,
    now = this.#parts.env.clock.now(),
  ): Envelope {
    const route = routeOf(method);
    if (route.mode !== mode) {
      throw new Fault(
        "invalid",
        `${route.path} is ${modeName(route.mode)} by its contract; use ${VERBS[route.mode]} for it`,
      );
    }
    const ttlMs = options.ttlMs ?? DEFAULT_TTL_MS;
    if (!(ttlMs > 0 && ttlMs <= LONGEST_TTL_MS)) {
      throw new Fault("invalid", `ttlMs ${ttlMs} is not between 0 and ${LONGEST_TTL_MS} ms`);
    }
    const request = blank(Kind.CALL, this.#nextId++);
    request.mode = mode;
    request.from = this.#from;
    request.to = route.path;
    request.value = bodyOf(method.input, input);
    request.meta = options.meta;
    request.state = options.state;
    request.deadline = now + ttlMs;
    if (options.scope !== undefined) request.scope = SCOPES[options.scope];
    if (options.idempotencyKey !== undefined) {
      request.idempotencyKey = options.idempotencyKey;
      // May be sent to more than one, and a body that stays a message has one reader only.
      request.value = bodyBytes(request.value);
    }
    if (options.version !== undefined) request.version = options.version;
    const { prefer } = options;
    if (prefer !== undefined) {
      request.prefer = typeof prefer === "string" ? { policy: prefer, key: "" } : { policy: "key", key: prefer.key };
    }
    this.#inherit(request, context);
    if (options.traceparent !== undefined) request.traceparent = options.traceparent;
    return request;
  }

  /** `only`: the one address to ask; undefined: whom the finder names. Throws where the call cannot even begin. */
  #start(request: Envelope, options: CallOptions, now: number, only: Address | undefined, waiting: Waiting): void {
    const { limit, watch } = this.#parts;
    if (this.#underWay >= limit) {
      throw new Fault(
        "overloaded",
        `${this.#underWay} calls of this client are under way, the limit is ${limit}; wait for some to end`,
      );
    }
    if (watch === undefined || request.kind !== Kind.CALL) return this.#begin(request, options, now, only, waiting);
    const span = watch.begin(request, "caller");
    if (span === undefined) return this.#begin(request, options, now, only, waiting);
    if (span.traceparent !== "") request.traceparent = span.traceparent;
    try {
      this.#begin(request, options, now, only, watched(span, waiting));
    } catch (thrown) {
      span.ended(thrown instanceof Fault ? thrown : new Fault("internal", asError(thrown).message));
      throw thrown;
    }
  }

  #begin(request: Envelope, options: CallOptions, now: number, only: Address | undefined, waiting: Waiting): void {
    const { signal, withinMs = 0 } = options;
    if (signal === undefined) {
      this.#underWay++;
      new Exchange(this.#exchange, request, { now, only, withinMs }, waiting);
      return;
    }
    if (signal.aborted) throw cancelled(request, signal);
    const abort = () => exchange.cancel(cancelled(request, signal));
    const stopListening = () => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort, { once: true });
    this.#underWay++;
    const exchange = new Exchange(this.#exchange, request, { now, only, withinMs }, endedBy(waiting, stopListening));
  }

  #answer(request: Envelope, options: CallOptions, only: Address | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const replied = (reply: Envelope, address: Address, tried: readonly TrailEntry[]) =>
        resolve({ reply, address, tried });
      this.#start(request, options, this.#parts.env.clock.now(), only, { replied, failed: reject });
    });
  }

  async #demand({ node, doors, host }: Demand, asking: Envelope, withinMs: number): Promise<Granted> {
    const [door] = doors;
    if (door === undefined) return { addresses: [], ring: undefined, reason: `${node} has told no door` };
    const contract = asking.to.split("/", 1)[0] ?? "";
    const input = { contract, range: asking.version, withinMs: Math.ceil(withinMs), host };
    const request = this.#requestFor(Node.method.demand, Mode.SYNC, input, { ttlMs: withinMs }, undefined);
    const { reply } = await this.#answer(request, {}, door);
    const { addresses, ring, reason } = valueIn(Node.method.demand, reply);
    return { addresses, ring: RINGS.get(ring), reason };
  }

  /** Has a node keep the message; see SendOptions.durable. */
  async #keep<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: SendOptions & { readonly durable: Durable },
    context: Context | undefined,
  ): Promise<Accepted<O>> {
    const { env } = this.#parts;
    const { durable, signal, ttlMs = 0 } = options;
    const { to, value, meta, traceparent } = this.#requestFor(method, Mode.ASYNC, input, options, context);
    const id = options.idempotencyKey ?? newId(env.random, "m");
    const { owner, epoch } = this.mark ?? context ?? NO_MARK;
    const said = { to, meta: { ...meta }, from: [...this.#from], traceparent, id, owner, epoch: BigInt(epoch) };
    const bytes = value === undefined ? new Uint8Array() : bodyBytes(value);
    const message = encodeMessage(KeptMessageSchema, create(KeptMessageSchema, { ...said, value: bytes }));
    const asked = { node: durable.node, supersede: durable.supersede ?? "", to, message, id };
    const ask = (door: Address, leftMs: number, waitMs: number) => {
      const keep = { ...asked, ttlUs: BigInt(Math.ceil(leftMs * 1_000)) };
      const request = this.#requestFor(Outbox.method.keep, Mode.SYNC, keep, { ttlMs: waitMs }, context);
      return this.#answer(request, signal === undefined ? {} : { signal }, door);
    };
    const until = Math.min(env.clock.now() + KEEP_TTL_MS, context?.deadline ?? Number.POSITIVE_INFINITY);
    const door = () => this.#ownDoor();
    const { reply, address, tried } = await kept({ clock: env.clock, id, ttlMs, until, signal, door, ask });
    const { keeper } = valueIn(Outbox.method.keep, reply);
    const result = async () => {
      throw new Fault("invalid", `${to} is kept for node ${durable.node}; a kept message has no result`);
    };
    return { from: [keeper], address, tried, result };
  }

  #ownDoor(): Address {
    const door = this.#parts.door?.();
    if (door !== undefined) return door;
    throw new Fault(
      "invalid",
      `no node keeps messages for ${this.id}; use newNodeClient, or a component under a governor`,
    );
  }

  /** For whose one owner all its calls are made; undefined where for none. */
  get mark(): { readonly owner: string; readonly epoch: number } | undefined {
    return this.#parts.mark?.();
  }

  /** A call of an owner is its own, in whose name ever it is worked on. */
  #inherit(request: Envelope, context: Context | undefined): void {
    if (context !== undefined) inherit(request, context);
    const { mark } = this;
    if (mark === undefined) return;
    request.owner = mark.owner;
    request.epoch = mark.epoch;
  }

  /** What follows of a call that has begun. Where nothing comes, what became of the call is not known. */
  async #more(
    call: Envelope,
    address: Address,
    credit: number,
    options: CallOptions,
    context: Context | undefined,
  ): Promise<Answer> {
    const { id, from, to, mode, deadline, traceparent } = call;
    const request = envelope({ kind: Kind.MORE, id, from, to, mode, deadline, traceparent, credit });
    this.#inherit(request, context);
    try {
      return await this.#answer(request, { ...options, withinMs: 0 }, address);
    } catch (error) {
      if (!(error instanceof Fault) || error.started !== "no") throw error;
      throw new Fault("unknown", `${to} began at ${address} and nothing more is known: ${error.message}`, {
        cause: error,
      });
    }
  }
}

const NO_MARK = { owner: "", epoch: 0 };

/** Ttl and scope only shrink on the way, the chain only grows. */
function inherit(request: Envelope, context: Context): void {
  request.deadline = Math.min(request.deadline, context.deadline);
  // The greater of two scopes is one of them.
  request.scope = Math.max(request.scope, context.scope) as Scope;
  request.chain = context.chain;
  request.owner = context.owner;
  request.epoch = context.epoch;
  request.traceparent = context.traceparent;
}

function settleWith<T>(resolve: (value: T) => void, reject: (error: unknown) => void, make: () => T): void {
  try {
    resolve(make());
  } catch (error) {
    reject(error);
  }
}

const VERBS: Readonly<Record<Mode, string>> = {
  [Mode.UNSPECIFIED]: "call",
  [Mode.SYNC]: "call",
  [Mode.ASYNC]: "send",
  [Mode.STREAM]: "stream",
  [Mode.BROADCAST]: "broadcast",
};

/** As a contract spells it. */
export function modeName(mode: Mode): string {
  return Object.entries(Mode).find(([, value]) => value === mode)?.[0] ?? `mode ${mode}`;
}

function cancelled(request: Envelope, signal: AbortSignal | undefined): Fault {
  return new Fault("cancelled", `${request.to} was withdrawn: ${asError(signal?.reason).message}`, {
    cause: signal?.reason,
  });
}
