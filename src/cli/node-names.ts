// Ids of containers and nodes as people read and write them: their first letters, as many as tell them apart.

import { didYouMean } from "../base/nearest.ts";
import { UsageError } from "./usage.ts";

const SHORT = 8;

/** The shortest beginning of each, of 8 letters at least, that no other of them has. */
export function shortNames(ids: readonly string[]): (id: string) => string {
  const all = new Set(ids);
  return (id) => {
    for (let length = SHORT; length < id.length; length++) {
      const start = id.slice(0, length);
      if (![...all].some((other) => other !== id && other.startsWith(start))) return start;
    }
    return id;
  };
}

/** The one that is called so, or begins so; undefined where none does. Throws a UsageError where several do. */
export function namedBy<T>(name: string, things: readonly T[], idOf: (thing: T) => string): T | undefined {
  const exact = things.find((thing) => idOf(thing) === name);
  if (exact !== undefined) return exact;
  const found = things.filter((thing) => name !== "" && idOf(thing).startsWith(name));
  if (found.length > 1) {
    throw new UsageError(
      `'${name}' begins the names of ${found.length}: ${found.map(idOf).join(", ")}; write more of it`,
    );
  }
  return found[0];
}

/** The contracts of `known` that a name stands for: itself, or each that ends in it after a dot. */
export function contractsNamed(name: string, known: Iterable<string>): readonly string[] {
  return [...new Set(known)].filter((contract) => contract === name || contract.endsWith(`.${name}`)).sort();
}

/** `what`: what it is not, as "served by no container". */
export function unknownName(name: string, what: string, known: readonly string[]): UsageError {
  const withoutPackages = known.map((each) => each.slice(each.lastIndexOf(".") + 1));
  const near = didYouMean(name, [...known, ...withoutPackages]);
  const list = known.length === 0 ? "; nothing is" : `; known: ${known.join(", ")}`;
  return new UsageError(`'${name}' is ${what}${near === "" ? list : near}`);
}
