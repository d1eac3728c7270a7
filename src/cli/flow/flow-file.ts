// Finds and loads the flows of a folder or a file.

import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { asError, Fault } from "../../base/fault.ts";
import { didYouMean } from "../../base/nearest.ts";
import type { Flow } from "../../flows/index.ts";
import { lendOwnPackages } from "../../node/own-packages.ts";
import { UsageError } from "../usage.ts";

export interface LoadedFlow {
  readonly flow: Flow;
  /** Absolute. */
  readonly file: string;
  /** Where its components are. */
  readonly components: string;
  /** What the file brings to be taken in, where it brings something: `export async function* input()`. */
  readonly input: (() => AsyncIterable<object> | Iterable<object>) | undefined;
}

const NAMES = ["flow.ts", "flow.mts", "flow.js", "flow.mjs"];

/** `name`: which flow, where the file has several. */
export async function loadFlow(place: string, name: string | undefined): Promise<LoadedFlow> {
  const file = fileOf(resolve(place), place);
  lendOwnPackages();
  let exported: Record<string, unknown>;
  try {
    exported = await import(pathToFileURL(file).href);
  } catch (thrown) {
    const error = asError(thrown);
    // What is wrong with a graph is said by the one who declared it.
    if (error instanceof Fault) throw error;
    throw new UsageError(`${file} cannot be loaded: ${error.message}`);
  }
  const flows = Object.values(exported).filter(isFlow);
  const flow = chosen(flows, name, file);
  const folder = join(dirname(file), "components");
  const input = exported["input"];
  return {
    ...{ flow, file, components: existsSync(folder) ? folder : dirname(file) },
    // It is called, and what comes is checked item by item.
    input: typeof input === "function" ? (input as LoadedFlow["input"]) : undefined,
  };
}

function fileOf(path: string, given: string): string {
  if (!existsSync(path)) throw new UsageError(`there is no '${given}'; give the folder or the file of a flow`);
  if (!statSync(path).isDirectory()) return path;
  const found = NAMES.map((name) => join(path, name)).find(existsSync);
  if (found === undefined)
    throw new UsageError(`${given} has no flow.ts; write one with 'export const NAME = flow("NAME", …)'`);
  return found;
}

function isFlow(value: unknown): value is Flow {
  return typeof value === "object" && value !== null && "graph" in value && "shape" in value && "build" in value;
}

function chosen(flows: readonly Flow[], name: string | undefined, file: string): Flow {
  const names = flows.map(({ graph }) => graph.name);
  const found = name === undefined ? flows[0] : flows.find(({ graph }) => graph.name === name);
  if (flows.length === 0) throw new UsageError(`${file} exports no flow; write 'export const NAME = flow("NAME", …)'`);
  if (name === undefined && flows.length > 1) {
    throw new UsageError(`${file} has the flows ${names.join(", ")}; say which with --flow NAME`);
  }
  if (found === undefined) {
    throw new UsageError(`${file} has no flow '${name}'${didYouMean(name ?? "", names)} It has ${names.join(", ")}`);
  }
  return found;
}
