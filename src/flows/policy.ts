// What may be said about an edge and about a step: how much may wait, how long, in which order, how safely, how often.

import { Fault } from "unum";

/**
 * How safe a hop is before the next step begins.
 * `none`: not written; after a crash the item stands where it was last written.
 * `group`: on disk, with whatever else waits to be written.
 * `each`: its start too, before the call is made: at most once can be kept.
 * `commit`: the next step begins at once; nothing leaves the flow before all that led to it is on disk.
 */
export type Durability = "none" | "group" | "each" | "commit";

/** How a worker is chosen where there are several. */
export type Balance = "least" | "round-robin" | "key" | "local";

export interface EdgePolicy {
  /** Items that may wait; a full edge holds back the step before it, and in the end whoever submits. */
  readonly capacity: number;
  readonly capacityBytes: number;
  /** An item that has waited so long expires. Infinity: never. */
  readonly expiryMs: number;
  /** Higher goes first, between edges into one step. */
  readonly priority: number;
  /** Items a second that may be started; Infinity: no limit. */
  readonly perSecond: number;
  readonly balance: Balance;
  readonly durability: Durability;
  /** After a crash in the midst of it: again, or never again (then it ends as dead, its outcome not known). */
  readonly delivery: "at-least-once" | "at-most-once";
}

export const DEFAULT_EDGE: EdgePolicy = {
  capacity: 10_000,
  capacityBytes: 64 * 1024 * 1024,
  expiryMs: Number.POSITIVE_INFINITY,
  priority: 0,
  perSecond: Number.POSITIVE_INFINITY,
  balance: "least",
  durability: "group",
  delivery: "at-least-once",
};

export interface StepPolicy {
  /** For one attempt, in ms. */
  readonly timeoutMs: number;
  /** To be started after it came to the step, in ms; then it is timed out. */
  readonly startWithinMs: number;
  /** The step reports at least so often, or the attempt is over. Infinity: it need not. */
  readonly heartbeatMs: number;
  /** Attempts in all. */
  readonly attempts: number;
  /** The first pause between attempts and the longest; each pause is twice the one before, with jitter. */
  readonly backoffMs: readonly [number, number];
  /** Calls of this step under way at one time. Infinity: as many as the workers have places. */
  readonly concurrency: number;
}

export const DEFAULT_STEP: StepPolicy = {
  timeoutMs: 30_000,
  startWithinMs: Number.POSITIVE_INFINITY,
  heartbeatMs: Number.POSITIVE_INFINITY,
  attempts: 3,
  backoffMs: [100, 10_000],
  concurrency: Number.POSITIVE_INFINITY,
};

const DURABILITIES: readonly string[] = ["none", "group", "each", "commit"] satisfies Durability[];
const BALANCES: readonly string[] = ["least", "round-robin", "key", "local"] satisfies Balance[];
const DELIVERIES: readonly string[] = ["at-least-once", "at-most-once"];

/** Throws the Fault `invalid` that names the edge and what is wrong with it. */
export function edgePolicy(where: string, given: Partial<EdgePolicy>, before: EdgePolicy = DEFAULT_EDGE): EdgePolicy {
  const policy = { ...before, ...given };
  if (given.delivery === "at-most-once" && given.durability === undefined) policy.durability = "each";
  const name = `edge ${where}`;
  whole(name, "capacity", policy.capacity, 1);
  whole(name, "capacityBytes", policy.capacityBytes, 1);
  positive(name, "expiryMs", policy.expiryMs);
  positive(name, "perSecond", policy.perSecond);
  if (!Number.isFinite(policy.priority)) throw wrong(name, "priority", policy.priority, "a number");
  oneOf(name, "durability", policy.durability, DURABILITIES);
  oneOf(name, "balance", policy.balance, BALANCES);
  oneOf(name, "delivery", policy.delivery, DELIVERIES);
  if (policy.delivery === "at-most-once" && policy.durability !== "each") {
    throw new Fault(
      "invalid",
      `${name}: at-most-once needs durability 'each', not '${policy.durability}': what began must be known after a crash`,
    );
  }
  return policy;
}

export function stepPolicy(where: string, given: Partial<StepPolicy>): StepPolicy {
  const policy = { ...DEFAULT_STEP, ...given };
  const name = `step '${where}'`;
  positive(name, "timeoutMs", policy.timeoutMs);
  positive(name, "startWithinMs", policy.startWithinMs);
  positive(name, "heartbeatMs", policy.heartbeatMs);
  whole(name, "attempts", policy.attempts, 1);
  if (policy.concurrency !== Number.POSITIVE_INFINITY) whole(name, "concurrency", policy.concurrency, 1);
  const [first, longest] = policy.backoffMs;
  if (!(first >= 0 && longest >= first)) {
    throw wrong(name, "backoffMs", `[${first}, ${longest}]`, "the first pause and the longest, in ms");
  }
  return policy;
}

function whole(name: string, what: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw wrong(name, what, value, `a whole number of at least ${least}`);
  }
}

function positive(name: string, what: string, value: number): void {
  if (!(value > 0)) throw wrong(name, what, value, "a positive number");
}

function oneOf(name: string, what: string, value: string, known: readonly string[]): void {
  if (!known.includes(value)) throw wrong(name, what, `'${value}'`, `one of ${known.join(", ")}`);
}

function wrong(name: string, what: string, value: unknown, expected: string): Fault {
  return new Fault("invalid", `${name}: ${what} ${value} is not ${expected}`);
}
