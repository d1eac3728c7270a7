// What is measured: a way to call a function that answers with what it was sent, in another process or in the same.

import type { Payloads } from "../harness/payload.ts";

/** How long a call may take, where the system knows deadlines. */
export const CALL_TTL_MS = 5_000;

/** The most calls in flight in any row; limits are set above it. */
export const MOST_IN_FLIGHT = 20_000;

export interface Serving {
  /** For `connect`, in another process. */
  readonly address: string;
  /** Calls whose function ran, since the start. */
  served(): number;
  /** Calls held by the function that holds. */
  held(): number;
  /** Answers the calls that are held. */
  release(): void;
  close(): Promise<void>;
}

/** Calls with payloads of one pool. */
export interface Exchange<Reply> {
  call(index: number): Promise<Reply>;
  /** Whether the reply to call number `index` is what was sent. */
  right(reply: Reply, index: number): boolean;
}

export interface Calling {
  echo(pool: Payloads): Exchange<unknown>;
  /** Calls the function that answers only at `release`. */
  hold(pool: Payloads, index: number): Promise<unknown>;
  close(): Promise<void>;
}

export interface System {
  /** Without `inFolder`: for calls within this process. `inFolder` is private and empty; sockets may lie there. */
  serve(inFolder: string): Promise<Serving>;
  connect(address: string): Promise<Calling>;
}

/** Both sides in one process, where the system can. */
export interface LocalSystem {
  local(): Promise<{ readonly serving: Serving; readonly calling: Calling }>;
}
