// Problems made from what names them: the one place that loads a user's file.

import { pathToFileURL } from "node:url";
import { asError, Fault } from "../../base/fault.ts";
import { bbobProblem } from "../../islands/bbob/bbob-problem.ts";
import { isProblem, type Problem, problemWith } from "../../islands/problem.ts";
import { lendOwnPackages } from "../../node/own-packages.ts";
import { execEvaluator } from "./evaluators/exec.ts";
import { httpEvaluator } from "./evaluators/http.ts";
import { wasmEvaluator } from "./evaluators/wasm.ts";
import { type ProblemSpec, specName } from "./problem-spec.ts";

export interface LoadOptions {
  /** How long one candidate may take, in ms, where it is evaluated elsewhere. */
  readonly evaluationMs: number;
}

/** Rejects with the Fault `invalid` that names the file and what is wrong with it. */
export async function loadProblem(spec: ProblemSpec, { evaluationMs }: LoadOptions): Promise<Problem> {
  switch (spec.kind) {
    case "file":
      return fromFile(spec.path);
    case "bbob":
      return bbobProblem(spec.number, spec.dimension, spec.instance);
    case "exec": {
      const evaluator = execEvaluator({ ...spec, evaluationMs });
      return problemWith({ ...spec.shape, name: specName(spec) }, evaluator);
    }
    case "http":
      return problemWith({ ...spec.shape, name: spec.url }, httpEvaluator({ ...spec, evaluationMs }));
    case "wasm":
      return problemWith({ ...spec.shape, name: spec.path }, await wasmEvaluator(spec));
    case "served":
      throw new Fault("invalid", `${spec.name} is evaluated by containers of a node, and by nothing else`);
  }
}

/** Where in the file it went wrong; nothing where the error does not say. */
function lineIn(path: string, { stack = "" }: Error): string {
  const at = stack.indexOf(`${pathToFileURL(path).href}:`);
  const line = at < 0 ? undefined : /^file:.*?:(\d+)/.exec(stack.slice(at))?.[1];
  return line === undefined ? "" : `:${line}`;
}

async function fromFile(path: string): Promise<Problem> {
  lendOwnPackages();
  let loaded: { readonly default?: unknown };
  try {
    loaded = await import(pathToFileURL(path).href);
  } catch (thrown) {
    const error = asError(thrown);
    const way = /outside a module/.test(error.message)
      ? `; the package.json above it says "commonjs": name the file .mts, or write "type": "module" there`
      : "";
    throw new Fault("invalid", `${path}${lineIn(path, error)} cannot be loaded: ${error.message}${way}`, {
      cause: error,
    });
  }
  if (isProblem(loaded.default)) return loaded.default;
  throw new Fault("invalid", `${path} has no problem as its default export; write: export default problem({ … })`);
}
