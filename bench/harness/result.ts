// All that one run of the bench found out.

import type { MemoryOutcome } from "../rows/memory.ts";
import type { Machine } from "./machine.ts";
import type { Row } from "./row.ts";
import { spreadsOf } from "./summary.ts";
import { type Target, verdictOf } from "./target.ts";

export interface Result {
  readonly machine: Machine;
  readonly method: string;
  readonly rounds: number;
  readonly rows: readonly Row[];
  readonly memory: ReadonlyMap<string, MemoryOutcome>;
  readonly targets: readonly Target[];
}

/** What was refused, in words; a run with any is no success. */
export function refusalsOf({ rows, memory }: Result): string[] {
  const ofRows = rows.flatMap(({ table, cell, outcomes }) =>
    [...outcomes].flatMap(([name, outcome]) =>
      outcome.kind === "refused"
        ? [`${table}, ${cell.sizeBytes} B, ${cell.inFlight} in flight, ${name}: ${outcome.reason}`]
        : [],
    ),
  );
  const ofMemory = [...memory].flatMap(([name, outcome]) =>
    outcome.kind === "refused" ? [`memory, ${name}: ${outcome.reason}`] : [],
  );
  return [...ofRows, ...ofMemory];
}

export function jsonOf(result: Result): string {
  const { machine, method, rounds, rows, memory, targets } = result;
  const plain = {
    method,
    rounds,
    machine,
    rows: rows.map(({ table, cell, outcomes, leftOut }) => ({
      table,
      ...cell,
      systems: Object.fromEntries(
        [...outcomes].map(([name, outcome]) => [
          name,
          outcome.kind === "measured" ? { ...outcome, spreads: spreadsOf(outcome) } : outcome,
        ]),
      ),
      leftOut: Object.fromEntries(leftOut),
    })),
    memory: Object.fromEntries(memory),
    targets: targets.map((target) => ({ ...target, verdict: verdictOf(target) })),
    refused: refusalsOf(result),
  };
  return JSON.stringify(plain, null, 2);
}
