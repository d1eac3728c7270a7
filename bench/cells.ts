// The benchmark of cells: how long one takes to start, and what a call into one costs: TypeScript, a shared library, WebAssembly.
// Real confined children, spoken to as a container does; what lies before the cell (transport, inbox) is measured by `call`.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { GreetRequestSchema } from "../examples/01-one-process/components/greeter/gen/greeter_pb.ts";
import { PixelsSchema, ShrinkingSchema } from "../examples/04-program/components/shrink/gen/shrink_pb.ts";
import { compileAhead } from "../src/cli/process/compile-ahead.ts";
import { CELL_PROGRAM, NATIVE_CELL_PROGRAM, QUICKLY, WASM_CELL_PROGRAM } from "../src/cli/process/governor-start.ts";
import type { Call } from "../src/container/call.ts";
import { Cell } from "../src/container/cell/cell.ts";
import { systemClock } from "../src/system/clock.ts";
import { confinementLayers, startConfined } from "../src/system/confinement.ts";
import { bench, type Given } from "./harness/bench.ts";
import { callFigures } from "./harness/calls.ts";
import { spreadOf } from "./harness/statistics.ts";
import { markdown, number, range } from "./harness/table.ts";

const HELP = `usage: npm run bench -- cells [options]

Start of a confined cell, round trip of one call at a time, and calls a second with 256 under way.

  --quick         fewer of each
  --json          everything that was measured, on standard output
  --help          this text`;

const METHOD = `Each cell is a real confined child (bubblewrap, seccomp, limits, Node's permissions), its modules in the compile cache as on a node
that has started one before. Start: from nothing to "loaded". Calls: bytes in, bytes out, in process with the container's end of the socket.`;

const ROOT = join(import.meta.dirname, "..");
const EXAMPLE = join(ROOT, "examples/04-program");
const COMPONENTS = join(ROOT, "examples/01-one-process/components");
const UNDER_WAY = 256;

interface Kind {
  readonly name: string;
  readonly program: string;
  readonly flags: readonly string[];
  readonly load: object;
  /** Of components. */
  readonly folders: readonly string[];
  readonly limit: "loop" | "call";
  readonly path: string;
  readonly body: Uint8Array;
}

type Row = Awaited<ReturnType<typeof measured>>;

const pixels = new Uint8Array(3 * 16 * 16).fill(7);
const KINDS: readonly Kind[] = [
  {
    ...{ name: "TypeScript", program: CELL_PROGRAM, flags: [], limit: "loop", path: "example.v1.Greeter/Greet" },
    load: { folders: [COMPONENTS] },
    folders: [COMPONENTS],
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
    folders: [],
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
    folders: [],
    body: toBinary(PixelsSchema, create(PixelsSchema, { pixels })),
  },
];

const clock = systemClock();
const call = {
  ...{ from: ["bench"], meta: {}, idempotencyKey: "", traceparent: "", container: "k", msLeft: 60_000 },
  signal: new AbortController().signal,
  // All of a call that a cell is told.
} as unknown as Call;

async function measured(kind: Kind, compiled: string, { starts, calls }: { starts: number; calls: number }) {
  const { program, flags, load, folders, limit, path, body, name } = kind;
  const readable = [...["src", "node_modules", "package.json", "examples"].map((each) => join(ROOT, each))];
  const child = {
    ...{ program, flags: [...QUICKLY, ...flags], readable, granted: [], heapMiB: 256, compiled, say: () => {} },
  };
  await compileAhead(compiled, folders);
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
  const figures = await callFigures(one, { calls, underWay: UNDER_WAY });
  await cell.close();
  return { name, startMs: spreadOf(took), ...figures };
}

function reportOf(rows: readonly Row[]): string {
  const goals = ["goal", "250", "60", "", "100,000"];
  const lines = rows.map(({ name, startMs, roundTripUsP50, roundTripUsP99, callsPerSecond }) => [
    ...[name, range(startMs), number(roundTripUsP50), number(roundTripUsP99), number(callsPerSecond)],
  ]);
  const head = ["cell", "start, ms", "round trip, µs (p50)", "p99", `calls/s, ${UNDER_WAY} under way`];
  return markdown(head, [...lines, goals]);
}

async function rowsOf({ quick }: Given): Promise<readonly Row[]> {
  const missing = confinementLayers().find(({ present }) => !present);
  if (missing !== undefined) throw new Error(`This system cannot confine: ${missing.text}`);
  const compiled = mkdtempSync(join(tmpdir(), "unum-cells-"));
  try {
    const depth = quick ? { starts: 3, calls: 1_000 } : { starts: 20, calls: 20_000 };
    const rows: Row[] = [];
    for (const kind of KINDS) rows.push(await measured(kind, compiled, depth));
    return rows;
  } finally {
    rmSync(compiled, { recursive: true });
  }
}

process.exitCode = await bench({ help: HELP, method: METHOD, measure: rowsOf, report: reportOf });
