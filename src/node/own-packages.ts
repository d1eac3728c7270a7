// Lets components anywhere import "unum": they get the Unum that hosts them.
//
// A components folder needs no node_modules of its own for that, and there is never a second copy of Unum in the process,
// whose Faults the first would not know. What generated contracts import is lent where the folder does not bring it.

import { registerHooks } from "node:module";
import { extname } from "node:path";

const LENT = /^@bufbuild\/protobuf(?:\/|$)/;

const index = new URL(`../index${extname(import.meta.url)}`, import.meta.url).href;

let registered = false;

/** For the rest of the process's life: Node keeps what it resolved, so this cannot be taken back. */
export function lendOwnPackages(): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === "unum") return { url: index, shortCircuit: true };
      if (specifier.startsWith("unum/")) return next(specifier, { ...context, parentURL: index });
      if (!LENT.test(specifier)) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        return next(specifier, { ...context, parentURL: index });
      }
    },
  });
}
