// How many containers a run should have: more while they have all they can do, fewer when they have had nothing for a while. Pure.

export interface PoolLoad {
  readonly containers: number;
  readonly most: number;
  /** Tasks given to containers and not settled. */
  readonly open: number;
  /** More waits than the containers can work on. */
  readonly isShort: boolean;
  /** How long at most half of the containers would have been enough. */
  readonly idleMs: number;
}

/** Tasks that one container should have before another one is worth its start. */
const WORTH_ANOTHER = 8;
/** How long it must have had too little to do. */
const IDLE_LIMIT_MS = 10_000;

export function poolSize({ containers, most, open, isShort, idleMs }: PoolLoad): number {
  if (containers < most && (isShort || open > containers * WORTH_ANOTHER)) return containers + 1;
  if (containers > 1 && idleMs >= IDLE_LIMIT_MS) return containers - 1;
  return Math.max(1, containers);
}

/** Whether one fewer would do. */
export function hasTooMany({ containers, open, isShort }: Pick<PoolLoad, "containers" | "open" | "isShort">): boolean {
  return containers > 1 && !isShort && open <= (containers - 1) * WORTH_ANOTHER;
}
