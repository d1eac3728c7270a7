// A component whose functions note when they start and end, and may be made slow.

import type { DescMessage, DescMethod, MessageInitShape } from "@bufbuild/protobuf";
import type { Call } from "../container/call.ts";
import type { AnyHandler, Component } from "../container/component.ts";
import { routeOf } from "../messages/contract.ts";
import { Mode } from "../messages/envelope.ts";
import type { Address } from "../transports/transport.ts";
import type { Trace } from "./trace.ts";
import { callNumber, TracedCall, valueDigest } from "./traced-calls.ts";

/** What the functions of a process note, and where. */
export interface Notes {
  readonly trace: Trace;
  readonly process: string;
  /** The world's time. */
  now(): number;
  /** As of Maker. */
  nameOf?(address: Address): string | undefined;
  /** Waits as long as the process is slow now; undefined where it is not. */
  slowness(): Promise<void> | undefined;
}

export function tracedComponent(component: Component, notes: Notes): Component {
  const handlers = new Map<DescMethod, AnyHandler>();
  for (const [method, handler] of component.handlers) handlers.set(method, traced(method, handler, notes));
  return { ...component, handlers };
}

function traced(method: DescMethod, handler: AnyHandler, notes: Notes): AnyHandler {
  const isStream = routeOf(method).mode === Mode.STREAM;
  const contract = method.parent.typeName;
  return (input, call) => {
    const run = new Run(method, notes, callNumber(call.meta), contract);
    const within = run.within(call);
    if (isStream) return run.items(() => handler(input, within));
    try {
      const slow = notes.slowness();
      const result = slow === undefined ? handler(input, within) : slow.then(() => handler(input, within));
      if (!(result instanceof Promise)) return run.ended(result);
      return result.then(
        (value: unknown) => run.ended(value),
        (error: unknown) => run.failed(error),
      );
    } catch (error) {
      return run.failed(error);
    }
  };
}

class Run {
  readonly #method: DescMethod;
  readonly #notes: Notes;
  readonly #call: number;
  readonly #run: number;
  #over = false;

  constructor(method: DescMethod, notes: Notes, call: number, contract: string) {
    this.#method = method;
    this.#notes = notes;
    this.#call = call;
    this.#run = notes.trace.nextRun();
    const { process } = notes;
    notes.trace.add({ kind: "started", at: notes.now(), process, run: this.#run, call, contract });
  }

  within(call: Call): Call {
    return new TracedCall(call, { ...this.#notes, parent: this.#call, parentRun: this.#run });
  }

  ended(value: unknown): unknown {
    this.#end("ok", this.#digestOf(value));
    return value;
  }

  failed(error: unknown): never {
    this.#end("application", 0);
    throw error;
  }

  items(make: () => unknown): AsyncIterable<unknown> {
    const items = this.#noted(make);
    let begun = false;
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          begun = true;
          return items.next();
        },
        return: () => {
          // A generator that was never asked does not run its end.
          if (!begun) this.#end("application", 0);
          return items.return();
        },
      }),
    };
  }

  async *#noted(make: () => unknown): AsyncGenerator<unknown, void> {
    const { trace, now } = this.#notes;
    let code: "ok" | "application" = "application";
    try {
      await this.#notes.slowness();
      // The container calls it for a STREAM only, whose functions answer with these.
      for await (const item of make() as AsyncIterable<unknown>) {
        trace.add({ kind: "made", at: now(), call: this.#call, run: this.#run, value: this.#digestOf(item) });
        yield item;
      }
      code = "ok";
    } finally {
      this.#end(code, 0);
    }
  }

  #end(code: "ok" | "application", value: number): void {
    if (this.#over) return;
    this.#over = true;
    const { trace, process, now } = this.#notes;
    trace.add({ kind: "ended", at: now(), process, run: this.#run, code, value });
  }

  #digestOf(value: unknown): number {
    try {
      // What does not fit is the component's fault, and the container says so.
      return valueDigest(this.#method.output as DescMessage, value as MessageInitShape<DescMessage>);
    } catch {
      return 0;
    }
  }
}
