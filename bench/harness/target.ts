// What the project asks of the figures, and whether they meet it.

import { type Row, ratioIn } from "./row.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { type FigureName, figuresOf } from "./summary.ts";

export interface Target {
  readonly says: string;
  readonly measured: Spread;
  readonly bound: "at least" | "at most";
  /** What has to be reached. */
  readonly target: number | undefined;
  /** What is hoped for. */
  readonly goal: number | undefined;
  readonly unit: string;
}

export type Verdict = "goal met" | "met" | "missed" | "not measured";

/** Decided by the median. */
export function verdictOf({ measured, bound, target, goal }: Target): Verdict {
  if (Number.isNaN(measured.median)) return "not measured";
  const reaches = (limit: number) => (bound === "at least" ? measured.median >= limit : measured.median <= limit);
  if (goal !== undefined && reaches(goal)) return "goal met";
  if (target !== undefined && !reaches(target)) return "missed";
  return target === undefined ? "missed" : "met";
}

const US = "unum";

/** The targets that the rows speak of. */
export function targetsOf(rows: readonly Row[]): Target[] {
  const pair64 = rows.find(({ table, cell }) => table === "pair" && cell.inFlight === 64);
  const pair1 = rows.find(({ table, cell }) => table === "pair" && cell.inFlight === 1);
  const direct = rows.find(({ table, cell }) => table === "direct" && cell.inFlight === 64);
  const targets: Target[] = [];
  const ratio = (row: Row, figure: FigureName, peer: string, asked: Omit<Target, "measured" | "unit">) =>
    targets.push({ ...asked, measured: ratioIn(row, figure, US, peer), unit: "x" });
  if (pair64 !== undefined) {
    for (const peer of ["moleculer", "zeromq"]) {
      ratio(pair64, "callsPerSecond", peer, {
        says: `64 in flight, calls/s over ${peer}'s`,
        bound: "at least",
        target: 3,
        goal: 5,
      });
      ratio(pair64, "p99Us", peer, {
        says: `64 in flight, p99 over ${peer}'s`,
        bound: "at most",
        target: 1,
        goal: 0.5,
      });
    }
  }
  if (pair1 !== undefined) {
    ratio(pair1, "p50Us", "zeromq", {
      says: "one at a time, p50 over zeromq's",
      bound: "at most",
      target: 0.5,
      goal: undefined,
    });
    ratio(pair1, "p50Us", "bare", {
      says: "one at a time, p50 over a bare socket's",
      bound: "at most",
      target: undefined,
      goal: 1.5,
    });
  }
  if (direct !== undefined) {
    targets.push({
      says: "direct calls in one process",
      measured: spreadOf(figuresOf(direct.outcomes.get(US)).callsPerSecond),
      bound: "at least",
      target: 1_000_000,
      goal: undefined,
      unit: " calls/s",
    });
    ratio(direct, "callsPerSecond", "moleculer", {
      says: "direct calls over moleculer's local ones",
      bound: "at least",
      target: 1,
      goal: undefined,
    });
  }
  return targets;
}
