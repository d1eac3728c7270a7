// Those who wait for an exchange's outcome: for the value alone, with a span, or with something to be undone.
//
// Objects, not functions: a function is four times as large, and every call has one of them.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type ApplicationError, asError, Fault } from "../base/fault.ts";
import { bodyMessage } from "../messages/body.ts";
import type { Envelope } from "../messages/envelope.ts";
import type { CallSpan } from "../messages/watch.ts";
import type { Waiting } from "./exchange.ts";

/** Of a call for its value alone. */
export class ValueWaiting<O extends DescMessage> implements Waiting {
  readonly #method: { readonly output: O };
  readonly #resolve: (value: MessageShape<O>) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    method: { readonly output: O },
    resolve: (value: MessageShape<O>) => void,
    reject: (error: unknown) => void,
  ) {
    this.#method = method;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  replied(reply: Envelope): void {
    let value: MessageShape<O>;
    try {
      value = valueIn(this.#method, reply);
    } catch (error) {
      return this.#reject(error);
    }
    this.#resolve(value);
  }

  failed(failure: Error): void {
    this.#reject(failure);
  }
}

/** The span ends with the first answer: of a stream with its first items. */
export function watched(span: CallSpan, waiting: Waiting): Waiting {
  return {
    replied(reply, address, tried) {
      span.ended(undefined);
      waiting.replied(reply, address, tried);
    },
    failed(failure) {
      // Exchanges fail with these two alone.
      span.ended(failure as Fault | ApplicationError);
      waiting.failed(failure);
    },
  };
}

/** `end` runs before anybody hears of the outcome. */
export function endedBy(waiting: Waiting, end: () => void): Waiting {
  return {
    replied(reply, address, tried) {
      end();
      waiting.replied(reply, address, tried);
    },
    failed(failure) {
      end();
      waiting.failed(failure);
    },
  };
}

/** Throws the Fault `internal` where there is none of the contract's. */
export function valueIn<O extends DescMessage>(method: { readonly output: O }, reply: Envelope): MessageShape<O> {
  if (reply.value === undefined) {
    throw new Fault("internal", `${reply.from[0] ?? "the container"} answered without a value`);
  }
  try {
    return bodyMessage(reply.value, method.output);
  } catch (error) {
    const answer = `the answer of ${reply.from[0] ?? "the container"} is no ${method.output.typeName}`;
    throw new Fault(
      "internal",
      `${answer}: ${asError(error).message}; compare the contract's versions with 'unum describe'`,
      {
        cause: error,
      },
    );
  }
}
