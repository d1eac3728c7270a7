// What a call pays for plugins, by processor time: nothing watched, counted, traced, sealed; caller and container in one process.
//
//   npm run bench -- plugins [--rounds N] [--calls N] [--json]

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { type Client, component, newClient, runContainer, type Seal, sealing, systemEnv } from "../src/index.ts";
import type { CallWatch } from "../src/messages/watch.ts";
import { CallFigures } from "../src/plugins/figures/call-figures.ts";
import metrics from "../src/plugins/metrics.ts";
import { openPlugins } from "../src/plugins/open.ts";
import { openTelemetry } from "../src/plugins/opentelemetry.ts";
import { DirectNetwork } from "../src/transports/direct.ts";
import { Echo } from "./contract/gen/bench/v1/echo_pb.ts";
import { spreadOf } from "./harness/statistics.ts";

const env = systemEnv();
const IN_FLIGHT = 64;
/** Not counted. */
const WARM_ROUNDS = 5;

interface Subject {
  readonly what: string;
  readonly client: Client;
}

async function subject(
  what: string,
  { watch, seal }: { watch?: CallWatch | undefined; seal?: Seal } = {},
): Promise<Subject> {
  const network = new DirectNetwork();
  const transport = () => (seal === undefined ? network.transport() : sealing(network.transport(), seal));
  const echo = component(Echo, { text: (input) => input, bytes: (input) => input });
  const id = what.replace(/\W+/g, "-");
  await runContainer({ env, id, components: [echo], transports: [transport()], listen: [`direct://${id}`], watch });
  return { what, client: newClient({ env, transports: [transport()], to: [`direct://${id}`], watch }) };
}

/** As a container of `unum up --metrics` has it: behind its guard. */
async function guarded(): Promise<CallWatch | undefined> {
  const plugins = await openPlugins([{ file: "metrics", plugin: metrics, settings: {} }], {
    ...{ clock: env.clock, kinds: ["monitoring"], say: () => {}, needed: () => true },
    host: () => ({
      ...{
        where: "container",
        node: "n1",
        container: "k1",
        settings: {},
        clock: env.clock,
        random: env.random,
        log: env.log,
      },
      figures: async () => [],
      serveText: () => Promise.reject(new Error("a container serves no texts")),
    }),
  });
  return plugins.watch;
}

function aes(): Seal {
  const key = randomBytes(32);
  return {
    name: "aes",
    seal(plain, about) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(about));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, about) {
      const cipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12)).setAAD(Buffer.from(about));
      cipher.setAuthTag(sealed.subarray(-16));
      return Buffer.concat([cipher.update(sealed.subarray(12, -16)), cipher.final()]);
    },
  };
}

/** Microseconds of processor time a call. */
async function round({ client }: Subject, calls: number): Promise<number> {
  const bytes = new Uint8Array(100);
  let left = calls;
  const before = process.cpuUsage();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (left-- > 0) await client.call(Echo.method.bytes, { bytes });
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    calls: { type: "string", default: "20000" },
    json: { type: "boolean", default: false },
  },
});
const took = new Map<string, number[]>();

async function measure(subjects: readonly Subject[]): Promise<void> {
  for (const each of subjects) {
    took.set(each.what, []);
    for (let i = 0; i < WARM_ROUNDS; i++) await round(each, Number(values.calls));
  }
  for (let i = 0; i < Number(values.rounds); i++) {
    for (const each of subjects) took.get(each.what)?.push(await round(each, Number(values.calls)));
  }
}

await measure([
  await subject("nothing watched"),
  await subject("counted, without a guard", { watch: new CallFigures(env.clock) }),
  await subject("counted, as --metrics does", { watch: await guarded() }),
  await subject("OpenTelemetry, no SDK registered", { watch: openTelemetry(env).watch }),
  await subject("sealed with AES-256-GCM", { seal: aes() }),
]);
// From here on spans are made, by whoever asked the API before, too; they go nowhere.
new NodeTracerProvider().register();
await measure([
  await subject("nothing watched, an SDK registered"),
  await subject("OpenTelemetry, its SDK without an exporter", { watch: openTelemetry(env).watch }),
]);
const figures = [...took].map(([what, times]) => ({ what, unit: "µs of processor time a call", ...spreadOf(times) }));
if (values.json) console.log(JSON.stringify(figures));
else {
  for (const { what, median, least, most } of figures) {
    console.log(`${what.padEnd(44)} ${median.toFixed(2)} µs (${least.toFixed(2)}–${most.toFixed(2)})`);
  }
}
process.exit(0);
