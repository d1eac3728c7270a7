// What the way from one process to another is like, and how it is drawn from a seed.

import type { Random } from "../../base/random.ts";

/** Of one direction. May be changed while messages are on their way; those keep what was drawn when they left. */
export interface Conditions {
  /** The least time a message takes. That of the network's usual conditions is known to receivers, as heartbeats would show it. */
  readonly delayMs: number;
  /** Mean of the time above that, exponentially distributed. Different on each connection, so connections overtake each other. */
  readonly jitterMs: number;
  /** Share of messages that vanish while their connection goes on, as behind a gateway that failed. */
  readonly lossRate: number;
  /** Share of messages that the wire brings twice. */
  readonly duplicateRate: number;
  /** Nothing passes. What is sent waits, as TCP sends again, until it heals or the connection is given up. */
  readonly cut: boolean;
}

export const GOOD_CONDITIONS: Conditions = { delayMs: 0.1, jitterMs: 0.05, lossRate: 0, duplicateRate: 0, cut: false };

/** How long a message takes. */
export function drawDelay({ delayMs, jitterMs }: Conditions, random: Random): number {
  return jitterMs === 0 ? delayMs : delayMs - Math.log(1 - random.float()) * jitterMs;
}

export interface MemoryLimits {
  /** Calls of one connection without a reply; one more is refused with `overloaded`. */
  readonly calls: number;
  /** How long to wait for a connection before its calls are `undeliverable`. */
  readonly connectMs: number;
  /** How long nothing may pass before both ends give a connection up, as by missing heartbeats. */
  readonly silenceMs: number;
}

export const DEFAULT_MEMORY_LIMITS: MemoryLimits = { calls: 10_000, connectMs: 1_000, silenceMs: 1_500 };
