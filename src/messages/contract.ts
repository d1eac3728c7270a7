// A contract's methods as callers and containers name them.

import { type DescMessage, type DescMethod, isMessage, type MessageInitShape } from "@bufbuild/protobuf";
import type { Unencoded } from "./body.ts";
import { copyInit, copyMessage } from "./copy.ts";
import type { Mode } from "./envelope.ts";
import { modeOf } from "./mode.ts";

/** A method with one answer: its mode is SYNC, ASYNC or BROADCAST. */
export type UnaryMethod<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> = DescMethod & {
  methodKind: "unary";
  input: I;
  output: O;
};

/** A method whose mode is STREAM. */
export type StreamMethod<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> = DescMethod & {
  methodKind: "server_streaming";
  input: I;
  output: O;
};

export interface Route {
  /** package.Contract/Method: what an envelope's `to` holds. */
  readonly path: string;
  readonly mode: Mode;
}

// A descriptor never changes, so what follows from it may be kept with it; nothing else can see the table.
const routes = new WeakMap<DescMethod, Route>();

/** Throws the Fault `invalid` where the contract's mode contradicts its shape. */
export function routeOf(method: DescMethod): Route {
  let route = routes.get(method);
  if (route === undefined) {
    route = { path: `${method.parent.typeName}/${method.name}`, mode: modeOf(method) };
    routes.set(method, route);
  }
  return route;
}

/** A message of its own for the receiver, whatever the sender does with `from` afterwards. Throws where it does not fit. */
export function bodyOf(schema: DescMessage, from: MessageInitShape<DescMessage>): Unencoded {
  // A message of another schema is refused there; as a mere shape its fields would be passed over without a word.
  return { schema, message: isMessage(from) ? copyMessage(schema, from) : copyInit(schema, from) };
}
