// Settings that came from a program without a compiler before it: a name that means nothing is refused, and never passed over.

import { didYouMean } from "../base/nearest.ts";
import { Fault } from "./fault.ts";

const MAXIMUM = /^maxim/i;

/** Throws the Fault `invalid` for a name that is none of `known`. Objects of a class are let be: their fields are their own. */
export function refuseUnknown(what: string, given: object, known: readonly string[]): void {
  if (Object.getPrototypeOf(given) !== Object.prototype) return;
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const way = MAXIMUM.test(name)
      ? "; less is better: answer the negative of what shall be as much as possible"
      : didYouMean(name, known);
    throw new Fault("invalid", `${what} knows no '${name}'${way}; it knows ${known.join(", ")}`);
  }
}
