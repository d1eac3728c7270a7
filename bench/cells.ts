// The benchmark of cells: how long one takes to start, and what a call into one costs: TypeScript, a shared library, WebAssembly.
// Real confined children, spoken to as a container does; what lies before the cell (transport, inbox) is measured by `call`.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { GreetRequestSchema } from "../examples/01-one-process/components/greeter/gen/greeter_pb.ts";
import { PixelsSchema, ShrinkingSchema } from "../examples/04-program/components/shrink/gen/shrink_pb.ts";
import { CELL_PROGRAM, NATIVE_CELL_PROGRAM, WASM_CELL_PROGRAM } from "../src/cli/process/governor-start.ts";
import type { Call } from "../src/container/call.ts";
import { Cell } from "../src/container/cell/cell.ts";
import { systemClock } from "../src/system/clock.ts";
import { confinementLayers, startConfined, startPlain } from "../src/system/confinement.ts";
import { thisMachine } from "./harness/machine.ts";

const HELP = `usage: npm run bench -- cells [options]

Start of a confined cell, round trip of one call at a time, and calls a second with 256 under way.

  --quick         fewer of each
  --json          everything that was measured, on standard output
  --help          this text`;

const METHOD = `Each cell is a real confined child (bubblewrap, seccomp, limits, Node's permissions), its modules in the compile cache as on a node
that has started one before. Start: from nothing to "loaded". Calls: bytes in, bytes out, in process with the container's end of the socket.`;

const ROOT = join(import.meta.dirname, "..");
const EXAMPLE = join(ROOT, "examples/04-program");
const UNDER_WAY = 256;

interface Kind {
  readonly name: string;
  readonly program: string;
  readonly flags: readonly string[];
  readonly load: object;
  readonly limit: "loop" | "call";
  readonly path: string;
  readonly body: Uint8Array;
}

interface Row {
  readonly name: string;
  readonly startMsP50: number;
  readonly startMsMost: number;
  readonly roundTripUsP50: number;
  readonly roundTripUsP99: number;
  readonly callsPerSecond: number;
}

const pixels = new Uint8Array(3 * 16 * 16).fill(7);
const KINDS: readonly Kind[] = [
  {
    ...{ name: "TypeScript", program: CELL_PROGRAM, flags: [], limit: "loop", path: "example.v1.Greeter/Greet" },
    load: { folders: [join(ROOT, "examples/01-one-process/components")] },
    body: toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "Ada" })),
  },
  {
    ...{
      name: "library, 16 × 16 to 4 × 4",
      program: NATIVE_CELL_PROGRAM,
      flags: ["--allow-ffi"],
      limit: "call",
      path: "shrink",
    },
    load: { file: join(EXAMPLE, "native/linux-x64/resample.so"), functions: { shrink: "resample_shrink" } },
    body: toBinary(
      ShrinkingSchema,
      create(ShrinkingSchema, { width: 16, height: 16, toWidth: 4, toHeight: 4, pixels }),
    ),
  },
  {
    ...{
      name: "WebAssembly, mean of 16 × 16",
      program: WASM_CELL_PROGRAM,
      flags: ["--allow-wasi"],
      limit: "call",
      path: "of",
    },
    load: { file: join(EXAMPLE, "wasm/accent.wasm"), functions: { of: "accent_of" }, folders: [], pages: 64 },
    body: toBinary(PixelsSchema, create(PixelsSchema, { pixels })),
  },
];

const clock = systemClock();
const call = {
  ...{ from: ["bench"], meta: {}, idempotencyKey: "", traceparent: "", container: "k", msLeft: 60_000 },
  signal: new AbortController().signal,
  // All of a call that a cell is told.
} as unknown as Call;

async function measured(
  kind: Kind,
  compiled: string,
  { starts, calls }: { starts: number; calls: number },
): Promise<Row> {
  const { program, flags, load, limit, path, body, name } = kind;
  const readable = [...["src", "node_modules", "package.json", "examples"].map((each) => join(ROOT, each))];
  const child = { program, flags, readable, granted: [], heapMiB: 256, compiled, say: () => {} };
  const filled = startPlain(child);
  filled.stream.end();
  await filled.ended;
  const newCell = () => new Cell({ clock, start: async () => startConfined(child), load, limit });
  const took: number[] = [];
  for (let round = 0; round < starts; round++) {
    const cell = newCell();
    const since = performance.now();
    const { failures } = (await cell.loaded()).head;
    if (Array.isArray(failures) && failures.length > 0) throw new Error(failures.join("; "));
    took.push(performance.now() - since);
    await cell.close();
  }
  const cell = newCell();
  const one = () => cell.call({ path, body, call, budgetMs: 60_000 });
  for (let round = 0; round < calls / 4; round++) await one();
  const trips: number[] = [];
  for (let round = 0; round < calls; round++) {
    const since = performance.now();
    await one();
    trips.push((performance.now() - since) * 1_000);
  }
  let left = calls * 4;
  const since = performance.now();
  const worker = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, worker));
  const seconds = (performance.now() - since) / 1_000;
  await cell.close();
  return {
    ...{ name, startMsP50: quantile(took, 0.5), startMsMost: Math.max(...took) },
    ...{ roundTripUsP50: quantile(trips, 0.5), roundTripUsP99: quantile(trips, 0.99) },
    callsPerSecond: (calls * 4) / seconds,
  };
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function reportOf(rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const head = ["cell", "start, ms (p50)", "at most", "round trip, µs (p50)", "p99", `calls/s, ${UNDER_WAY} under way`];
  return [
    METHOD,
    "",
    line(head),
    line(head.map(() => "---")),
    ...rows.map((row) =>
      line([
        row.name,
        ...[row.startMsP50, row.startMsMost, row.roundTripUsP50, row.roundTripUsP99].map((value) => value.toFixed(0)),
        Math.round(row.callsPerSecond).toLocaleString("en"),
      ]),
    ),
  ].join("\n");
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const missing = confinementLayers().find(({ present }) => !present);
  if (missing !== undefined) {
    process.stderr.write(`This system cannot confine: ${missing.text}\n`);
    return 1;
  }
  const compiled = mkdtempSync(join(tmpdir(), "unum-cells-"));
  const machine = thisMachine();
  const rows: Row[] = [];
  try {
    const depth = values.quick ? { starts: 3, calls: 1_000 } : { starts: 20, calls: 20_000 };
    for (const kind of KINDS) rows.push(await measured(kind, compiled, depth));
  } finally {
    rmSync(compiled, { recursive: true });
  }
  process.stdout.write(
    `${values.json ? JSON.stringify({ method: METHOD, machine, rows }, null, 2) : reportOf(rows)}\n`,
  );
  return 0;
}

process.exitCode = await main();
