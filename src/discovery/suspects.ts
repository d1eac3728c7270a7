// Who is suspected here, since when, and until when each may refute.

import { type SuspicionSettings, suspicionTimeoutMs } from "./suspicion.ts";
import type { NodeRecord } from "./table.ts";

interface Suspect {
  readonly record: NodeRecord;
  readonly incarnation: number;
  since: number;
  deadline: number;
}

export class Suspects {
  readonly #settings: SuspicionSettings;
  readonly #suspects = new Map<string, Suspect>();
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(settings: SuspicionSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#suspects.size;
  }

  /** When the first suspicion runs out. */
  get dueAt(): number {
    return this.#dueAt;
  }

  list(): NodeRecord[] {
    return Array.from(this.#suspects.values(), ({ record }) => record);
  }

  /**
   * The record is suspect as of now, or has more accusers. `nodes`: live ones with this one.
   * `withinMs`: it is to end by then at the latest.
   */
  put(record: NodeRecord, of: { nodes: number; withinMs: number | undefined; now: number }): void {
    const { status } = record;
    if (status === undefined) return;
    const known = this.#suspects.get(record.id);
    const { incarnation } = status;
    const same = known?.incarnation === incarnation;
    const since = same ? known.since : of.now;
    const accusers = Math.max(1, status.accusers.length);
    const timeout = since + suspicionTimeoutMs({ nodes: of.nodes, accusers }, this.#settings);
    const hastened = of.withinMs === undefined ? Number.POSITIVE_INFINITY : of.now + of.withinMs;
    // Never later than it was: confirmations only shorten.
    const deadline = Math.min(timeout, hastened, same ? known.deadline : Number.POSITIVE_INFINITY);
    this.#suspects.set(record.id, { record, incarnation, since, deadline });
    this.#reckon();
  }

  clear(id: string): void {
    if (this.#suspects.delete(id)) this.#reckon();
  }

  /** 0 where this incarnation is not suspected. */
  suspectedForMs(record: NodeRecord, now: number): number {
    const known = this.#suspects.get(record.id);
    return known === undefined || known.incarnation !== record.status?.incarnation ? 0 : now - known.since;
  }

  /** Those whose time to refute is over. They leave the list. */
  takeExpired(now: number): NodeRecord[] {
    if (now < this.#dueAt) return [];
    const expired = [...this.#suspects.values()].filter(({ deadline }) => deadline <= now);
    for (const { record } of expired) this.#suspects.delete(record.id);
    this.#reckon();
    return expired.map(({ record }) => record);
  }

  /** This process heard nothing meanwhile, so everybody gets that time on top. */
  stalled(byMs: number): void {
    for (const suspect of this.#suspects.values()) {
      suspect.since += byMs;
      suspect.deadline += byMs;
    }
    this.#reckon();
  }

  #reckon(): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#suspects.values()) this.#dueAt = Math.min(this.#dueAt, deadline);
  }
}
