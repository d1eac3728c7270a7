// What a version says of the change since the one before, and whether that is true.
//
// The first number goes up where the whole is another one, the second where callers written before no longer work, the third where they
// do. That they do or not can be found out (compatible.ts, and for runs of flows src/flows/change.ts); whether a break is a small one or a
// new beginning is the author's to judge. Who follows semver raises the first number for every break, which says enough here too.

import { compareVersions, readVersion } from "./version-order.ts";

/** Said nowhere: what was never given a version. */
const NONE = "0.0.0";

/** Why a version says less than has changed, with the least that would say it; undefined where it says enough. */
export function saysTooLittle(
  before: string,
  after: string,
  { breaks, who }: { readonly breaks: boolean /** Whom it breaks, in words. */; readonly who: string },
): string | undefined {
  if (before === NONE && after === NONE) return undefined;
  const [x, y, z] = readVersion(before).parts;
  const [nowX, nowY] = readVersion(after).parts;
  if (breaks) {
    const says = nowX > x || (nowX === x && nowY > y) || compareVersions(after, before) < 0;
    if (says) return undefined;
    return `version ${after} says that ${who} of ${before} go on, and they do not; it would be ${x}.${y + 1}.0, or ${x + 1}.0.0 where all of it is another`;
  }
  if (compareVersions(after, before) !== 0) return undefined;
  return `version ${after} is the one before, and it is not the same; it would be ${/^\d+$/.test(z) ? `${x}.${y}.${Number(z) + 1}` : `a later one than ${x}.${y}.${z}`}`;
}
