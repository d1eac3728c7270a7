// What fixed points do once enough has come: parts that are together, batches that are full, joins of a run to which nothing more can come.

import type { Timer } from "../../base/clock.ts";
import { whenGathered, whenTogether } from "../decide.ts";
import type { GraphNode } from "../graph.ts";
import { gathersAll } from "../plan.ts";
import type { RouterCore } from "./core.ts";

export class Joining {
  readonly #core: RouterCore;
  readonly #gatherers: readonly GraphNode[];
  readonly #batchTimers = new Map<number, Timer>();

  constructor(core: RouterCore) {
    this.#core = core;
    this.#gatherers = core.plan.nodes.filter(gathersAll);
  }

  joinTogether(): void {
    const { state, plan } = this.#core;
    const { together } = state;
    for (let task = together.shift(); task !== undefined; task = together.shift()) {
      if (task.state !== "split" || task.open > 0) continue;
      const event = whenTogether(plan, task, this.#core.now());
      if (event !== undefined) this.#core.emit(event);
    }
  }

  gather(): void {
    const { state } = this.#core;
    for (const node of this.#gatherers) {
      const held = state.gathered[node.id] ?? [];
      if (node.kind === "batch") {
        while (held.length >= node.items) this.#letGo(node.id, node.items);
        if (held.length > 0 && !state.isQuiet(node.id)) this.#batchLater(node.id, node.withinMs);
      }
      if (held.length > 0 && state.isQuiet(node.id)) {
        this.#letGo(node.id, held.length);
        // What it made may be all that another one waits for.
        this.joinTogether();
      }
    }
  }

  stop(): void {
    for (const timer of this.#batchTimers.values()) timer.cancel();
  }

  #letGo(node: number, count: number): void {
    const held = this.#core.state.gathered[node] ?? [];
    this.#core.emit(whenGathered(this.#core.plan, node, held, count, this.#core.now()));
  }

  #batchLater(node: number, withinMs: number): void {
    if (this.#batchTimers.has(node)) return;
    const fire = () => {
      this.#batchTimers.delete(node);
      const held = this.#core.state.gathered[node] ?? [];
      if (held.length > 0) this.#letGo(node, held.length);
      this.#core.soon();
    };
    this.#batchTimers.set(node, this.#core.clock.after(withinMs, fire));
  }
}
