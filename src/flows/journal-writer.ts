// From events to blocks on disk: while one block is written, the next one fills. Nobody waits for more than is under way.
//
// Invariants
//   J5. One block is on its way at a time; what came meanwhile is the next one.
//   J6. `acknowledged` grows one by one, and `onAcknowledged` is called once for each.
//   J7. A block that found no room is handed over again, the same, until it is kept; meanwhile nothing is acknowledged.

import { Fault } from "unum";
import type { Clock, Timer } from "../base/clock.ts";
import { asError } from "../base/fault.ts";
import { ByteWriter } from "./byte-writer.ts";
import { writeEvent } from "./event-codec.ts";
import type { FlowEvent } from "./events.ts";
import type { Block, Journal, TaskRow } from "./journal/journal.ts";

export interface WriterParts {
  readonly clock: Clock;
  readonly journal: Journal;
  /** Rows that changed and are to go along with the block. */
  readonly takeRows: () => readonly TaskRow[] | undefined;
  readonly onAcknowledged: (block: number) => void;
  /** There is no room on disk, or there is again (undefined). */
  readonly onTrouble: (trouble: Fault | undefined) => void;
  /** Nothing can be written any more: the run belongs to another router, or its file is broken. */
  readonly onLost: (why: Fault) => void;
}

const RETRY_MS = 1_000;
/** A block that is larger is not added to while it waits. */
const LARGEST_BLOCK_BYTES = 8 * 1024 * 1024;

export class JournalWriter {
  readonly #parts: WriterParts;
  readonly #bytes = new ByteWriter(64 * 1024);
  #acknowledged: number;
  #writing = false;
  #lost = false;
  #urgent = false;
  #retry: Timer | undefined;
  #closing: (() => void) | undefined;
  /** So far. */
  events = 0;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#acknowledged = parts.journal.position;
  }

  /** The last block that is on disk. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The block that an event written now will be in. */
  get filling(): number {
    return this.#acknowledged + (this.#writing ? 2 : 1);
  }

  /** The block that holds the last event written so far. */
  get last(): number {
    return this.#bytes.length > 0 ? this.filling : this.#acknowledged + (this.#writing ? 1 : 0);
  }

  get isFull(): boolean {
    return this.#bytes.length > LARGEST_BLOCK_BYTES;
  }

  /** `urgent`: somebody waits for it to be on disk. What is not goes along with what is. */
  write(event: FlowEvent, urgent: boolean): void {
    this.events++;
    if (urgent) this.#urgent = true;
    writeEvent(this.#bytes, event);
  }

  /** Writes what there is, as soon as the disk is free, where some of it is urgent. `all`: even where it is rows alone. */
  flush(all = false): void {
    if (this.#writing || this.#lost || !(this.#urgent || all)) return;
    this.#urgent = false;
    const block: Block = {
      position: this.#acknowledged + 1,
      rows: this.#parts.takeRows(),
      bytes: this.#bytes.take(),
    };
    this.#writing = true;
    void this.#append(block);
  }

  /** Settles when the last block is on disk, or when that cannot be. */
  async close(): Promise<void> {
    this.flush(this.#bytes.length > 0);
    if (this.#writing && !this.#lost) {
      await new Promise<void>((resolve) => {
        this.#closing = resolve;
      });
    }
    this.#retry?.cancel();
  }

  async #append(block: Block): Promise<void> {
    try {
      await this.#parts.journal.append(block);
    } catch (thrown) {
      return this.#failed(block, asError(thrown));
    }
    this.#writing = false;
    this.#acknowledged = block.position;
    this.#parts.onAcknowledged(block.position);
    this.flush();
    if (!this.#writing) this.#closing?.();
  }

  #failed(block: Block, error: Error): void {
    if (error instanceof Fault && error.code === "overloaded" && this.#closing === undefined) {
      this.#parts.onTrouble(error);
      this.#retry = this.#parts.clock.after(RETRY_MS, () => void this.#again(block));
      return;
    }
    this.#lost = true;
    const fault = error instanceof Fault ? error : new Fault("internal", error.message, { cause: error });
    this.#parts.onLost(fault);
    this.#closing?.();
  }

  async #again(block: Block): Promise<void> {
    await this.#append(block);
    if (this.#acknowledged >= block.position) this.#parts.onTrouble(undefined);
  }
}
