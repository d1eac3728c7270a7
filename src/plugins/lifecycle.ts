// The kind `lifecycle`: decides over the containers of a node where the governor's own decisions should not.
//
// Each function is asked in the governor's turn, so it answers at once and from what it is given. Undefined: no opinion, and
// the next plugin is asked, at last the default. Limits hold whatever is answered.

import type { Guard } from "./guard.ts";

/** One container, as its governor sees it now. */
export interface ContainerView {
  readonly id: string;
  readonly pid: number;
  readonly contracts: readonly string[];
  readonly running: number;
  readonly waiting: number;
  readonly memoryBytes: number;
  readonly upMs: number;
}

export interface NodeView {
  /** Of `spares`: all of the node. Of `serving`: those that serve the same. */
  readonly containers: readonly ContainerView[];
  /** Whose they are: a program's name, or empty for the components folder. */
  readonly program: string;
  /** Containers that may run. */
  readonly limit: number;
  /** What the default decides. */
  readonly wanted: number;
}

export interface Lifecycle {
  /** A zombie: its loop has not turned until every budget was over. By default it is killed. Asked again until it turns, or is killed. */
  zombie?(container: ContainerView, why: string): "kill" | "spare" | undefined;
  /** Has had nothing to do for long, and others serve the same. By default it is stopped. */
  idle?(container: ContainerView): "stop" | "keep" | undefined;
  /** How many containers should serve. */
  serving?(node: NodeView): number | undefined;
  /** How many warm ones to keep. */
  spares?(node: NodeView): number | undefined;
  close?(): void | Promise<void>;
}

/** Never throws; every question has an answer. */
export interface Decisions {
  zombie(container: () => ContainerView, why: string): "kill" | "spare";
  idle(container: () => ContainerView): "stop" | "keep";
  serving(node: () => NodeView): number;
  spares(node: () => NodeView): number;
}

/** Undefined where there is no plugin that decides. */
export function decisionsOf(
  plugins: readonly { readonly given: Lifecycle; readonly guard: Guard }[],
): Decisions | undefined {
  if (plugins.length === 0) return undefined;
  const first = <T>(
    hook: keyof Lifecycle,
    fits: (answer: unknown) => answer is T,
    expected: string,
    ask: (given: Lifecycle) => unknown,
  ): T | undefined => {
    for (const { given, guard } of plugins) {
      if (given[hook] === undefined) continue;
      const answer = guard.ask(hook, () => checked(ask(given), fits, expected));
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
  return {
    zombie: (container, why) =>
      first("zombie", oneOf("kill", "spare"), "'kill' or 'spare'", (given) => given.zombie?.(container(), why)) ??
      "kill",
    idle: (container) =>
      first("idle", oneOf("stop", "keep"), "'stop' or 'keep'", (given) => given.idle?.(container())) ?? "stop",
    serving: (node) => first("serving", isCount, COUNT, (given) => given.serving?.(node())) ?? node().wanted,
    spares: (node) => first("spares", isCount, COUNT, (given) => given.spares?.(node())) ?? node().wanted,
  };
}

const COUNT = "a whole number of at least 0";

function isCount(answer: unknown): answer is number {
  return typeof answer === "number" && Number.isInteger(answer) && answer >= 0;
}

function oneOf<T extends string>(...words: readonly T[]): (answer: unknown) => answer is T {
  return (answer): answer is T => (words as readonly unknown[]).includes(answer);
}

function checked<T>(answer: unknown, fits: (answer: unknown) => answer is T, expected: string): T | undefined {
  if (answer === undefined || fits(answer)) return answer;
  throw new TypeError(`answered ${JSON.stringify(answer) ?? String(answer)}, expected ${expected} or nothing`);
}
