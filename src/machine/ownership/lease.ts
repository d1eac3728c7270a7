// How long an owner is that, by what keepers granted: counted from when it asked, on its own clock. Pure.
//
// Invariants
//   L1. A lease ends when those of its grants that are older than a majority's are over: no grant counts for longer than the
//       keeper that gave it keeps to it.
//   L2. Who was set aside for longer than the lease, by the time of day, has none: monotonic clocks stand still while a computer
//       sleeps.

export interface Lease {
  /** On the monotonic clock of who holds it. */
  readonly until: number;
  /** The same by the time of day. */
  readonly wallUntil: number;
}

/** More than half. */
export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** Undefined where too few have granted anything. `granted`: by keeper, the newest, counted from when that one was asked. */
export function leaseFrom(granted: ReadonlyMap<string, Lease>, keepers: readonly string[]): Lease | undefined {
  const all = [...new Set(keepers)];
  const given = all.flatMap((keeper) => granted.get(keeper) ?? []);
  return given.sort((a, b) => b.until - a.until)[majorityOf(all.length) - 1]; // L1
}

export function isInForce(
  lease: Lease | undefined,
  { now, wallNow }: { readonly now: number; readonly wallNow: number },
): boolean {
  return lease !== undefined && now < lease.until && wallNow < lease.wallUntil;
}
