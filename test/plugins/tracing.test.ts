// Traces and metrics through a real OpenTelemetry SDK: one trace from the caller through every component on the way.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { context, metrics, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import {
  type Client,
  component,
  newClient,
  type RunningContainer,
  runContainer,
  systemEnv,
  zmtpTransport,
} from "../../src/index.ts";
import { openTelemetry } from "../../src/plugins/opentelemetry.ts";
import { First, Second } from "../gen/unum/test/v1/chain_pb.ts";
import { Modes } from "../gen/unum/test/v1/services_pb.ts";

const env = systemEnv();
const spans = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 });
const meters = new MeterProvider({ readers: [reader] });

describe("tracing", { timeout: 60_000 }, () => {
  let folder: string;
  let client: Client;
  const containers: RunningContainer[] = [];

  before(async () => {
    provider.register();
    metrics.setGlobalMeterProvider(meters);
    const { watch } = openTelemetry(env);
    folder = await mkdtemp(join(tmpdir(), "unum-trace-"));
    const listen = async (
      id: string,
      components: Parameters<typeof runContainer>[0]["components"],
      find: string[] = [],
    ) => {
      const address = `ipc://${folder}/${id}.sock`;
      const transports = [zmtpTransport({ env })];
      containers.push(await runContainer({ env, id, components, find, transports, listen: [address], watch }));
      return address;
    };
    const same = <T>(input: T) => input;
    const modes = component(Modes, {
      ...{ plain: same, async: same, broadcast: same },
      sync: () => {
        throw new RangeError("no such text");
      },
      async *plainStream(input) {
        yield input;
      },
      async *stream(input) {
        yield input;
        yield input;
      },
    });
    const second = await listen("k2", [
      component(Second, {
        go: async (step) => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          trace.getTracer("own").startSpan("work of its own").end();
          return step;
        },
      }),
      modes,
    ]);
    const first = await listen("k1", [component(First, { go: (step, call) => call.of(Second).go(step) })], [second]);
    client = newClient({ env, transports: [zmtpTransport({ env })], to: [first, second], watch });
  });

  after(async () => {
    await client.close();
    await Promise.all(containers.map((each) => each.drain(0)));
    await Promise.all([provider.shutdown(), meters.shutdown()]);
    trace.disable();
    context.disable();
    metrics.disable();
    await rm(folder, { recursive: true, force: true });
  });

  /** Their names and kinds, each under its parent. */
  function tree(all: readonly ReadableSpan[], parent: string | undefined = undefined, depth = 0): string[] {
    const ids = new Set(all.map((span) => span.spanContext().spanId));
    const isUnder = ({ parentSpanContext: above }: ReadableSpan) =>
      parent === undefined ? above === undefined || !ids.has(above.spanId) : above?.spanId === parent;
    return all
      .filter(isUnder)
      .flatMap((span) => [
        `${"  ".repeat(depth)}${span.name} ${SpanKind[span.kind]}`,
        ...tree(all, span.spanContext().spanId, depth + 1),
      ]);
  }

  it("is one trace from the caller through components in two containers, and what they do themselves", async () => {
    spans.reset();
    await client.of(First).go({});
    const all = spans.getFinishedSpans();
    assert.deepEqual(tree(all), [
      "unum.test.v1.First/Go CLIENT",
      "  unum.test.v1.First/Go SERVER",
      "    unum.test.v1.Second/Go CLIENT",
      "      unum.test.v1.Second/Go SERVER",
      "        work of its own INTERNAL",
    ]);
    assert.equal(new Set(all.map((span) => span.spanContext().traceId)).size, 1);
    const server = all.find(({ kind }) => kind === SpanKind.SERVER);
    assert.deepEqual(server?.attributes, {
      "rpc.system": "unum",
      "rpc.service": "unum.test.v1.Second",
      "rpc.method": "Go",
    });
  });

  it("goes on with the trace context that a caller gives, and with the span that is active", async () => {
    spans.reset();
    const traceparent = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`;
    await client.of(Second).go({}, { traceparent });
    for (const span of spans.getFinishedSpans()) assert.equal(span.spanContext().traceId, "ab".repeat(16));
    const [outermost] = spans.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CLIENT);
    assert.equal(outermost?.parentSpanContext?.spanId, "cd".repeat(8));
    spans.reset();
    await trace.getTracer("own").startActiveSpan("a job", async (span) => {
      await client.of(Second).go({});
      span.end();
    });
    assert.equal(tree(spans.getFinishedSpans())[1], "  unum.test.v1.Second/Go CLIENT");
  });

  it("ends each span once, in every mode, as the call ended", async () => {
    spans.reset();
    await client.broadcast(Modes.method.broadcast, { text: "x" });
    await (await client.send(Modes.method.async, { text: "x" })).result();
    await Array.fromAsync(client.stream(Modes.method.stream, { text: "x" }, { credit: 1 }));
    await assert.rejects(client.of(Modes).sync({ text: "x" }), { type: "RangeError" });
    const served = spans.getFinishedSpans().filter(({ kind }) => kind === SpanKind.SERVER);
    assert.deepEqual(
      served.map(({ name, status }) => [name.split("/")[1], status.code]),
      [
        ["Broadcast", SpanStatusCode.UNSET],
        ["Async", SpanStatusCode.UNSET],
        ["Stream", SpanStatusCode.UNSET],
        ["Sync", SpanStatusCode.ERROR],
      ],
    );
    const failed = spans.getFinishedSpans().filter(({ status }) => status.code === SpanStatusCode.ERROR);
    // The first address that the broadcast and the others ask may not serve them: only Sync's two spans tell of the RangeError.
    const errors = failed.filter(({ attributes }) => attributes["error.type"] === "RangeError");
    assert.deepEqual(errors.map(({ kind }) => SpanKind[kind]).sort(), ["CLIENT", "SERVER"]);
  });

  it("measures calls as histograms, by contract, method and error", async () => {
    await reader.forceFlush();
    const points = measured
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics: all }) => all)
      .filter(({ descriptor }) => descriptor.name === "rpc.server.duration")
      .flatMap(({ dataPoints }) => dataPoints.map(({ attributes }) => attributes));
    assert.ok(points.some((point) => point["rpc.method"] === "Sync" && point["error.type"] === "RangeError"));
    assert.ok(
      points.some((point) => point["rpc.service"] === "unum.test.v1.First" && point["error.type"] === undefined),
    );
  });
});
