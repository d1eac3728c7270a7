// The verbs of a call in a cell: each asks the container, which does it in the name of the call that the cell works on.

import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Verbs } from "../../client/client.ts";
import type { CallOptions, SendOptions, StreamOptions } from "../../client/options.ts";
import type { Accepted, Outcome, Reply } from "../../client/outcomes.ts";
import { routeOf, type StreamMethod, type UnaryMethod } from "../../messages/contract.ts";
import { schemaOf } from "../../messages/schema.ts";
import type { AskedOptions } from "./asked-options.ts";
import type { Asked, Asking, Told } from "./asking.ts";
import { errorTold } from "./told-error.ts";

type Verb = "call" | "request" | "send" | "broadcast" | "stream";

/** Those that travel: the signal and the state stay here. */
const SENT = [
  ...(["ttlMs", "withinMs", "scope", "prefer", "version", "idempotencyKey", "meta", "traceparent"] as const),
  ...(["credit", "wantResult", "durable"] as const),
] satisfies readonly (keyof AskedOptions)[];
const DEFAULT_CREDIT = 16;

export class GuestCaller implements Verbs {
  readonly #id: number;
  readonly #asking: Asking;

  /** `id`: of the call that is worked on. */
  constructor(id: number, asking: Asking) {
    this.#id = id;
    this.#asking = asking;
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>> {
    const { body } = await this.#ask("call", method, input, options).answer;
    return fromBinary(method.output, body);
  }

  async request<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<Reply<O>> {
    const { head, body } = await this.#ask("request", method, input, options).answer;
    // The container is the trusted side: it says what a reply says.
    const reply = head["reply"] as Omit<Reply<O>, "value" | "state">;
    return { ...reply, value: fromBinary(method.output, body), state: options.state };
  }

  async send<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: SendOptions,
  ): Promise<Accepted<O>> {
    const asked = this.#ask("send", method, input, options);
    const { head } = await asked.answer;
    const result = async () => {
      const told = await this.#asking.ask(this.#id, { verb: "result", of: asked.number }, undefined, options).answer;
      return fromBinary(method.output, told.body);
    };
    // As above.
    return { ...(head["reply"] as Omit<Accepted<O>, "result">), result };
  }

  async broadcast<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<Outcome<O>[]> {
    const outcomes: Outcome<O>[] = [];
    const part = ({ head, body }: Told) => {
      const { address, failure, from } = head;
      const at = String(address);
      if (failure !== undefined) outcomes.push({ address: at, failure: errorTold(failure) });
      else outcomes.push({ address: at, value: fromBinary(method.output, body), from: from as string[] });
    };
    await this.#ask("broadcast", method, input, options, part).answer;
    return outcomes;
  }

  async *stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    input: MessageInitShape<I>,
    options: StreamOptions,
  ): AsyncGenerator<MessageShape<O>, undefined> {
    const items: Uint8Array[] = [];
    let wake = () => {};
    const asked = this.#ask("stream", method, input, options, ({ body }) => {
      items.push(body);
      wake();
    });
    let ended = false;
    const end = asked.answer.finally(() => {
      ended = true;
      wake();
    });
    end.catch(() => {});
    try {
      asked.want(options.credit ?? DEFAULT_CREDIT);
      for (;;) {
        const next = items.shift();
        if (next !== undefined) {
          if (!ended) asked.want(1);
          yield fromBinary(method.output, next);
        } else if (ended) {
          await end; // throws what it ended with
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      if (!ended) asked.drop();
    }
  }

  #ask(
    verb: Verb,
    method: UnaryMethod | StreamMethod,
    input: MessageInitShape<DescMessage>,
    options: SendOptions & StreamOptions,
    part?: (told: Told) => void,
  ): Asked {
    const { path } = routeOf(method);
    const message = toBinary(method.input, create(method.input, input));
    const schema = this.#schemaOf(method);
    const said = Object.fromEntries(
      SENT.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
    );
    const body = schema.length === 0 ? message : Buffer.concat([schema, message]);
    const { signal } = options;
    const asked = this.#asking.ask(this.#id, { verb, path, schema: schema.length, ...said }, body, { part, signal });
    this.#asking.said.add(method.parent.typeName);
    return asked;
  }

  /** Of its contract, the first time. */
  #schemaOf({ parent }: UnaryMethod | StreamMethod): Uint8Array {
    if (this.#asking.said.has(parent.typeName)) return new Uint8Array();
    return toBinary(FileDescriptorSetSchema, schemaOf([parent]));
  }
}
