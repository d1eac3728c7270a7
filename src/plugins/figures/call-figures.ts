// What is counted of calls: how many by their end, how long they took, how long they waited for their turn.
//
// Hot path where metrics are on (bench/plugins.ts): one object a call, and numbers added in place.

import type { Clock } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";
import type { Envelope } from "../../messages/envelope.ts";
import type { CallSpan, CallWatch, Failure, Side } from "../../messages/watch.ts";
import type { Family, Labels } from "./family.ts";
import { Histogram } from "./histogram.ts";

/** Names come from others, and each has memory of its own. */
const MOST_METHODS = 1_000;
const OTHERS = "others/others";

export class CallFigures implements CallWatch {
  readonly #clock: Clock;
  readonly #methods = new Map<string, MethodFigures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(request: Envelope, side: Side): CallSpan | undefined {
    if (side === "caller") return undefined;
    return new Timed(this.#clock, this.#of(request.to));
  }

  families(): readonly Family[] {
    const all = [...this.#methods.values()];
    return [
      {
        name: "unum_calls_total",
        help: "Calls that reached a container, by how they ended: ok, application, or the code of a Fault.",
        type: "counter",
        samples: all.flatMap(({ labels, outcomes }) =>
          [...outcomes].map(([outcome, value]) => ({ labels: { ...labels, outcome }, value })),
        ),
      },
      {
        name: "unum_call_seconds",
        help: "From a call's arrival in a container to its end.",
        type: "histogram",
        samples: all.map(({ labels, took }) => took.sample(labels)),
      },
      {
        name: "unum_call_wait_seconds",
        help: "From a call's arrival in a container to its turn.",
        type: "histogram",
        samples: all.map(({ labels, waited }) => waited.sample(labels)),
      },
    ];
  }

  #of(path: string): MethodFigures {
    const found = this.#methods.get(path);
    if (found !== undefined) return found;
    const name = this.#methods.size < MOST_METHODS ? path : OTHERS;
    const made = this.#methods.get(name) ?? new MethodFigures(name);
    this.#methods.set(name, made);
    return made;
  }
}

class MethodFigures {
  readonly labels: Labels;
  readonly outcomes = new Map<string, number>();
  readonly took = new Histogram();
  readonly waited = new Histogram();

  constructor(path: string) {
    const [contract = "", method = ""] = path.split("/", 2);
    this.labels = { contract, method };
  }
}

class Timed implements CallSpan {
  readonly traceparent = "";
  readonly #clock: Clock;
  readonly #figures: MethodFigures;
  readonly #since: number;

  constructor(clock: Clock, figures: MethodFigures) {
    this.#clock = clock;
    this.#figures = figures;
    this.#since = clock.now();
  }

  started(): void {
    this.#figures.waited.add((this.#clock.now() - this.#since) / 1_000);
  }

  ended(failure: Failure): void {
    const { outcomes, took } = this.#figures;
    const outcome = failure === undefined ? "ok" : failure instanceof Fault ? failure.code : "application";
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    took.add((this.#clock.now() - this.#since) / 1_000);
  }
}
