// The ways to call, noting every call and its outcome in the trace.
//
// Each call carries its number in its meta, so that what starts somewhere is known for what was called.

import type { DescMessage, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { ApplicationError, Fault } from "../base/fault.ts";
import { DEFAULT_TTL_MS } from "../client/caller.ts";
import type { Calls, Client, Proxies } from "../client/client.ts";
import type { CallOptions, SendOptions, StreamOptions } from "../client/options.ts";
import type { Accepted, Outcome, Reply } from "../client/outcomes.ts";
import type { Call } from "../container/call.ts";
import type { Environment } from "../container/component.ts";
import { routeOf, type StreamMethod, type UnaryMethod } from "../messages/contract.ts";
import { type Meta, Mode } from "../messages/envelope.ts";
import type { Address } from "../transports/transport.ts";
import { digest, type OutcomeCode, type Trace } from "./trace.ts";

const CALL_NUMBER = "simulation-call";
const DEFAULT_CREDIT = 16;
const NO_VALUE = 0;

/** Where calls are made: in which process, and for which call. */
export interface Maker {
  readonly trace: Trace;
  readonly process: string;
  readonly parent: number;
  readonly parentRun: number;
  /** The world's time. */
  now(): number;
  /** Of the container that listens there; undefined where the address says it itself. */
  nameOf?(address: Address): string | undefined;
}

export function callNumber(meta: Meta | undefined): number {
  return Number(meta?.[CALL_NUMBER] ?? 0);
}

export function codeOf(error: unknown): OutcomeCode {
  if (error instanceof Fault) return error.code;
  return error instanceof ApplicationError ? "application" : "internal";
}

/** The container's name in `memory://NAME`, or its id in `ipc:///PATH/ID.sock`. */
export function nameIn(address: Address): string {
  return address.slice(address.lastIndexOf("/") + 1).replace(/\.sock$/, "");
}

export function valueDigest<D extends DescMessage>(schema: D, value: MessageInitShape<D>): number {
  return digest(toBinary(schema, create(schema, value)));
}

export class TracedCalls implements Calls {
  readonly #inner: Calls;
  readonly #maker: Maker;

  constructor(inner: Calls, maker: Maker) {
    this.#inner = inner;
    this.#maker = maker;
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    return (await this.request(method, input, options)).value;
  }

  async request<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<Reply<O>> {
    const call = this.#called(method, options, 0);
    try {
      const reply = await this.#inner.request(method, input, tagged(options, call));
      const stateKept = sameBytes(reply.state, options.state);
      this.#outcome(call, "ok", reply.from[0] ?? "", valueDigest(method.output, reply.value), stateKept);
      return reply;
    } catch (error) {
      this.#outcome(call, codeOf(error), "", NO_VALUE, true);
      throw error;
    }
  }

  async send<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: SendOptions = {},
  ): Promise<Accepted<O>> {
    const call = this.#called(method, options, 0);
    try {
      const accepted = await this.#inner.send(method, input, tagged(options, call));
      this.#outcome(call, "ok", accepted.from[0] ?? "", NO_VALUE, true);
      return { ...accepted, result: () => this.#result(call, method, accepted) };
    } catch (error) {
      this.#outcome(call, codeOf(error), "", NO_VALUE, true);
      throw error;
    }
  }

  async *stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    input: MessageInitShape<I>,
    options: StreamOptions = {},
  ): AsyncGenerator<MessageShape<O>, undefined> {
    const call = this.#called(method, options, options.credit ?? DEFAULT_CREDIT);
    let ended = false;
    try {
      for await (const item of this.#inner.stream(method, input, tagged(options, call))) {
        this.#maker.trace.add({ kind: "read", at: this.#now, call, run: 0, value: valueDigest(method.output, item) });
        yield item;
      }
      ended = true;
      this.#outcome(call, "ok", "", NO_VALUE, true);
    } catch (error) {
      ended = true;
      this.#outcome(call, codeOf(error), "", NO_VALUE, true);
      throw error;
    } finally {
      if (!ended) {
        this.#maker.trace.add({ kind: "withdrawn", at: this.#now, call });
        this.#outcome(call, "cancelled", "", NO_VALUE, true);
      }
    }
  }

  async broadcast<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<Outcome<O>[]> {
    const call = this.#called(method, options, 0);
    try {
      const outcomes = await this.#inner.broadcast(method, input, tagged(options, call));
      for (const each of outcomes) {
        const code = "failure" in each ? codeOf(each.failure) : "ok";
        const value = "failure" in each ? NO_VALUE : valueDigest(method.output, each.value);
        this.#maker.trace.add({
          kind: "part",
          at: this.#now,
          call,
          to: this.#maker.nameOf?.(each.address) ?? nameIn(each.address),
          code,
          value,
        });
      }
      this.#outcome(call, "ok", "", NO_VALUE, true);
      return outcomes;
    } catch (error) {
      this.#outcome(call, codeOf(error), "", NO_VALUE, true);
      throw error;
    }
  }

  of<S extends DescService>(contract: S): Proxies<S> {
    const proxies: Record<string, unknown> = {};
    for (const method of contract.methods) {
      // The descriptor says the kind; its static type is that of any method.
      proxies[method.localName] =
        routeOf(method).mode === Mode.STREAM
          ? (input: MessageInitShape<DescMessage>, options?: StreamOptions) =>
              this.stream(method as StreamMethod, input, options)
          : (input: MessageInitShape<DescMessage>, options?: CallOptions) =>
              this.call(method as UnaryMethod, input, options);
    }
    // Built from the same descriptor that the type is computed from.
    return proxies as Proxies<S>;
  }

  get #now(): number {
    return this.#maker.now();
  }

  #called(method: UnaryMethod | StreamMethod, options: CallOptions, credit: number): number {
    const { trace, process, parent, parentRun } = this.#maker;
    const call = trace.nextCall();
    const { path, mode } = routeOf(method);
    const { ttlMs = DEFAULT_TTL_MS, idempotencyKey: key = "", signal } = options;
    trace.add({ kind: "called", at: this.#now, call, parent, parentRun, process, path, mode, key, ttlMs, credit });
    signal?.addEventListener("abort", () => trace.add({ kind: "withdrawn", at: this.#now, call }), { once: true });
    return call;
  }

  #outcome(call: number, code: OutcomeCode, by: string, value: number, stateKept: boolean): void {
    this.#maker.trace.add({ kind: "outcome", at: this.#now, call, code, by, value, stateKept });
  }

  async #result<O extends DescMessage>(
    call: number,
    method: { readonly output: O },
    accepted: Accepted<O>,
  ): Promise<MessageShape<O>> {
    const note = (code: OutcomeCode, value: number) =>
      this.#maker.trace.add({ kind: "result", at: this.#now, call, to: accepted.from[0] ?? "", code, value });
    try {
      const value = await accepted.result();
      note("ok", valueDigest(method.output, value));
      return value;
    } catch (error) {
      note(codeOf(error), NO_VALUE);
      throw error;
    }
  }
}

export class TracedClient extends TracedCalls implements Client {
  readonly #client: Client;

  constructor(client: Client, maker: Maker) {
    super(client, maker);
    this.#client = client;
  }

  get id(): string {
    return this.#client.id;
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** What a component is told, with its calls noted. */
export class TracedCall extends TracedCalls implements Call {
  readonly #call: Call;

  constructor(call: Call, maker: Maker) {
    super(call, maker);
    this.#call = call;
  }

  get machine(): Call["machine"] {
    return this.#call.machine;
  }
  get store(): Call["store"] {
    return this.#call.store;
  }
  get timer(): Call["timer"] {
    return this.#call.timer;
  }
  get from(): readonly string[] {
    return this.#call.from;
  }
  get meta(): Meta {
    return this.#call.meta;
  }
  get state(): Uint8Array | undefined {
    return this.#call.state;
  }
  get idempotencyKey(): string {
    return this.#call.idempotencyKey;
  }
  get traceparent(): string {
    return this.#call.traceparent;
  }
  get container(): string {
    return this.#call.container;
  }
  get epoch(): number {
    return this.#call.epoch;
  }
  get msLeft(): number {
    return this.#call.msLeft;
  }
  get signal(): AbortSignal {
    return this.#call.signal;
  }
  get environment(): Environment {
    return this.#call.environment;
  }
}

function tagged<T extends CallOptions>(options: T, call: number): T {
  return { ...options, meta: { ...options.meta, [CALL_NUMBER]: String(call) } };
}

function sameBytes(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
