// What this node knows of the others: their last reports, and since when they are silent.

import type { Clock } from "../base/clock.ts";
import type { NodeReport } from "../messages/gen/unum/machine/v1/machine_pb.ts";

interface Known {
  readonly report: NodeReport;
  readonly at: number;
}

/** A node that was not heard of for so long is offline. */
export const OFFLINE_MS = 10_000;

export class Peers {
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get reports(): readonly NodeReport[] {
    return [...this.#known.values()].map(({ report }) => report);
  }

  /** Answers whether it was news. */
  hear(report: NodeReport): boolean {
    const known = this.#known.get(report.node);
    if (known !== undefined && known.report.version >= report.version) return false;
    this.#known.set(report.node, { report, at: this.#clock.now() });
    return true;
  }

  forget(node: string): void {
    this.#known.delete(node);
  }

  /** Since how long it is offline, in ms; 0 where it is not. */
  offlineMs(node: string): number {
    const known = this.#known.get(node);
    const silent = this.#clock.now() - (known?.at ?? 0);
    return known !== undefined && silent < OFFLINE_MS ? 0 : Math.max(1, Math.round(silent));
  }
}
