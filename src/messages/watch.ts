// Who is told of calls: the seam of metrics and traces, at the caller's side and in containers. Where nobody is, it costs one
// comparison a call.

import type { ApplicationError, Fault } from "../base/fault.ts";
import type { Envelope } from "./envelope.ts";

/** What became of a call: undefined where it has a value. */
export type Failure = Fault | ApplicationError | undefined;

/** Who sees it: the one who made it, or the container that works on it. */
export type Side = "caller" | "container";

export interface CallWatch {
  /**
   * A call begins: it was made, or it has reached a container that serves it. To be answered at once, without an exception.
   * Undefined: this one is not watched.
   */
  begin(request: Envelope, side: Side): CallSpan | undefined;
}

/** One call that is watched. Each function is called once at most, in this order. */
export interface CallSpan {
  /** W3C trace context that calls made in it carry on; empty: that of the call itself. */
  readonly traceparent: string;
  /** In a container: its turn has come. */
  started?(): void;
  /** In a container: runs the component's function, so that what it does finds the span that is active. */
  run?<T>(work: () => T): T;
  ended(failure: Failure): void;
}

/** One for several. Undefined where there is none. */
export function watchOf(watches: readonly CallWatch[]): CallWatch | undefined {
  if (watches.length < 2) return watches[0];
  return {
    begin(request, side) {
      const spans = watches.map((watch) => watch.begin(request, side)).filter((span) => span !== undefined);
      return spans.length < 2 ? spans[0] : new Spans(spans);
    },
  };
}

class Spans implements CallSpan {
  readonly traceparent: string;
  readonly #spans: readonly CallSpan[];

  constructor(spans: readonly CallSpan[]) {
    this.#spans = spans;
    this.traceparent = spans.find(({ traceparent }) => traceparent !== "")?.traceparent ?? "";
  }

  started(): void {
    for (const span of this.#spans) span.started?.();
  }

  run<T>(work: () => T): T {
    return this.#spans.reduceRight<() => T>((inner, span) => () => span.run?.(inner) ?? inner(), work)();
  }

  ended(failure: Failure): void {
    for (const span of this.#spans) span.ended(failure);
  }
}
