// Calls as OpenTelemetry's spans and histograms, by its API alone: what becomes of them decides the SDK that a plugin registers.
// Where none is registered, only the trace context travels.
//
//   caller's span ──traceparent──▶ container's span ──active──▶ what the function does; its own calls' spans ──▶ …

import {
  type Attributes,
  type Context,
  context,
  type Histogram,
  isSpanContextValid,
  metrics,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { Envelope } from "../messages/envelope.ts";
import type { CallSpan, CallWatch, Failure, Side } from "../messages/watch.ts";
import type { Monitoring } from "./monitoring.ts";

/** For `open` of a monitoring plugin, and for `watch` of a client. Register the SDK first. */
export function openTelemetry({ clock }: { readonly clock: Clock }): Monitoring & { readonly watch: CallWatch } {
  const tracer = trace.getTracer("unum");
  const meter = metrics.getMeter("unum");
  const took = (side: string) =>
    meter.createHistogram(`rpc.${side}.duration`, { unit: "s", description: `Duration of calls, at the ${side}.` });
  const histograms = { caller: took("client"), container: took("server") };
  return {
    watch: {
      begin(request, side) {
        if (request.to.startsWith("unum.control.")) return undefined;
        return new Traced(tracer, histograms[side], clock, request, side);
      },
    },
  };
}

const KINDS = { caller: SpanKind.CLIENT, container: SpanKind.SERVER } as const;

class Traced implements CallSpan {
  readonly traceparent: string;
  readonly #span: Span;
  readonly #context: Context;
  readonly #histogram: Histogram;
  readonly #clock: Clock;
  readonly #since: number;
  readonly #attributes: Attributes;

  constructor(tracer: Tracer, histogram: Histogram, clock: Clock, request: Envelope, side: Side) {
    const [service = "", method = ""] = request.to.split("/", 2);
    this.#attributes = { "rpc.system": "unum", "rpc.service": service, "rpc.method": method };
    const parent = parentOf(request, side);
    this.#span = tracer.startSpan(request.to, { kind: KINDS[side], attributes: this.#attributes }, parent);
    this.#context = trace.setSpan(parent, this.#span);
    this.#histogram = histogram;
    this.#clock = clock;
    this.#since = clock.now();
    this.traceparent = traceparentOf(this.#span);
  }

  started(): void {
    this.#span.addEvent("its turn came");
  }

  run<T>(work: () => T): T {
    return context.with(this.#context, work);
  }

  ended(failure: Failure): void {
    const ends = failure === undefined ? {} : { "error.type": failure instanceof Fault ? failure.code : failure.type };
    if (failure !== undefined) {
      this.#span.setAttributes(ends);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
    }
    this.#span.end();
    this.#histogram.record((this.#clock.now() - this.#since) / 1_000, { ...this.#attributes, ...ends });
  }
}

/** What the call is part of: what the caller does right now, or what the envelope says. */
function parentOf({ traceparent }: Envelope, side: Side): Context {
  const told = spanContextIn(traceparent);
  const active = trace.getSpanContext(context.active());
  const isOwn = side === "caller" && active !== undefined && isSpanContextValid(active);
  if (isOwn && (told === undefined || told.traceId === active.traceId)) return context.active();
  return told === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, told);
}

/** W3C trace context, level 1: version, trace, span, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

function spanContextIn(traceparent: string) {
  const [, traceId = "", spanId = "", flags = ""] = TRACEPARENT.exec(traceparent) ?? [];
  const found = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(found) ? found : undefined;
}

function traceparentOf(span: Span): string {
  const found = span.spanContext();
  if (!isSpanContextValid(found)) return "";
  return `00-${found.traceId}-${found.spanId}-${(found.traceFlags & 0xff).toString(16).padStart(2, "0")}`;
}
