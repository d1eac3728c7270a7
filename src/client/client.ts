// Calling components from a program that is no container.

import type { DescMessage, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Env } from "../base/env.ts";
import { newId } from "../base/random.ts";
import { routeOf, type StreamMethod, type UnaryMethod } from "../messages/contract.ts";
import { Mode } from "../messages/envelope.ts";
import type { CallWatch } from "../messages/watch.ts";
import { stack } from "../transports/stack.ts";
import type { Transport } from "../transports/transport.ts";
import { Caller } from "./caller.ts";
import { finderOf, type Where } from "./finder.ts";
import type { CallOptions, SendOptions, StreamOptions } from "./options.ts";
import type { Accepted, Context, Outcome, Reply } from "./outcomes.ts";

type Proxy<M> = M extends {
  methodKind: "unary";
  input: infer I extends DescMessage;
  output: infer O extends DescMessage;
}
  ? (input: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
  : M extends {
        methodKind: "server_streaming";
        input: infer I extends DescMessage;
        output: infer O extends DescMessage;
      }
    ? (input: MessageInitShape<I>, options?: StreamOptions) => AsyncIterableIterator<MessageShape<O>>
    : never;

/** The SYNC and STREAM methods of a contract as functions. */
export type Proxies<S extends Pick<DescService, "method">> = {
  readonly [K in keyof S["method"]]: Proxy<S["method"][K]>;
};

/** The ways to call. All reject with a Fault or with the component's ApplicationError, and with nothing else. */
export interface Calls {
  /** A SYNC method: its value. */
  call<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;
  /** A SYNC method: its value, and where it ran. */
  request<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<Reply<O>>;
  /** An ASYNC method: settles when the call has its place in an inbox. */
  send<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options?: SendOptions,
  ): Promise<Accepted<O>>;
  /** A STREAM method: pulled as it is read. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    input: MessageInitShape<I>,
    options?: StreamOptions,
  ): AsyncIterableIterator<MessageShape<O>>;
  /** A BROADCAST method: the outcome at every container in scope. */
  broadcast<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<Outcome<O>[]>;
  /** The contract's SYNC and STREAM methods as functions. */
  of<S extends DescService>(contract: S): Proxies<S>;
}

export interface Client extends Calls {
  readonly id: string;
  /** Ends the connections; calls under way reject with `unknown`. */
  close(): Promise<void>;
}

export interface ClientSettings {
  readonly env: Pick<Env, "clock" | "random">;
  /** Tried in this order for each address. Closed with the client. */
  readonly transports: readonly Transport[];
  /** Where to call. */
  readonly to: Where;
  readonly id?: string;
  /** Told of every call that is made, as by `openTelemetry()`. */
  readonly watch?: CallWatch | undefined;
  /** Calls without an outcome at one time. Default 65,536; one more is refused with `overloaded`. */
  readonly limit?: number;
}

export function newClient(settings: ClientSettings): Client {
  const { env, to, watch, limit = 65_536 } = settings;
  const id = settings.id ?? newId(env.random, "c");
  return new OutsideClient(
    new Caller({ env, transport: stack(settings.transports), id, finder: finderOf(to), watch, limit }),
  );
}

/** What the public verbs are done by. */
export type Verbs = Pick<Caller, "call" | "request" | "send" | "broadcast" | "stream">;

/** The public verbs over a caller. Without a constructor: every call in a container makes one, and a call of `super` costs more than it does. */
export abstract class BoundCalls implements Calls {
  protected abstract get caller(): Verbs;

  /** The call being worked on while these are made. */
  protected get context(): Context | undefined {
    return undefined;
  }

  call<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    return this.caller.call(method, input, options, this.context);
  }

  request<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<Reply<O>> {
    return this.caller.request(method, input, options, this.context);
  }

  send<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: SendOptions = {},
  ): Promise<Accepted<O>> {
    return this.caller.send(method, input, options, this.context);
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    input: MessageInitShape<I>,
    options: StreamOptions = {},
  ): AsyncIterableIterator<MessageShape<O>> {
    return this.caller.stream(method, input, options, this.context);
  }

  broadcast<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<Outcome<O>[]> {
    return this.caller.broadcast(method, input, options, this.context);
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
}

class OutsideClient extends BoundCalls implements Client {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    super();
    this.#caller = caller;
  }

  protected override get caller(): Caller {
    return this.#caller;
  }

  get id(): string {
    return this.#caller.id;
  }

  close(): Promise<void> {
    return this.#caller.close();
  }
}
