// Whether what crashed is started again: at most so often in so long, and then no more, visibly (OTP's restart intensity).
//
//   crash ──▶ within the component's and the node's intensity? ── yes ──▶ restart, after a pause that grows
//                                                              └─ no ───▶ given up until the calm has passed or it is forgiven
//
// Invariants
//   R1. However crashes come, in any span of `withinMs` no more than `restarts` restarts lie: of one component, and of all.
//   R2. A component that is given up takes nothing from the others but what it used of the node's intensity.

export interface Intensity {
  readonly restarts: number;
  readonly withinMs: number;
}

export interface RestartPolicy {
  readonly component: Intensity;
  /** Over all components: above it something is wrong with the node itself. */
  readonly node: Intensity;
  /** The first restart is at once, the second after this, each further one after twice as long. */
  readonly pauseMs: number;
  readonly longestPauseMs: number;
  /** How long what was given up stays so by itself. */
  readonly calmMs: number;
}

export const RESTART_POLICY: RestartPolicy = {
  component: { restarts: 5, withinMs: 30_000 },
  node: { restarts: 20, withinMs: 60_000 },
  pauseMs: 100,
  longestPauseMs: 5_000,
  calmMs: 300_000,
};

interface History {
  /** When it was, or will be, started again; in order. */
  readonly restarts: readonly number[];
  readonly givenUp: { readonly until: number; readonly reason: string } | undefined;
}

export interface Restarts {
  readonly components: ReadonlyMap<string, History>;
  readonly node: History;
}

export type RestartVerdict =
  | { readonly kind: "restart"; readonly at: number }
  | {
      readonly kind: "give-up";
      /** `node`: nothing is started again on this node until then, whoever crashes. */
      readonly level: "component" | "node";
      readonly until: number;
      /** For the log and for `status`. */
      readonly reason: string;
      /** Whether this crash was the one too many; what follows it only meets what is decided. */
      readonly first: boolean;
    };

const NEW: History = { restarts: [], givenUp: undefined };

export const NO_RESTARTS: Restarts = { components: new Map(), node: NEW };

/**
 * A container ended that nobody told to. `component`: whose function ran, or was being loaded; chance, in [0, 1), spreads
 * those that crashed together.
 */
export function afterCrash(
  restarts: Restarts,
  crash: { readonly component: string; readonly now: number; readonly chance: number },
  policy: RestartPolicy = RESTART_POLICY,
): { readonly verdict: RestartVerdict; readonly restarts: Restarts } {
  const { component, now, chance } = crash;
  const own = pruned(restarts.components.get(component) ?? NEW, now, policy.component.withinMs);
  const node = pruned(restarts.node, now, policy.node.withinMs);
  const still = node.givenUp ?? own.givenUp;
  if (still !== undefined) {
    const level = node.givenUp === undefined ? "component" : "node";
    return {
      verdict: { kind: "give-up", level, ...still, first: false },
      restarts: kept(restarts, component, own, node),
    };
  }
  const at = now + pauseOf(own.restarts.length, chance, policy);
  const tooMany = (level: "component" | "node", who: string, { restarts: most, withinMs }: Intensity) => {
    const reason = `${who} crashed and was started again ${most} times within ${withinMs} ms; it crashed again and stays down`;
    const givenUp = { until: now + policy.calmMs, reason };
    const verdict: RestartVerdict = { kind: "give-up", level, ...givenUp, first: true };
    return level === "component"
      ? { verdict, restarts: kept(restarts, component, { ...own, givenUp }, node) }
      : { verdict, restarts: kept(restarts, component, own, { ...node, givenUp }) };
  };
  if (!fits(own.restarts, at, policy.component)) return tooMany("component", component, policy.component);
  if (!fits(node.restarts, at, policy.node)) return tooMany("node", "what runs on this node", policy.node);
  return {
    verdict: { kind: "restart", at },
    restarts: kept(restarts, component, added(own, at), added(node, at)),
  };
}

/** Why a component may not be started now, and until when; undefined where it may. */
export function givenUp(restarts: Restarts, component: string, now: number): History["givenUp"] {
  for (const { givenUp: found } of [restarts.node, restarts.components.get(component) ?? NEW]) {
    if (found !== undefined && found.until > now) return found;
  }
  return undefined;
}

/** As if it had never crashed: its code changed, or a person said so. Without a component: the node and all on it. */
export function forgiven(restarts: Restarts, component?: string): Restarts {
  if (component === undefined) return NO_RESTARTS;
  const components = new Map(restarts.components);
  components.delete(component);
  return { ...restarts, components };
}

function pauseOf(before: number, chance: number, { pauseMs, longestPauseMs }: RestartPolicy): number {
  if (before === 0) return 0;
  return Math.min(pauseMs * 2 ** (before - 1), longestPauseMs) * (0.75 + chance / 2);
}

/** Whether one more at `at` leaves every span of `withinMs` with `restarts` at most. */
function fits(times: readonly number[], at: number, { restarts, withinMs }: Intensity): boolean {
  const all = [...times, at].sort((a, b) => a - b);
  return all.every((time, i) => (all[i + restarts] ?? Number.POSITIVE_INFINITY) - time >= withinMs);
}

function added(history: History, at: number): History {
  return { ...history, restarts: [...history.restarts, at].sort((a, b) => a - b) };
}

function pruned({ restarts, givenUp: found }: History, now: number, withinMs: number): History {
  return {
    restarts: restarts.filter((at) => at > now - withinMs),
    givenUp: found !== undefined && found.until > now ? found : undefined,
  };
}

function kept(restarts: Restarts, component: string, own: History, node: History): Restarts {
  return { components: new Map(restarts.components).set(component, own), node };
}
