// The order of versions: semver, and the seed's X.Y.Z whose Z may be letters or digits, by one function.
//
//   1.2.0 < 1.2.9 < 1.2.10 < 1.2.a < 1.2.z < 1.3.0        2.0.0-rc.1 < 2.0.0
//
// Semver's order is kept wherever both texts are semver. A Z that is not a number sorts after every number, as its
// characters do in ASCII.

import { compare, valid } from "semver";
import { Fault } from "../base/fault.ts";

const LETTERED = /^(\d{1,15})\.(\d{1,15})(?:\.([a-z0-9]{1,15}))?$/;

interface Version {
  readonly text: string;
  readonly semver: string | undefined;
  readonly parts: readonly [number, number, string];
}

/** Throws the Fault `invalid` where the text is of neither scheme. */
export function readVersion(text: string): Version {
  // A third that is left out is 0.
  const semver = valid(/^\d+\.\d+$/.test(text) ? `${text}.0` : text) ?? undefined;
  const [, major, minor, last = "0"] = LETTERED.exec(text) ?? [];
  if (major !== undefined) return { text, semver, parts: [Number(major), Number(minor), last] };
  if (semver === undefined) {
    throw new Fault("invalid", `'${text}' is no version; write it as 1.2.3, 1.2.3-rc.1 or 1.2.b`);
  }
  const [core = ""] = semver.split("-");
  const [x = "0", y = "0", z = "0"] = core.split(".");
  return { text, semver, parts: [Number(x), Number(y), z] };
}

/** Less than 0: `a` is older. 0: neither is. */
export function compareVersions(a: string, b: string): number {
  const [one, two] = [readVersion(a), readVersion(b)];
  if (one.semver !== undefined && two.semver !== undefined) return compare(one.semver, two.semver);
  const [x1, y1, z1] = one.parts;
  const [x2, y2, z2] = two.parts;
  return x1 - x2 || y1 - y2 || compareLast(z1, z2);
}

function compareLast(a: string, b: string): number {
  const numbers = [a, b].map((text) => /^\d+$/.test(text));
  if (numbers[0] && numbers[1]) return Number(a) - Number(b);
  if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
