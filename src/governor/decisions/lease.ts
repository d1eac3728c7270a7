// The deployment lock: while somebody holds it nothing is started or replaced, and it ends by itself.
//
// It lies in a file that processes share, so its times are wall-clock times; a clock that jumps must not make a lock of hours,
// so it also ends `longestMs` after it was first seen, by the clock that does not jump.

export interface Lease {
  readonly holder: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export interface LeaseView {
  /** As last read; undefined where there is none. */
  readonly lease: Lease | undefined;
  /** When this very lease, holder and end, was first read, on the monotonic clock. */
  readonly firstSeenAt: number;
  readonly now: number;
  readonly wallNow: number;
  /** Who asks. */
  readonly me: string;
}

/** No deployment takes longer; who needs more renews. */
export const LONGEST_LEASE_MS = 600_000;

export type LeaseAnswer =
  | { readonly may: true }
  /** `leftMs`: when to look again at the latest. */
  | { readonly may: false; readonly holder: string; readonly leftMs: number };

export function mayDeploy({ lease, firstSeenAt, now, wallNow, me }: LeaseView): LeaseAnswer {
  if (lease === undefined || lease.holder === me) return { may: true };
  const leftMs = Math.min(lease.until - wallNow, firstSeenAt + LONGEST_LEASE_MS - now);
  return leftMs > 0 ? { may: false, holder: lease.holder, leftMs } : { may: true };
}

/** What to write to take or renew it; undefined where another holds it. */
export function taken(view: LeaseView, forMs: number): Lease | undefined {
  if (!mayDeploy(view).may) return undefined;
  return { holder: view.me, until: view.wallNow + Math.min(Math.max(0, forMs), LONGEST_LEASE_MS) };
}

/**
 * The lock's file: `HOLDER` and its end in ISO 8601, one a line. A file that says anything else is somebody's lock too:
 * half written, or made by hand.
 */
export function parseLease(text: string): Lease {
  const [holder = "", end = "", ...rest] = text.trimEnd().split("\n");
  const until = Date.parse(end);
  if (holder === "" || holder.length > 256 || rest.length > 0 || Number.isNaN(until)) return SOMEBODYS;
  return { holder, until };
}

const SOMEBODYS: Lease = { holder: "an unreadable lock file", until: Number.POSITIVE_INFINITY };

export function leaseText({ holder, until }: Lease): string {
  return `${holder}\n${new Date(until).toISOString()}\n`;
}
