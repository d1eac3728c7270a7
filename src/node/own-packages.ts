// Lets components anywhere import "unum": they get the Unum that hosts them.
//
// A components folder needs no node_modules of its own for that, and there is never a second copy of Unum in the process,
// whose Faults the first would not know. What generated contracts import is lent where the folder does not bring it.

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import * as forComponents from "./for-components.ts";

const LENT = /^@bufbuild\/protobuf(?:\/|$)/;

const ending = extname(import.meta.url);
const whole = new URL(`../index${ending}`, import.meta.url).href;
const part = new URL(`./for-components${ending}`, import.meta.url).href;

const NAMED = /["']unum["']/g;
const IMPORTED = /\bimport\s+(type\s*)?\{([^}]*)\}\s*from\s*["']unum["']/g;

let registered = false;

/** For the rest of the process's life: Node keeps what it resolved, so this cannot be taken back. */
export function lendOwnPackages(): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === "unum") return { url: isEnough(context.parentURL) ? part : whole, shortCircuit: true };
      if (specifier.startsWith("unum/")) return next(specifier, { ...context, parentURL: whole });
      if (!LENT.test(specifier)) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        return next(specifier, { ...context, parentURL: whole });
      }
    },
  });
}

/** Whether all that a file takes of "unum" is among what components take; where that cannot be seen, it is not. */
function isEnough(file: string | undefined): boolean {
  if (file === undefined || !file.startsWith("file:")) return false;
  const source = textOf(file);
  const imports = [...source.matchAll(IMPORTED)];
  return (
    imports.length > 0 &&
    imports.length === [...source.matchAll(NAMED)].length &&
    imports.every(([, typesOnly, names = ""]) => typesOnly !== undefined || names.split(",").every(isOfComponents))
  );
}

/** One name of a list of imports, as `component`, `type Call` or `Fault as UnumFault`. */
function isOfComponents(name: string): boolean {
  const [first = "", second] = name.trim().split(/\s+/);
  return first === "" || (first === "type" && second !== undefined) || Object.hasOwn(forComponents, first);
}

function textOf(file: string): string {
  try {
    return readFileSync(fileURLToPath(file), "utf8");
  } catch {
    return ""; // whoever imports it is told
  }
}
