// How often a node asks, how long it waits and how much it says. Every number can be set.

export interface MembershipSettings {
  /** Nodes of other networks are not heard, even with the same key. */
  readonly network: string;
  /** One member is probed in each; lengthened by local ill health and by traffic above the budget. */
  readonly probeIntervalMs: number;
  /** How long a ping may go unanswered before others are asked to ping. */
  readonly probeTimeoutMs: number;
  /** How many others are asked. */
  readonly indirectProbes: number;
  /** While there is something to tell, rumours leave this often … */
  readonly gossipIntervalMs: number;
  /** … to so many members at once. */
  readonly gossipFanout: number;
  /** A suspicion lasts at least so long, whoever confirms it: longer than the restart of a governor takes. */
  readonly suspicionLeastMs: number;
  /** Budget of what one node sends, datagram headers included, when nothing changes but load. */
  readonly budgetBytesPerSecond: number;
  /** Tables are compared with a random member about this often. */
  readonly syncIntervalMs: number;
  /** One of the dead is asked this often, so that a network which was cut in two grows together. */
  readonly deadProbeIntervalMs: number;
  /** A seed which is not among the live members is asked this often; while alone, every second. */
  readonly seedIntervalMs: number;
  /** How long the dead are remembered, and asked. */
  readonly deadLifetimeMs: number;
  /** How long those who left are remembered, so that older rumours do not bring them back. */
  readonly leftLifetimeMs: number;
  /** Nodes known at a time, dead ones included; rumours about further ones are refused and counted. */
  readonly nodes: number;
  /** With a key: how far a sender's wall clock may be from ours in its first datagram. */
  readonly clockWindowMs: number;
}

export const DEFAULT_SETTINGS: MembershipSettings = {
  network: "unum",
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  indirectProbes: 3,
  gossipIntervalMs: 250,
  gossipFanout: 3,
  suspicionLeastMs: 5_000,
  budgetBytesPerSecond: 8_000,
  syncIntervalMs: 30_000,
  deadProbeIntervalMs: 10_000,
  seedIntervalMs: 30_000,
  deadLifetimeMs: 24 * 3_600_000,
  leftLifetimeMs: 600_000,
  nodes: 16_384,
  clockWindowMs: 600_000,
};
