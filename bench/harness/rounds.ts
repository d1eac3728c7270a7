// The same work for several systems in turn: A B C, A B C, …, so that what else the machine does hits all alike.
//
//   warm up ──▶ find how many calls fill a round ──▶ rounds of exactly so many calls ──▶ measured
//                                                             └─▶ other work done than intended ──▶ refused

import type { Load } from "./load.ts";
import type { Round, Subject } from "./subject.ts";

export interface Cell {
  readonly sizeBytes: number;
  readonly inFlight: number;
  readonly sampleEvery: number;
}

export interface Plan {
  readonly rounds: number;
  /** About how long one round of one system takes. */
  readonly roundMs: number;
  /** How long each system runs unmeasured first. */
  readonly warmUpMs: number;
}

export type Outcome =
  | { readonly kind: "measured"; readonly callsPerRound: number; readonly rounds: readonly Round[] }
  | { readonly kind: "refused"; readonly reason: string };

/** A round that is as slow as this means that the system does not manage the work. */
const DEADLINE_MS = 60_000;

export async function interleave(
  subjects: readonly Subject[],
  cell: Cell,
  plan: Plan,
): Promise<ReadonlyMap<string, Outcome>> {
  const runs = subjects.map((subject) => new Run(subject, cell));
  for (const run of runs) await run.warmUp(plan);
  for (let round = 0; round < plan.rounds; round++) {
    for (const run of runs) await run.round();
  }
  return new Map(runs.map((run) => [run.name, run.outcome]));
}

/** Why the round is no measurement; undefined where exactly the intended work was done, rightly. */
export function reasonToRefuse(intended: number, round: Round): string | undefined {
  if (round.failed > 0) return `${round.failed} of ${intended} calls failed, the first with ${round.firstFailure}`;
  if (round.wrong > 0) return `${round.wrong} of ${intended} replies were not what was sent`;
  if (round.completed !== intended) return `${round.completed} calls completed where ${intended} were intended`;
  if (round.served !== intended) return `the called side did ${round.served} calls where ${intended} were intended`;
  return undefined;
}

class Run {
  readonly #subject: Subject;
  readonly #cell: Cell;
  readonly #rounds: Round[] = [];
  #calls = 0;
  #refused: string | undefined;

  constructor(subject: Subject, cell: Cell) {
    this.#subject = subject;
    this.#cell = cell;
  }

  get name(): string {
    return this.#subject.name;
  }

  get outcome(): Outcome {
    if (this.#refused !== undefined) return { kind: "refused", reason: this.#refused };
    return { kind: "measured", callsPerRound: this.#calls, rounds: this.#rounds };
  }

  async warmUp({ roundMs, warmUpMs }: Plan): Promise<void> {
    let calls = 2 * this.#cell.inFlight;
    let spentMs = 0;
    let rate = 0;
    while (spentMs < warmUpMs) {
      const round = await this.#measure(calls);
      if (round === undefined) return;
      spentMs += round.elapsedMs;
      rate = calls / round.elapsedMs;
      calls = Math.max(calls, Math.min(4 * calls, Math.ceil((rate * warmUpMs) / 4)));
    }
    this.#calls = Math.max(2 * this.#cell.inFlight, Math.ceil(rate * roundMs));
  }

  async round(): Promise<void> {
    const round = await this.#measure(this.#calls);
    if (round !== undefined) this.#rounds.push(round);
  }

  async #measure(calls: number): Promise<Round | undefined> {
    if (this.#refused !== undefined) return undefined;
    const load: Load = { ...this.#cell, calls };
    try {
      const round = await this.#subject.measure(load, DEADLINE_MS);
      this.#refused = reasonToRefuse(calls, round);
      return this.#refused === undefined ? round : undefined;
    } catch (thrown) {
      this.#refused = thrown instanceof Error ? thrown.message : String(thrown);
      return undefined;
    }
  }
}
