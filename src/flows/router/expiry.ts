// What has waited too long: on its edge, or to be started at its step. The first in a line has waited longest.

import type { Timer } from "../../base/clock.ts";
import type { GraphEdge } from "../graph.ts";
import { policyOf } from "../plan.ts";
import type { RouterCore } from "./core.ts";

export class Expiry {
  readonly #core: RouterCore;
  #timer: Timer | undefined;

  constructor(core: RouterCore) {
    this.#core = core;
  }

  /** Ends what is over, and comes again when the next one may be. */
  sweep(): void {
    const now = this.#core.now();
    let next = Number.POSITIVE_INFINITY;
    for (const edge of this.#core.plan.graph.edges) next = Math.min(next, this.#sweepEdge(edge, now));
    this.#timer?.cancel();
    if (next !== Number.POSITIVE_INFINITY) this.#timer = this.#core.clock.after(next - now, () => this.#core.soon());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** When the first that is left will be over. */
  #sweepEdge(edge: GraphEdge, now: number): number {
    const { plan, state } = this.#core;
    const { expiryMs } = policyOf(plan, edge.id);
    const node = plan.nodes[edge.to];
    const startWithinMs = node?.kind === "step" ? node.policy.startWithinMs : Number.POSITIVE_INFINITY;
    const limitMs = Math.min(expiryMs, startWithinMs);
    const line = state.lines[edge.id];
    if (limitMs === Number.POSITIVE_INFINITY || line === undefined) return Number.POSITIVE_INFINITY;
    for (let task = line.peek(); task !== undefined; task = line.peek()) {
      const dueAt = task.changedAt + limitMs;
      if (dueAt > now) return dueAt;
      line.shift();
      if (expiryMs <= startWithinMs) {
        const reason = `waited longer than ${expiryMs} ms on ${edge.name}`;
        this.#core.emit({ kind: "ended", at: now, task: task.id, as: "expired", reason });
      } else {
        const reason = `not started within ${startWithinMs} ms`;
        this.#core.emit({ kind: "failed", at: now, task: task.id, cause: "time out", reason, retryAt: 0 });
      }
    }
    return Number.POSITIVE_INFINITY;
  }
}
