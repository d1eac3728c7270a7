// How items come in: one by one while there is room behind the source, in the order in which they asked.

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "unum";
import type { Delivery } from "../events.ts";
import type { GraphNode } from "../graph.ts";
import { deliveriesFrom, encode } from "../plan.ts";
import type { RouterCore } from "./core.ts";
import type { Dispatch } from "./dispatch.ts";

export class Intake {
  readonly #core: RouterCore;
  readonly #dispatch: Dispatch;
  readonly #whenRoom: (() => void)[] = [];

  constructor(core: RouterCore, dispatch: Dispatch) {
    this.#core = core;
    this.#dispatch = dispatch;
  }

  get isWaitedFor(): boolean {
    return this.#whenRoom.length > 0;
  }

  async submit(source: GraphNode, value: MessageInitShape<DescMessage>, key: string): Promise<number> {
    if (source.kind !== "source") throw new Fault("invalid", `'${source.name}' is no source`);
    const bytes = encode(source.output, value);
    const { state, writer, plan } = this.#core;
    for (let inLine = false; ; inLine = true) {
      this.#core.refuseWhereOver();
      const known = key === "" ? undefined : state.keys.get(key);
      if (known !== undefined) {
        // The room it waited for is the next one's. And who submitted it first may still wait for the disk (F3).
        if (inLine) this.letIn();
        await this.#core.onDisk();
        return known;
      }
      const isNext = inLine || this.#whenRoom.length === 0;
      if (isNext && this.#dispatch.hasRoom(source.id) && !writer.isFull) break;
      await new Promise<void>((resolve) => this.#whenRoom.push(resolve));
    }
    const task = this.#take(source.id, key, deliveriesFrom(plan, source.id, bytes, undefined));
    await this.#core.onDisk();
    return task;
  }

  /** An item along an edge, as if it had just come by it: a replay. */
  async enter(edge: number, value: Uint8Array, key: string): Promise<number> {
    this.#core.refuseWhereEnded();
    const from = this.#core.plan.graph.edges[edge]?.from ?? 0;
    const task = this.#take(from, key, [{ edge, value, reason: "" }]);
    await this.#core.onDisk();
    return task;
  }

  /** A schedule's item: that it fired and what it brought are in one block, so it comes once. */
  async fire(schedule: string, dueAt: number, source: number, value: Uint8Array): Promise<number> {
    this.#core.refuseWhereOver();
    this.#core.control({ what: "fired", schedule, dueAt });
    const task = this.#take(source, "", deliveriesFrom(this.#core.plan, source, value, undefined));
    await this.#core.onDisk();
    return task;
  }

  /** The first of those who wait, where there is room. */
  letIn(): void {
    const [wake] = this.#whenRoom;
    if (wake === undefined) return;
    const isRoom = this.#core.plan.nodes.some(({ kind, id }) => kind === "source" && this.#dispatch.hasRoom(id));
    if (!isRoom || this.#core.writer.isFull) return;
    this.#whenRoom.shift();
    wake();
  }

  /** All of them find out that nothing is taken in any more. */
  letAllGo(): void {
    for (const wake of this.#whenRoom.splice(0)) wake();
  }

  #take(node: number, key: string, deliveries: readonly Delivery[]): number {
    const id = this.#core.state.nextId;
    this.#core.emit({ kind: "submitted", at: this.#core.now(), node, key, deliveries });
    this.#core.soon();
    // The next in line has its turn once this one has taken its place.
    this.letIn();
    return id;
  }
}
