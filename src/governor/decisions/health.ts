// Whether a container is busy, stuck or dead, by what it promised; never by how much CPU it uses.
//
//   ping ──▶ pong within lateMs ──▶ healthy
//       └──▶ none: its loop is blocked ──▶ suspected, no new calls ──▶ past the budget of what runs ──▶ kill
//   the process ended ──▶ dead, at once
//
// Invariants
//   H1. Nothing is killed while a function in it may still be within its budget. What is blocked began at the latest when
//       the first ping went unanswered, since an earlier one would have waited for it.
//   H2. A governor that was itself stopped holds that against nobody: silence counts from when it was awake again.

export interface Running {
  readonly component: string;
  /** On the governor's clock; where that is not known exactly, when it was first seen: late, never early. */
  readonly at: number;
  readonly budgetMs: number;
}

/** What is known of one container. */
export interface Signs {
  readonly startedAt: number;
  /** Whether it has ever answered a ping. */
  readonly answered: boolean;
  /** When the oldest ping without an answer was sent; undefined when all are answered. */
  readonly unansweredSince: number | undefined;
  /** Functions that said they may take longer than the default budget, and have not ended. */
  readonly began: readonly Running[];
  /** When the last of those ended; undefined when none has. */
  readonly lastEndedAt: number | undefined;
  /** Functions past both their budget and their caller's deadline, by its own word: the loop turns, yet they do not settle. */
  readonly overdue: readonly { readonly component: string; readonly since: number }[];
  readonly exit: { readonly code: number | undefined; readonly signal: string | undefined } | undefined;
}

export interface HealthPolicy {
  /** How late a pong may be before the loop counts as blocked. */
  readonly lateMs: number;
  /** How long a function may take that said nothing. */
  readonly budgetMs: number;
  /** Given on top of every budget, for what messages and clocks take. */
  readonly slackMs: number;
  /** How long a new process may take to its first pong. */
  readonly startMs: number;
  /** How long other calls get to end beside an overdue one. */
  readonly settleMs: number;
}

export const HEALTH_POLICY: HealthPolicy = {
  lateMs: 500,
  budgetMs: 5_000,
  slackMs: 250,
  startMs: 30_000,
  settleMs: 5_000,
};

export type Health =
  | { readonly kind: "healthy" | "starting" }
  /** Gets no new calls. Killed at `killAt` if nothing changes until then. */
  | { readonly kind: "suspected"; readonly reason: string; readonly killAt: number }
  | { readonly kind: "kill"; readonly reason: string }
  | { readonly kind: "dead"; readonly reason: string };

/** `awakeSince`: since when this governor's own loop has turned without a gap. */
export function healthOf(
  signs: Signs,
  { now, awakeSince }: { readonly now: number; readonly awakeSince: number },
  policy: HealthPolicy = HEALTH_POLICY,
): Health {
  if (signs.exit !== undefined) return { kind: "dead", reason: exitText(signs.exit) };
  if (!signs.answered) return ofNewcomer(Math.max(signs.startedAt, awakeSince), now, policy);
  if (signs.unansweredSince !== undefined) {
    const silentSince = Math.max(signs.unansweredSince, awakeSince);
    if (now - silentSince >= policy.lateMs) return ofBlocked(signs, silentSince, now, policy);
  }
  const [overdue] = [...signs.overdue].sort((a, b) => a.since - b.since);
  if (overdue === undefined) return { kind: "healthy" };
  const killAt = Math.max(overdue.since, awakeSince) + policy.settleMs;
  const reason = `a call of ${overdue.component} has not settled ${Math.round(now - overdue.since)} ms after its budget and its deadline`;
  return now >= killAt ? { kind: "kill", reason } : { kind: "suspected", reason, killAt };
}

function ofNewcomer(since: number, now: number, { startMs }: HealthPolicy): Health {
  if (now - since < startMs) return { kind: "starting" };
  return { kind: "kill", reason: `it was started ${Math.round(now - since)} ms ago and has never answered` };
}

function ofBlocked(signs: Signs, silentSince: number, now: number, policy: HealthPolicy): Health {
  const silence = `its loop has not turned for ${Math.round(now - silentSince)} ms`;
  let killAt = Math.max(silentSince, signs.lastEndedAt ?? 0) + policy.budgetMs;
  let promise = `nothing in it said that it may take longer than ${policy.budgetMs} ms`;
  for (const { component, at, budgetMs } of signs.began) {
    if (at + budgetMs <= killAt) continue;
    killAt = at + budgetMs;
    promise = `${component} said it may take ${budgetMs} ms`;
  }
  killAt += policy.slackMs;
  const reason = `${silence}; ${promise}`;
  return now >= killAt ? { kind: "kill", reason } : { kind: "suspected", reason, killAt };
}

function exitText({ code, signal }: NonNullable<Signs["exit"]>): string {
  if (signal !== undefined) return `ended by ${signal}`;
  return code === undefined ? "ended; how is not known" : `exited with code ${code}`;
}
