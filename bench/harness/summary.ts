// What several rounds of one system say together.

import type { Outcome } from "./rounds.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import type { Round } from "./subject.ts";

export interface Figures {
  readonly callsPerSecond: readonly number[];
  readonly p50Us: readonly number[];
  readonly p99Us: readonly number[];
  /** Processor time of both sides together. */
  readonly cpuUsPerCall: readonly number[];
}

export type FigureName = keyof Figures;

/** Round by round; empty where the outcome was refused. */
export function figuresOf(outcome: Outcome | undefined): Figures {
  const rounds = outcome?.kind === "measured" ? outcome.rounds : [];
  const each = (figure: (round: Round) => number) => rounds.map(figure);
  return {
    callsPerSecond: each((round) => (round.completed / round.elapsedMs) * 1_000),
    p50Us: each((round) => round.p50Us),
    p99Us: each((round) => round.p99Us),
    cpuUsPerCall: each((round) => (round.callingCpuUs + round.calledCpuUs) / round.completed),
  };
}

export function spreadsOf(outcome: Outcome): Readonly<Record<FigureName, Spread>> {
  const figures = figuresOf(outcome);
  return {
    callsPerSecond: spreadOf(figures.callsPerSecond),
    p50Us: spreadOf(figures.p50Us),
    p99Us: spreadOf(figures.p99Us),
    cpuUsPerCall: spreadOf(figures.cpuUsPerCall),
  };
}
