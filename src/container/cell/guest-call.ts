// What a component's function in a cell is told about the call it works on, and its way to others: through its container.

import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Fault } from "../../base/fault.ts";
import type { CallOptions, SendOptions } from "../../client/options.ts";
import { schemaOf } from "../../messages/schema.ts";
import type { Call } from "../call.ts";
import type { Asking } from "./asking.ts";
import type { CellFrame } from "./frames.ts";

export interface GuestCallParts {
  readonly id: number;
  /** Of the call's frame. */
  readonly head: CellFrame["head"];
  readonly environment: Map<string, unknown>;
  readonly signal: AbortSignal;
  readonly asking: Asking;
  readonly now: () => number;
}

type Unary<I extends DescMessage, O extends DescMessage> = DescMethod & { input: I; output: O };

export function guestCall({ id, head, environment, signal, asking, now }: GuestCallParts): Call {
  const deadline = now() + Number(head["msLeft"]);
  const call = async <I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    input: MessageInitShape<I>,
    { ttlMs, withinMs }: CallOptions = {},
  ) => {
    const schema = toBinary(FileDescriptorSetSchema, schemaOf([method.parent]));
    const body = Buffer.concat([schema, toBinary(method.input, create(method.input, input))]);
    const path = `${method.parent.typeName}/${method.name}`;
    return fromBinary(method.output, await asking.ask(id, { path, schema: schema.length, ttlMs, withinMs }, body));
  };
  const send = async <I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    input: MessageInitShape<I>,
    { ttlMs, durable, idempotencyKey }: SendOptions = {},
  ) => {
    if (durable === undefined)
      throw new Fault("denied", "'send' is offered in a confined cell for durable messages alone");
    const schema = toBinary(FileDescriptorSetSchema, schemaOf([method.parent]));
    const body = Buffer.concat([schema, toBinary(method.input, create(method.input, input))]);
    const path = `${method.parent.typeName}/${method.name}`;
    await asking.ask(id, { path, schema: schema.length, ttlMs, durable, key: idempotencyKey }, body);
    return { result: () => Promise.reject(new Fault("invalid", "a kept message has no result")) };
  };
  const notHere = (what: string) => () => {
    throw new Fault("denied", `'${what}' is not offered in a confined cell; 'call', 'of' and a durable 'send' are`);
  };
  const of = (contract: DescService) =>
    Object.fromEntries(
      contract.methods.map((method) => [
        method.localName,
        method.methodKind === "unary"
          ? (input: MessageInitShape<DescMessage>, options?: CallOptions) => call(method, input, options)
          : notHere("stream"),
      ]),
    );
  const { from, meta, idempotencyKey, traceparent, container } = head;
  // What the container says of the call is of these types: it is the trusted side.
  return {
    ...{ from, meta, idempotencyKey, traceparent, container, environment, signal, state: undefined },
    get msLeft() {
      return Math.max(0, deadline - now());
    },
    ...{ call, of, send },
    ...{
      request: notHere("request"),
      stream: notHere("stream"),
      broadcast: notHere("broadcast"),
    },
  } as unknown as Call;
}
