// The containers of one node as the decisions about them see them.

export interface Member {
  readonly id: string;
  /** `spare`: warm and empty; `draining`: told to end, and still there. */
  readonly state: "starting" | "spare" | "serving" | "draining";
  readonly contracts: readonly string[];
  readonly running: number;
  readonly waiting: number;
  /** Since when it has had nothing to do; undefined while it has. */
  readonly idleSince: number | undefined;
  readonly memoryBytes: number;
  /** When a draining one is ended whatever it still does. */
  readonly killAt?: number;
}

/** How much ends with it: what serves nothing first, then the idle, longest idle first, then who has least to do. */
export function byLeastLoss(a: Member, b: Member): number {
  return (
    rankOf(a) - rankOf(b) ||
    a.running + a.waiting - (b.running + b.waiting) ||
    (a.idleSince ?? 0) - (b.idleSince ?? 0) ||
    (a.id < b.id ? -1 : 1)
  );
}

function rankOf({ state, idleSince }: Member): number {
  if (state === "spare") return 0;
  if (state === "starting") return 1;
  return idleSince === undefined ? 3 : 2;
}
