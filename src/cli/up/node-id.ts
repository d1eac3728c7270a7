// Who a node is: a name in its run folder, the same however often it is started there.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newId, type Random } from "../../base/random.ts";

/** The run folder exists, and its keeper is who asks. */
export function nodeIdOf(run: string, random: Random): string {
  const path = join(run, "node");
  const known = readId(path);
  if (known !== undefined) return known;
  const id = newId(random, "n");
  writeFileSync(path, `${id}\n`, { mode: 0o600 });
  return id;
}

function readId(path: string): string | undefined {
  try {
    return /^(n[a-z2-7]{16})\n$/.exec(readFileSync(path, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}
