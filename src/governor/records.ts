// The records of the containers that a governor keeps, each written in the order of what happened to it.
//
// Invariants
//   D1. What is forgotten is not written again, however slow the disk is.

import type { Intent } from "./decisions/adoption.ts";
import type { Registry, Written } from "./registry.ts";

export class Records {
  readonly #registry: Registry;
  /** The last write of each. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Before its process is asked for. Throws the Fault of a disk that does not take it. */
  intend(intent: Omit<Intent, "ageMs">): void {
    this.#registry.intend(intent);
    this.keep(intent.id);
  }

  /** An earlier governor wrote it down. */
  keep(id: string): void {
    this.#writing.set(id, Promise.resolve());
  }

  /** Rejects with the Fault of a disk that does not take it. */
  write(record: Omit<Written, "writtenAt">): Promise<void> {
    const before = this.#writing.get(record.id);
    if (before === undefined) return Promise.resolve();
    const written = before
      .catch(() => {})
      .then(() => (this.#writing.has(record.id) ? this.#registry.write(record) : undefined));
    this.#writing.set(record.id, written);
    return written;
  }

  /** Settles when what was to be written of it is, or could not be. */
  async written(id: string): Promise<void> {
    await this.#writing.get(id)?.catch(() => {});
  }

  /** Only of one whose process has ended, or never was. */
  async forget(id: string): Promise<void> {
    const last = this.written(id);
    this.#writing.delete(id);
    await last;
    await this.#registry.forget(id);
  }
}
