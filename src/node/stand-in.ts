// Lets a copy of a folder stand where the folder was: what its modules import from outside of it is found from there.

import { realpathSync } from "node:fs";
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

const RELATIVE = /^\.{0,2}\//;

/** For the rest of the process's life. Both absolute. */
export function standIn(copy: string, original: string): void {
  const [own, theirs] = [urlOf(realpathSync(copy)), urlOf(original)];
  registerHooks({
    resolve(specifier, context, next) {
      const { parentURL } = context;
      if (parentURL === undefined || !parentURL.startsWith(own)) return next(specifier, context);
      const outside = { ...context, parentURL: theirs + parentURL.slice(own.length) };
      // A package, or a path that leads out of the copy.
      if (!RELATIVE.test(specifier) || !new URL(specifier, parentURL).href.startsWith(own))
        return next(specifier, outside);
      try {
        return next(specifier, context);
      } catch {
        // Not copied, as what lies in node_modules.
        return next(specifier, outside);
      }
    },
  });
}

function urlOf(folder: string): string {
  return `${pathToFileURL(folder).href}/`;
}
