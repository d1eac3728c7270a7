// Runs one plan to its end and judges it.

import { sleep } from "../../src/base/clock.ts";
import type { Client } from "../../src/client/client.ts";
import type { CallOptions } from "../../src/client/options.ts";
import { Mode } from "../../src/messages/envelope.ts";
import type { FaultKind, PlannedFault } from "../../src/testing/faults.ts";
import type { Violation } from "../../src/testing/invariants.ts";
import type { Seams } from "../../src/testing/seams.ts";
import type { TraceEvent } from "../../src/testing/trace.ts";
import { type World, world } from "../../src/testing/world.ts";
import { CONTRACTS, componentsFor } from "./components.ts";
import type { CallOperation, Operation, Plan } from "./plan.ts";

export interface RunResult {
  readonly violations: readonly Violation[];
  readonly hash: string;
  readonly fired: Readonly<Record<FaultKind, number>>;
  /** Outcomes of calls by mode and code, as `SYNC ok`. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly events: readonly TraceEvent[];
  /** Virtual time it took. */
  readonly ms: number;
}

/** By then every call made has ended and every process is free, unless something hangs. */
const LONGEST_MS = 30_000;
const AFTERWARDS_MS = 6_000;

export async function runPlan(plan: Plan, seams?: Partial<Seams>): Promise<RunResult> {
  const made = await world({
    seed: plan.seed,
    containers: plan.containers.map(({ name, contracts, inbox }) => ({
      name,
      components: (process) => componentsFor(contracts, process),
      limits: { inbox },
    })),
    clients: plan.clients,
    faults: plan.faults,
    conditions: { delayMs: 0.2, jitterMs: 0.3 },
    ...(seams === undefined ? undefined : { seams }),
  });
  const run = new PlanRun(made);
  made.onOverload((fault) => run.burst(fault));
  for (const operation of plan.operations)
    made.clock.after(operation.at - made.clock.now(), () => run.begin(operation));
  const lastAt = Math.max(0, ...plan.operations.map(({ at }) => at), ...plan.faults.map(({ at, forMs }) => at + forMs));
  await made.advance(Math.max(0, lastAt - made.clock.now()));
  made.heal();
  // Where something hangs, the judges say what.
  await made.clock.runUntil(() => run.open === 0, LONGEST_MS);
  await made.advance(AFTERWARDS_MS);
  return {
    violations: made.violations(),
    hash: made.trace.hash,
    fired: made.fired,
    outcomes: outcomesOf(made.trace.events),
    events: made.trace.events,
    ms: made.clock.now(),
  };
}

class PlanRun {
  readonly #world: World;
  open = 0;

  constructor(made: World) {
    this.#world = made;
  }

  begin(operation: Operation): void {
    if (operation.kind === "drain") void this.#world.replace(operation.container, operation.graceMs);
    else this.#track(this.#call(operation));
  }

  /** Many calls at once of one client. */
  burst({ from, amount }: PlannedFault): void {
    const client = this.#world.clients[Number(from.slice(1)) - 1];
    if (client === undefined) return;
    for (let i = 0; i < amount; i++) {
      this.#track(
        client.call(CONTRACTS.Single.method.work, { workMs: 5 }, { ttlMs: 150, withinMs: i % 2 === 0 ? 0 : 50 }),
      );
    }
  }

  /** Every way to end is an outcome, and the trace has it. */
  #track(work: Promise<unknown>): void {
    this.open++;
    const end = () => {
      this.open--;
    };
    work.then(end, end);
  }

  async #call(operation: CallOperation): Promise<void> {
    const { client: index, ttlMs, withinMs, key, state, withdrawAfterMs } = operation;
    const client = this.#world.clients[index];
    if (client === undefined) return;
    const controller = new AbortController();
    if (withdrawAfterMs !== undefined) this.#world.clock.after(withdrawAfterMs, () => controller.abort());
    await this.#make(client, operation, {
      ttlMs,
      withinMs,
      ...(withdrawAfterMs === undefined ? undefined : { signal: controller.signal }),
      ...(key === "" ? undefined : { idempotencyKey: key }),
      ...(state === undefined ? undefined : { state: Uint8Array.of(state) }),
    });
  }

  async #make(client: Client, operation: CallOperation, options: CallOptions): Promise<void> {
    const { kind, contract, job, pauseMs, credit, readAtMost } = operation;
    const { work, later, items, tell } = CONTRACTS[contract].method;
    const { clock } = this.#world;
    switch (kind) {
      case "work":
        await client.call(work, job, options);
        return;
      case "tell":
        await client.broadcast(tell, job, options);
        return;
      case "later": {
        const accepted = await client.send(later, job, { ...options, wantResult: pauseMs !== undefined });
        if (pauseMs === undefined) return;
        await sleep(clock, pauseMs);
        await accepted.result();
        return;
      }
      case "items": {
        let read = 0;
        for await (const _ of client.stream(items, job, { ...options, credit })) {
          if (++read >= readAtMost) break;
          if (pauseMs !== undefined && pauseMs > 20) await sleep(clock, pauseMs);
        }
      }
    }
  }
}

function outcomesOf(events: readonly TraceEvent[]): Map<string, number> {
  const modes = new Map<number, string>();
  const counts = new Map<string, number>();
  for (const event of events) {
    if (event.kind === "called") modes.set(event.call, modeName(event.mode));
    if (event.kind !== "outcome") continue;
    const name = `${modes.get(event.call) ?? "?"} ${event.code}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function modeName(mode: Mode): string {
  return Object.entries(Mode).find(([, value]) => value === mode)?.[0] ?? "?";
}
