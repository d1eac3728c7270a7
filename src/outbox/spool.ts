// One box on disk: messages that outlive whoever keeps them.
//
//   put ─▶ pending ─▶ one append, synced, for all that came meanwhile ─▶ in the box ─▶ taken, read back, gone
//                      FOLDER/000000001.log · 000000002.log · …  a segment is removed when all before it and in it are gone
//
// Invariants
//   S1. Who put a message is answered when it would outlast a loss of power, and not before it is in the box.
//   S2. A torn end costs what was never acknowledged, and nothing else; what is written later is never behind it.
//   S3. What is gone and was said to be gone on disk does not come back; one that was gone and not yet said may.
//   S4. In memory there are an entry for each message, the segment being written and the one read last: not the messages.
//   S5. A clock that was set back makes nothing live longer than it had left when the last segment was begun.

import type { Clock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import { asError, Fault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { Box, type BoxLimits, type Item } from "./box.ts";
import { encodeGone, encodeHead, encodePut } from "./records.ts";
import { replay } from "./replay.ts";
import { type Place, SegmentFiles } from "./segment-files.ts";

/** What is to be kept. */
export interface Fresh {
  readonly message: Uint8Array;
  readonly lane: string;
  /** On the clock, in ms; infinite where it does not expire. */
  readonly expiresAt: number;
  readonly key: string;
  /** Its number with whoever numbers it; 0 where that is this spool. */
  readonly mark: number;
}

export interface SpoolParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** Absolute; made where there is none. */
  readonly folder: string;
  readonly limits: BoxLimits;
  /** Its name where nothing is on disk yet: nobody else draws it. */
  readonly id: string;
  /** Told of every message that leaves without having been taken. */
  readonly left: (items: readonly Item<Place>[], why: Left) => void;
}

/** What left the box, and why; each counted by whoever is told. */
export type Left = "superseded" | "expired" | "purged";

interface Pending {
  readonly fresh: Fresh;
  readonly sequence: number;
  readonly done: (superseded: Item<Place> | undefined) => void;
  readonly failed: (why: Error) => void;
}

/** Of one message. */
export const MESSAGE_LIMIT_BYTES = 2 ** 20;
/** In one append. */
const APPEND_BYTES = 2 ** 20;
/** The disk may hold so much more than twice what lives, before what lives is written anew. */
const SLACK_BYTES = 4 * 2 ** 20;
const KEY_LIMIT_BYTES = 1_000;

export class Spool {
  readonly box: Box<Place>;
  readonly #parts: SpoolParts;
  readonly #files: SegmentFiles;
  #id = "";
  #stream = "";
  #sequence = 0;
  #mark = 0;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  /** Gone, and not yet said on disk. */
  #gone: number[] = [];
  #headChanged = false;
  #writing: Promise<void> | undefined;
  #again = false;

  private constructor(parts: SpoolParts) {
    this.#parts = parts;
    this.box = new Box(parts.limits);
    this.#files = new SegmentFiles(parts.disk, parts.folder);
  }

  static async open(parts: SpoolParts): Promise<Spool> {
    const spool = new Spool(parts);
    await spool.#open();
    return spool;
  }

  /** Names its sequences: gone with its files. */
  get id(): string {
    return this.#id;
  }

  /** Names the numbering of its messages: its own, unless it follows another. */
  get stream(): string {
    return this.#stream;
  }

  /** The highest number of the stream that is on disk here, or was. */
  get mark(): number {
    return this.#mark;
  }

  isFull(bytes: number): boolean {
    const { items } = this.box.limits;
    return this.box.items + this.#pending.length >= items || this.box.isFull(bytes + this.#pendingBytes);
  }

  /** Settles with its sequence when it would outlast a loss of power. Rejects with `overloaded`, `invalid`, or what the disk says. */
  put(fresh: Fresh): Promise<number> {
    const { message, key } = fresh;
    const bytes = message.length;
    const most = this.box.limits;
    if (bytes > MESSAGE_LIMIT_BYTES || Buffer.byteLength(key) > KEY_LIMIT_BYTES)
      throw new Fault(
        "invalid",
        `a message of ${bytes} bytes is too long to be kept; the limit is ${MESSAGE_LIMIT_BYTES}, and ${KEY_LIMIT_BYTES} for its key`,
      );
    if (this.isFull(bytes)) {
      const held = `${this.box.items + this.#pending.length} messages, ${this.box.bytes + this.#pendingBytes} bytes`;
      throw new Fault(
        "overloaded",
        `the outbox is full: ${held}; the limits are ${most.items} and ${most.bytes}; give messages an end (ttlMs) or a key that supersedes`,
      );
    }
    const sequence = ++this.#sequence;
    this.#pendingBytes += bytes;
    return new Promise((resolve, reject) => {
      const done = (superseded: Item<Place> | undefined) => {
        if (superseded !== undefined) this.#leave([superseded], "superseded");
        resolve(sequence);
      };
      this.#pending.push({ fresh, sequence, done, failed: reject });
      this.#writeSoon();
    });
  }

  /** Another numbering begins: marks count anew. */
  follow(stream: string): void {
    if (stream === this.#stream) return;
    this.#stream = stream;
    this.#mark = 0;
    this.#headChanged = true;
    this.#writeSoon();
  }

  /** The first of a lane that live, under way from now on; `ended` says what became of them. */
  take(lane: string, most: BoxLimits): readonly Item<Place>[] {
    this.purge();
    return this.box.take(lane, most, this.#parts.clock.now());
  }

  /** The messages of what was taken, in the same order. Rejects with `invalid` where one is not as it was written. */
  async read(items: readonly Item<Place>[]): Promise<readonly Uint8Array[]> {
    const messages: Uint8Array[] = [];
    for (const { lane, sequence, place } of items) {
      // What lives may have been written anew since it was taken.
      const now = () => this.box.get(lane, sequence)?.place ?? place;
      const message = (await this.#files.read(now())) ?? (await this.#files.read(now()));
      if (message === undefined) throw new Fault("invalid", `message ${sequence} in ${this.#parts.folder} is damaged`);
      messages.push(message);
    }
    return messages;
  }

  /** Of what was taken, `done` are gone, the others wait again. */
  ended(lane: string, done: ReadonlySet<number>): void {
    const { gone, superseded } = this.box.ended(lane, done);
    this.#forget(gone);
    if (superseded.length > 0) this.#leave(superseded, "superseded");
  }

  /** Takes out what has expired. */
  purge(): void {
    const expired = this.box.expire(this.#parts.clock.now());
    if (expired.length > 0) this.#leave(expired, "expired");
  }

  /** Takes out all that waits in a lane. */
  clear(lane: string): void {
    const cleared = this.box.clear(lane);
    if (cleared.length > 0) this.#leave(cleared, "purged");
  }

  /** Settles when all that was said so far is on disk, or cannot be brought there. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async remove(): Promise<void> {
    await this.settled();
    await this.#parts.disk.removeFolder(this.#parts.folder);
  }

  // --- the disk

  async #open(): Promise<void> {
    const { disk, clock, log, folder, id } = this.#parts;
    await disk.makeFolder(folder);
    const found = await replay(disk, folder, (text) => log.write("error", text));
    const { head, puts, segments } = found;
    this.#id = head?.id ?? id;
    this.#stream = head?.stream ?? this.#id;
    this.#sequence = found.sequence;
    this.#mark = found.mark;
    // S5: it is at least as late as it was then.
    const wallNow = Math.max(clock.wallNow(), found.wallMs);
    this.#files.open(segments, head?.first ?? 1);
    for (const { put, segment } of puts) {
      const { sequence, lane, key, offset, bytes, expiresWallMs } = put;
      const expiresAt = clock.now() + (expiresWallMs - wallNow);
      const superseded = this.box.put({ sequence, lane, key, bytes, expiresAt, place: { segment, offset, bytes } });
      if (superseded !== undefined) this.#leave([superseded], "superseded");
    }
    this.purge();
  }

  #leave(items: readonly Item<Place>[], why: Left): void {
    this.#parts.left(items, why);
    this.#forget(items);
  }

  #forget(items: readonly Item<Place>[]): void {
    for (const { sequence, place } of items) {
      this.#gone.push(sequence);
      this.#files.freed(place);
    }
    if (items.length > 0) this.#writeSoon();
  }

  #writeSoon(): void {
    this.#again = true;
    this.#writing ??= this.#writes().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writes(): Promise<void> {
    while (this.#again) {
      // What else this turn brings goes along.
      await new Promise<void>((resolve) => this.#parts.clock.soon(resolve));
      this.#again = false;
      await this.#write();
    }
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0 || this.#gone.length > 0 || this.#headChanged) {
      const batch = this.#nextBatch();
      const gone = this.#gone.splice(0);
      try {
        await this.#append(batch, gone);
      } catch (error) {
        this.#gone.unshift(...gone);
        this.#files.abandon();
        // None that was put before this was known is written after it: a later one would hide that this one is missing.
        this.#pendingBytes = 0;
        for (const { failed } of [...batch, ...this.#pending.splice(0)]) failed(asError(error));
        // Said again with whatever is written next; until then it may come back (S3).
        if (batch.length === 0) return;
      }
    }
    await this.#tidy().catch((error) => this.#parts.log.write("warn", `outbox: ${asError(error).message}`));
  }

  #nextBatch(): readonly Pending[] {
    let bytes = 0;
    const most = this.#pending.findIndex(({ fresh }) => {
      bytes += fresh.message.length;
      return bytes > APPEND_BYTES;
    });
    const batch = this.#pending.splice(0, most < 0 ? this.#pending.length : Math.max(1, most));
    for (const { fresh } of batch) this.#pendingBytes -= fresh.message.length;
    return batch;
  }

  async #append(batch: readonly Pending[], gone: readonly number[]): Promise<void> {
    const { clock } = this.#parts;
    const [now, wallNow] = [clock.now(), clock.wallNow()];
    const writer = this.#files.writer();
    if (writer.isNew || this.#headChanged) writer.add(this.#head(wallNow));
    this.#headChanged = false;
    if (gone.length > 0) writer.add(encodeGone(gone));
    const places = batch.map(({ fresh: { lane, key, mark, expiresAt, message }, sequence }) => {
      const { record, offset } = encodePut(
        { sequence, mark, lane, key, expiresWallMs: wallNow + (expiresAt - now) },
        message,
      );
      return writer.addMessage(record, offset, message.length);
    });
    try {
      await writer.write();
    } catch (error) {
      this.#headChanged = true;
      throw error;
    }
    batch.forEach(({ fresh: { lane, key, mark, expiresAt, message }, sequence, done }, index) => {
      const place = places[index];
      if (place === undefined) return;
      // Only now: what could not be written may come again.
      if (mark > this.#mark) this.#mark = mark;
      done(this.box.put({ sequence, lane, key, expiresAt, bytes: message.length, place }));
    });
  }

  #head(wallMs: number): Buffer {
    const { first } = this.#files;
    const [id, stream] = [this.#id, this.#stream];
    return encodeHead({ sequence: this.#sequence, id, stream, mark: this.#mark, wallMs, first });
  }

  /** Removes segments that are over, the oldest first; writes anew what keeps a mostly empty one from being over. */
  async #tidy(): Promise<void> {
    if (this.#files.bytes > 2 * this.box.bytes + SLACK_BYTES) await this.#moveOldest();
    if (!this.#files.skipOver()) return;
    // First said, then done: after a loss of power a file may be back, and what said that its messages are gone may not.
    const writer = this.#files.writer();
    writer.add(this.#head(this.#parts.clock.wallNow()));
    await writer.write();
    await this.#files.removeOver();
  }

  async #moveOldest(): Promise<void> {
    const { clock } = this.#parts;
    const [now, wallNow] = [clock.now(), clock.wallNow()];
    const oldest = this.#files.oldest;
    const left = [...this.box].filter(({ place: { segment } }) => segment === oldest);
    if (oldest === undefined || left.length === 0) return;
    const messages = await this.read(left);
    const writer = this.#files.writer();
    if (writer.isNew) writer.add(this.#head(wallNow));
    const places = left.map(({ sequence, lane, key, expiresAt }, index) => {
      const message = messages[index] ?? new Uint8Array();
      const { record, offset } = encodePut(
        // Its mark is in the head already.
        { sequence, mark: 0, lane, key, expiresWallMs: wallNow + (expiresAt - now) },
        message,
      );
      return writer.addMessage(record, offset, message.length);
    });
    await writer.write();
    left.forEach((item, index) => {
      const place = places[index];
      const present = this.box.get(item.lane, item.sequence);
      if (place === undefined) return;
      // It may have gone while it was written.
      if (present === undefined) this.#files.freed(place);
      else {
        this.box.moved(item.sequence, item.lane, place);
        this.#files.freed(present.place);
      }
    });
  }
}
