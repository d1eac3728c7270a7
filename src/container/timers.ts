// Calls that a program has made later, by its container: `call.timer`.

import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Calls } from "../client/client.ts";
import { routeOf, type UnaryMethod } from "../messages/contract.ts";
import { Timer } from "../messages/gen/unum/machine/v1/timer_pb.ts";

/**
 * For programs that were granted `timer`, else `denied`. The method is one that this container serves. A timer is its container's and ends
 * with it: 1,000 at most, at most 31 days away, and again every 100 ms at most often. A turn that comes while the one before is worked on is left out.
 */
export class Timers {
  readonly #calls: Pick<Calls, "call">;

  constructor(calls: Pick<Calls, "call">) {
    this.#calls = calls;
  }

  /** Answers with the timer's id. */
  after<I extends DescMessage>(ms: number, method: UnaryMethod<I>, input: MessageInitShape<I>): Promise<string> {
    return this.#set(method, input, { afterMs: BigInt(Math.ceil(ms)) });
  }

  /** First after `ms`, then again each time so long after. Answers with the timer's id. */
  every<I extends DescMessage>(ms: number, method: UnaryMethod<I>, input: MessageInitShape<I>): Promise<string> {
    const wait = BigInt(Math.ceil(ms));
    return this.#set(method, input, { afterMs: wait, everyMs: wait });
  }

  /** Whether it was set, and not over. */
  async cancel(timer: string): Promise<boolean> {
    return (await this.#calls.call(Timer.method.cancel, { timer })).wasSet;
  }

  async #set<I extends DescMessage>(
    method: UnaryMethod<I>,
    input: MessageInitShape<I>,
    when: { readonly afterMs: bigint; readonly everyMs?: bigint },
  ): Promise<string> {
    const value = toBinary(method.input, create(method.input, input));
    return (await this.#calls.call(Timer.method.set, { path: routeOf(method).path, value, ...when })).timer;
  }
}
