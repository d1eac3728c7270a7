// Loads the components of a folder. One that cannot be loaded says where and why, and does not keep the others from it.
//
//   folder ──▶ files ──▶ import each, at the same time ──▶ default export made by component()? ──▶ contract not taken?

import { execFile } from "node:child_process";
import { pathToFileURL } from "node:url";
import type { Clock } from "../base/clock.ts";
import { asError } from "../base/fault.ts";
import type { Component } from "../container/component.ts";
import { type ComponentFile, findComponentFiles } from "./component-files.ts";
import { componentIn } from "./component-manifest.ts";
import { type LoadFailure, loadFailure, placeOfText } from "./load-failure.ts";
import { lendOwnPackages } from "./own-packages.ts";

export interface LoadedComponent {
  /** Absolute. */
  readonly file: string;
  readonly component: Component;
}

export interface Loaded {
  /** In the order of their names. */
  readonly components: readonly LoadedComponent[];
  readonly failures: readonly LoadFailure[];
}

/** A file that still waits for something when it is loaded is given up after this time. */
const LOAD_LIMIT_MS = 10_000;

/**
 * Rejects with a Fault where the folder cannot be read or has no component at all.
 * A file is loaded once in a process: after a change, load it in a new one.
 */
export async function loadComponents(
  folder: string,
  { clock, limitMs = LOAD_LIMIT_MS }: { clock: Clock; limitMs?: number },
): Promise<Loaded> {
  const files = await findComponentFiles(folder);
  lendOwnPackages();
  const outcomes = await Promise.all(files.map((file) => load(file, clock, limitMs)));
  const components: LoadedComponent[] = [];
  const failures: LoadFailure[] = [];
  for (const { loaded, failure } of outcomes) {
    const taken = loaded && takenBy(loaded, components);
    if (failure !== undefined) failures.push(failure);
    else if (taken !== undefined) failures.push(taken);
    else components.push(loaded);
  }
  return { components, failures };
}

type Outcome =
  | { readonly loaded: LoadedComponent; readonly failure?: undefined }
  | { readonly loaded?: undefined; readonly failure: LoadFailure };

async function load({ path }: ComponentFile, clock: Clock, limitMs: number): Promise<Outcome> {
  try {
    const exported = await withinLimit(import(pathToFileURL(path).href), clock, limitMs);
    if (exported === LATE) return { failure: late(path, limitMs) };
    const component = componentIn(exported);
    if (component !== undefined) return { loaded: { file: path, component } };
    return { failure: noComponent(path, exported.default) };
  } catch (thrown) {
    const failure = loadFailure(path, thrown);
    const unplaced = failure.place === undefined && asError(thrown).name === "SyntaxError";
    return { failure: unplaced ? { ...failure, place: await syntaxErrorPlace(path) } : failure };
  }
}

const LATE = Symbol("late");

/** What comes too late is nobody's; an import cannot be withdrawn. */
function withinLimit<T>(work: Promise<T>, clock: Clock, limitMs: number): Promise<T | typeof LATE> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limitMs, () => resolve(LATE));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}

function late(path: string, limitMs: number): LoadFailure {
  return {
    component: path,
    place: placeOfText(path, ["await "]),
    message: `still loading after ${limitMs} ms: an 'await' outside of functions, here or in what it imports, has not ended`,
    advice: "wait in the start hook of component(), or inside the function that needs it",
  };
}

function noComponent(path: string, found: unknown): LoadFailure {
  const missing = found === undefined;
  return {
    component: path,
    place: missing ? undefined : placeOfText(path, ["export default"]),
    message: missing ? "has no default export" : `its default export is ${nameOf(found)}, not made by component()`,
    advice:
      "write 'export default component(Contract, { … })'; a file that is no component begins with _ or lies in a sub-folder",
  };
}

function takenBy({ file, component }: LoadedComponent, others: readonly LoadedComponent[]): LoadFailure | undefined {
  const { typeName } = component.contract;
  const other = others.find((candidate) => candidate.component.contract.typeName === typeName);
  if (other === undefined) return undefined;
  return {
    component: file,
    place: placeOfText(file, ["export default"]),
    message: `${typeName} is already implemented by ${other.file}; a container serves one component for a contract`,
    advice: "remove one of them, put it aside with a leading _, or serve it from another folder",
  };
}

/** Node tells the place of a syntax error in JavaScript only where it starts with that file. */
function syntaxErrorPlace(path: string): Promise<LoadFailure["place"]> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--check", path], { timeout: LOAD_LIMIT_MS }, (error, _stdout, stderr) => {
      resolve(error === null ? undefined : loadFailure(path, Object.assign(new Error(), { stack: stderr })).place);
    });
  });
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return `a ${typeof value}`;
  return Array.isArray(value) ? "a list" : "an object";
}
