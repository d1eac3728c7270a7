// What the chapter of the node found, in figures.

import type { Choice } from "./choose-files.ts";
import type { Difference } from "./compare.ts";
import { type Answered, isUnreadable } from "./spread.ts";
import type { Troubles } from "./troubles.ts";

export interface NodeReport extends Counts, Costs {
  readonly files: number;
  readonly bytes: number;
  readonly left: Choice["left"];
  readonly spreadMs: number;
  readonly plainMs: number;
  readonly differences: readonly Difference[];
  /** Whether the node ended as it should when all was done. */
  readonly drained: boolean;
}

export interface Counts {
  /** More than files where it took rounds. */
  readonly calls: number;
  /** Files with an answer; those that nobody can read. */
  readonly answered: number;
  readonly unreadable: number;
  /** Calls without an answer, and not because nobody can read the file. */
  readonly failed: number;
  readonly retries: number;
}

export function countsOf(all: readonly Answered[]): Counts {
  const paths = (some: readonly Answered[]) => new Set(some.map(({ file }) => file.path)).size;
  const unreadable = all.filter(({ outcome }) => isUnreadable(outcome));
  const answered = all.filter(({ outcome }) => !(outcome instanceof Error));
  return {
    calls: all.length,
    answered: paths(answered),
    unreadable: paths(unreadable),
    failed: all.length - answered.length - unreadable.length,
    retries: all.reduce((sum, { retries }) => sum + retries, 0),
  };
}

export interface Costs {
  readonly kill: {
    readonly pid: number;
    readonly container: string;
    readonly afterMs: number;
    readonly inFlight: number;
    /** From the kill to the last answer of those that were sent again. */
    readonly longestDelayMs: number;
    /** Until as many served as before. */
    readonly replacedMs: number;
  };
  readonly governor: {
    readonly pid: number;
    readonly next: number;
    readonly afterMs: number;
    readonly answeredMs: number;
    readonly containers: readonly string[];
    readonly kept: readonly string[];
  };
  readonly change: {
    readonly from: string;
    readonly to: string;
    readonly afterMs: number;
    readonly doneMs: number;
    /** Calls that containers with the old code answered, and those with the new. */
    readonly byOld: number;
    readonly byNew: number;
  };
}

export function costsOf(answered: readonly Answered[], troubles: Troubles, startedAt: number): Costs {
  const { kill, governor, change } = troubles;
  const delays = answered
    .filter(({ retries, at }) => retries > 0 && at > kill.at && at < governor.at)
    .map(({ at }) => at - kill.at);
  const byNew = answered.filter(({ container }) => change.after.includes(container)).length;
  return {
    kill: {
      ...{ pid: kill.pid, container: kill.container, inFlight: kill.inFlight, replacedMs: kill.replacedMs },
      ...{ afterMs: kill.at - startedAt, longestDelayMs: Math.max(0, ...delays) },
    },
    governor: {
      ...{ pid: governor.pid, next: governor.next, containers: governor.containers, kept: governor.kept },
      ...{ afterMs: governor.at - startedAt, answeredMs: governor.answeredMs },
    },
    change: {
      ...{ from: change.from, to: change.to, afterMs: change.at - startedAt, doneMs: change.doneMs },
      ...{ byOld: answered.filter(({ container }) => container !== "").length - byNew, byNew },
    },
  };
}
