// Finding the method a call names, and saying what is wrong with the name.

import satisfies from "semver/functions/satisfies.js";
import validRange from "semver/ranges/valid.js";
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import type { ServedMethod } from "./frame.ts";

/** Why `path` is not served: names the nearest that is. */
export function notServed(path: string, methods: ReadonlyMap<string, ServedMethod>): Fault {
  const known = [...methods.keys()];
  const near = nearest(path, known);
  const contract = path.slice(0, path.indexOf("/"));
  const hint =
    near !== undefined
      ? `did you mean ${near}?`
      : known.length === 0
        ? "nothing is served here"
        : `served are ${[...new Set(known.map((other) => other.slice(0, other.indexOf("/"))))].join(", ")}`;
  const what = known.some((other) => other.startsWith(`${contract}/`))
    ? `${contract} has no method`
    : "no component serves";
  return new Fault("not-found", `${what} ${path}; ${hint}`);
}

/** Why the version that runs is not the one asked for; undefined where it is. */
export function wrongVersion(path: string, version: string, range: string): Fault | undefined {
  if (validRange(range) === null) {
    return new Fault("invalid", `'${range}' is no semver range; write it as ^1.2 or >=1.2.0 <2`);
  }
  if (satisfies(version, range, { includePrerelease: true })) return undefined;
  return new Fault("not-found", `${path} runs here in version ${version}, asked for is ${range}`);
}
