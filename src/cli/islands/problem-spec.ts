// What names a problem, so that any process can make it: a file, a BBOB function, an executable, a server.

import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { asError } from "../../base/fault.ts";
import type { ProblemSettings } from "../../islands/problem.ts";
import { UsageError } from "../usage.ts";

/** Of problems evaluated elsewhere: all but the function. */
export type Shape = Pick<
  ProblemSettings,
  "dimensions" | "genome" | "lower" | "upper" | "objectives" | "target" | "cache"
>;

export type ProblemSpec =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "bbob"; readonly number: number; readonly dimension: number; readonly instance: number }
  | { readonly kind: "exec"; readonly command: readonly string[]; readonly lines: boolean; readonly shape: Shape }
  | { readonly kind: "http"; readonly url: string; readonly shape: Shape }
  | { readonly kind: "wasm"; readonly path: string; readonly shape: Shape }
  /** A component made by `islandHost` has it; `version` is the component's, once it is known. */
  | { readonly kind: "served"; readonly name: string; readonly version: string };

const BBOB = /^bbob:f(\d+)(?::d(\d+))?(?::i(\d+))?$/;

const NAME = /^[A-Za-z_$][\w$-]*$/;

export function isHostedName(text: string): boolean {
  return NAME.test(text);
}

/** Where containers of a node are asked: they have no files of this computer. */
export async function hostedSpecOf(text: string): Promise<ProblemSpec> {
  if (text.startsWith("bbob:")) return specOf(text);
  if (isHostedName(text)) return { kind: "served", name: text, version: "" };
  throw new UsageError(
    `'${text}' cannot be asked of a node; give bbob:f15:d10, or the name that a component there has it by: export default islandHost(import.meta.url, { NAME: problem })`,
  );
}

/** Of the command's argument; throws a UsageError for what is no problem. */
export async function specOf(text: string): Promise<ProblemSpec> {
  if (text.startsWith("bbob:")) {
    const [, number, dimension = "10", instance = "1"] = BBOB.exec(text) ?? [];
    if (number === undefined) {
      throw new UsageError(`'${text}' is no BBOB function; write bbob:f15:d10 or bbob:f15:d10:i3`);
    }
    return { kind: "bbob", number: Number(number), dimension: Number(dimension), instance: Number(instance) };
  }
  const path = resolve(text);
  const found = await stat(path).catch((error) => asError(error));
  if (found instanceof Error) {
    throw new UsageError(
      `there is no problem file ${path}; give a .ts or .js file, bbob:f15:d10, or with --to the name of a problem that a node hosts`,
    );
  }
  if (!found.isFile()) throw new UsageError(`${path} is no file; give the file whose default export is a problem`);
  return { kind: "file", path };
}

/** For people. */
export function specName(spec: ProblemSpec): string {
  switch (spec.kind) {
    case "file":
      return spec.path;
    case "bbob":
      return `bbob:f${spec.number}:d${spec.dimension}:i${spec.instance}`;
    case "exec":
      return spec.command.join(" ");
    case "http":
      return spec.url;
    case "wasm":
      return spec.path;
    case "served":
      return spec.name;
  }
}

/** The problem's own text, to be kept with a run; undefined where there is none to read. */
export async function sourceOf(spec: ProblemSpec): Promise<string | undefined> {
  return spec.kind === "file" ? readFile(spec.path, "utf8").catch(() => undefined) : undefined;
}
