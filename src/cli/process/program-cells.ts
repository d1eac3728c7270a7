// The parts of the program that a container was given, each where it runs: components inline or in a confined cell, a library and a
// WebAssembly module in a cell of its own.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Env } from "../../base/env.ts";
import { asError, Fault } from "../../base/fault.ts";
import { brokerOf } from "../../container/cell/broker.ts";
import { Cell, type CellProcess, type CellSettings } from "../../container/cell/cell.ts";
import { type CellComponents, componentsOf } from "../../container/cell/component-cell.ts";
import { componentOfFunctions } from "../../container/cell/function-cell.ts";
import { isGranted } from "../../container/cell/granted.ts";
import { MANIFEST_NAME, type Part, partsAt, readManifest } from "../../machine/archive/manifest.ts";
import { registryOf } from "../../messages/schema.ts";
import { type ConfinedSettings, confiner, startPlain } from "../../system/confinement.ts";
import { limitThreads } from "../../system/thread-limit.ts";
import { compileAhead } from "./compile-ahead.ts";
import { CELL_PROGRAM, NATIVE_CELL_PROGRAM, QUICKLY, WASM_CELL_PROGRAM } from "./governor-start.ts";
import { LimitedCells } from "./limited-cells.ts";

/** Of a program, as the governor says it. */
export interface Hosting {
  /** Absolute: its files. */
  readonly root: string;
  readonly granted: readonly string[];
  readonly inline: boolean;
  /** Whether this node is a controller: parts may have their place on those alone. */
  readonly controller: boolean;
  /** What the container may use with its cells; 0: no limit of the program's own. */
  readonly memoryBytes: bigint;
  /** Of one processor, in thousandths. */
  readonly cpuPermille: number;
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** What the cell's own code lies in. */
const OWN = ["src", "node_modules", "package.json"].map((name) => `${ROOT}${name}`);
const HEAP_MIB = 256;
/** Of a cell of functions: its own few objects. */
const SMALL_HEAP_MIB = 64;
const PLATFORM = `${process.platform}-${process.arch}`;

/** Loads the components of a folder in this process. */
export type LoadInline = (folder: string) => Promise<CellComponents>;

type FunctionsPart = Exclude<Part, { kind: "component" }>;

export class ProgramCells {
  readonly #env: Env;
  readonly #confine = confiner();
  readonly #cells: Cell[] = [];
  readonly #limited: LimitedCells;

  constructor(env: Env) {
    this.#env = env;
    this.#limited = new LimitedCells(env.clock);
  }

  /** What cannot be loaded is among the failures; the rest is served. */
  async load(hosting: Hosting, inline: LoadInline): Promise<CellComponents> {
    try {
      const manifest = readManifest(await readFile(join(hosting.root, MANIFEST_NAME)));
      const contracts = registryOf(
        fromBinary(FileDescriptorSetSchema, await readFile(join(hosting.root, manifest.contracts))),
      );
      const parts = partsAt(manifest, hosting.controller);
      const { memoryBytes, cpuPermille, inline: isTrusted } = hosting;
      // What would be paused of a trusted program is the container itself: no operator is let say it (program-change.ts).
      this.#limited.limit({ memoryBytes: Number(memoryBytes), cpuPermille: isTrusted ? 0 : cpuPermille });
      // Its own parts it may call without being granted anything.
      const own = manifest.serves.map((contract) => `send=${contract}`);
      const loads = [
        this.#components({ ...hosting, granted: [...hosting.granted, ...own] }, parts, manifest.threads, inline),
      ];
      for (const part of partsForHere(parts)) {
        const contract = contracts.getService(part.contract);
        loads.push(
          contract === undefined
            ? Promise.resolve(failed(part, new Fault("invalid", "its contract is not in the archive")))
            : this.#functions(hosting, part, contract, manifest.version),
        );
      }
      const loaded = await Promise.all(loads);
      if (!hosting.inline) this.#compileAhead(hosting, parts);
      return {
        components: loaded.flatMap(({ components }) => components),
        failures: [...loaded.flatMap(({ failures }) => failures), ...missingHere(parts)],
      };
    } catch (error) {
      return { components: [], failures: [asError(error).message] };
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#cells.map((cell) => cell.close()));
  }

  async #components(
    hosting: Hosting,
    parts: readonly Part[],
    threads: number,
    inline: LoadInline,
  ): Promise<CellComponents> {
    const folders = parts.flatMap((part) => (part.kind === "component" ? [join(hosting.root, part.folder)] : []));
    if (folders.length === 0) return { components: [], failures: [] };
    if (hosting.inline) {
      // This process is the program's alone: what it declares holds here as in a cell.
      limitThreads(threads);
      const loaded = [];
      for (const folder of folders) loaded.push(await inline(folder));
      return {
        components: loaded.flatMap(({ components }) => components),
        failures: loaded.flatMap(({ failures }) => failures),
      };
    }
    const cell = this.#cell(hosting, {
      ...{ program: CELL_PROGRAM, heapMiB: this.#heapMiB, load: { folders, threads } },
      ...{ limit: "loop", answer: brokerOf(hosting.granted) },
      flags: threads > 0 ? ["--allow-worker"] : [],
    });
    try {
      return await componentsOf(cell);
    } catch (error) {
      return { components: [], failures: [asError(error).message] };
    }
  }

  async #functions(
    hosting: Hosting,
    part: FunctionsPart,
    contract: DescService,
    version: string,
  ): Promise<CellComponents> {
    const { functions, timeMs } = part;
    const named = Object.fromEntries(
      Object.entries(functions).map(([method, name]) => [`${contract.typeName}/${method}`, name]),
    );
    const cell =
      part.kind === "native"
        ? this.#cell(hosting, {
            ...{ program: NATIVE_CELL_PROGRAM, flags: ["--allow-ffi"], heapMiB: SMALL_HEAP_MIB, limit: "call" },
            load: { file: join(hosting.root, part.library), functions: named },
          })
        : this.#cell(hosting, {
            ...{ program: WASM_CELL_PROGRAM, heapMiB: SMALL_HEAP_MIB, limit: "call" },
            flags: ["--allow-wasi"],
            load: {
              ...{ file: join(hosting.root, part.module), functions: named, pages: part.memoryPages },
              folders: foldersGranted(hosting),
            },
          });
    try {
      const component = await componentOfFunctions(cell, { contract, version, functions, timeMs });
      return { components: [component], failures: [] };
    } catch (error) {
      return failed(part, error);
    }
  }

  /** As much as its program may use, where an operator said how much. */
  get #heapMiB(): number {
    const { memoryBytes } = this.#limited;
    return memoryBytes === undefined ? HEAP_MIB : Math.ceil(memoryBytes / 2 ** 20);
  }

  /** For the next cells; only now, since these were waited for. */
  #compileAhead({ root }: Hosting, parts: readonly Part[]): void {
    const compiled = process.env["NODE_COMPILE_CACHE"];
    const folders = parts.flatMap((part) => (part.kind === "component" ? [join(root, part.folder)] : []));
    if (compiled !== undefined) void compileAhead(compiled, folders);
  }

  #cell(
    { root, granted, inline }: Hosting,
    {
      load,
      limit,
      answer,
      ...child
    }: Pick<ConfinedSettings, "program" | "heapMiB" | "flags"> & Pick<CellSettings, "load" | "limit" | "answer">,
  ): Cell {
    const { log, clock } = this.#env;
    const mayLog = inline || isGranted("log", "", granted);
    const say = (line: string) => {
      if (mayLog) log.write("info", line);
    };
    const compiled = process.env["NODE_COMPILE_CACHE"];
    const flags = [...QUICKLY, ...(child.flags ?? [])];
    const { memoryBytes } = this.#limited;
    const settings = { ...child, flags, readable: [...OWN, root], granted, memoryBytes, say, compiled };
    const start = async (): Promise<CellProcess> =>
      this.#limited.keep(inline ? startPlain(settings) : await this.#confine(settings));
    const cell = new Cell({ clock, start, load, limit, ...(answer === undefined ? {} : { answer }) });
    this.#cells.push(cell);
    return cell;
  }
}

function partsForHere(parts: readonly Part[]): readonly FunctionsPart[] {
  return parts.flatMap((part) =>
    part.kind === "wasm" || (part.kind === "native" && part.platform === PLATFORM) ? [part] : [],
  );
}

/** Contracts of libraries of which none is for this platform. */
function missingHere(parts: readonly Part[]): readonly string[] {
  const libraries = parts.flatMap((part) => (part.kind === "native" ? [part] : []));
  const contracts = new Set(libraries.map(({ contract }) => contract));
  return [...contracts].flatMap((contract) => {
    const own = libraries.filter((each) => each.contract === contract);
    if (own.some(({ platform }) => platform === PLATFORM)) return [];
    const there = own.map(({ platform }) => platform).join(", ");
    return [`${contract}: no library for ${PLATFORM}; the program has one for ${there}`];
  });
}

function foldersGranted({ granted }: Hosting): readonly string[] {
  return granted.flatMap((each) => (/^fs:(?:read|write)=/.test(each) ? [each.slice(each.indexOf("=") + 1)] : []));
}

function failed(part: FunctionsPart, error: unknown): CellComponents {
  const file = part.kind === "native" ? part.library : part.module;
  return { components: [], failures: [`${part.contract} (${file}): ${asError(error).message}`] };
}
