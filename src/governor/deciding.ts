// What lifecycle plugins decide over this node's containers, with what they are shown. Where there is none: nothing is made, nothing asked.

import type { ContainerView, Decisions, NodeView } from "../plugins/lifecycle.ts";
import type { Health } from "./decisions/health.ts";
import type { Kept } from "./kept.ts";
import type { Served } from "./served.ts";

export class Deciding {
  readonly #decisions: Decisions | undefined;

  constructor(decisions: Decisions | undefined) {
    this.#decisions = decisions;
  }

  /** The same, but for a zombie that a plugin spares: it stays suspected. */
  health(kept: Kept, health: Health): Health {
    if (this.#decisions === undefined || health.kind !== "kill") return health;
    if (this.#decisions.zombie(() => viewOf(kept), health.reason) === "kill") return health;
    return { kind: "suspected", reason: `${health.reason}; a plugin spares it`, killAt: Number.POSITIVE_INFINITY };
  }

  /** Whether an idle one may be stopped. */
  mayStop(kept: Kept | undefined): boolean {
    if (this.#decisions === undefined || kept === undefined) return true;
    return this.#decisions.idle(() => viewOf(kept)) === "stop";
  }

  /** How many containers should serve it. */
  serving(served: Served, containers: readonly Kept[], limit: number): number {
    if (this.#decisions === undefined) return served.target;
    const own = served.own(containers);
    const wanted = this.#decisions.serving(() => nodeOf(own, { program: served.name, limit, wanted: served.target }));
    return Math.min(Math.max(1, wanted), Math.max(1, limit));
  }

  spares(containers: readonly Kept[], limit: number, wanted: number): number {
    return this.#decisions?.spares(() => nodeOf(containers, { program: "", limit, wanted })) ?? wanted;
  }
}

function nodeOf(containers: readonly Kept[], of: Omit<NodeView, "containers">): NodeView {
  return { ...of, containers: containers.map(viewOf) };
}

function viewOf(kept: Kept): ContainerView {
  const { id, upMs, components } = kept;
  const { memoryBytes } = kept.usage;
  const { running, waiting } = kept.load;
  const contracts = components.map(({ contract }) => contract);
  return { id, pid: kept.process.id.pid, contracts, running, waiting, memoryBytes, upMs };
}
