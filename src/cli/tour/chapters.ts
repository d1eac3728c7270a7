// The chapters of the tour, in the order in which they are shown.

import { didYouMean } from "../../base/nearest.ts";
import { UsageError } from "../usage.ts";
import type { Chapter } from "./chapter.ts";
import { flows } from "./flows/flows.ts";
import { islands } from "./islands/islands.ts";
import { logs } from "./logs/logs.ts";
import { node } from "./node/node.ts";
import { programs } from "./programs/programs.ts";

export const CHAPTERS: readonly Chapter[] = [node, programs, flows, islands, logs];

/** In the tour's order, each once. Without names: all. Throws a UsageError where there is none of that name. */
export function chaptersNamed(names: readonly string[]): readonly Chapter[] {
  const known = CHAPTERS.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`no chapter '${unknown}'${didYouMean(unknown, known) || "; there is"} ${known.join(", ")}`);
  }
  return names.length === 0 ? CHAPTERS : CHAPTERS.filter(({ name }) => names.includes(name));
}
