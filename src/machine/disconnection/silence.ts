// Since when no controller was reached, and which programs were stopped for it: kept on disk, so that one that is to stay
// stopped does so under the next governor too. A governor that was just started counts from then.

import { z } from "zod";
import type { Clock } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import { asError } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";

/** Program → digest of the record under which it was stopped. */
const stoppedSchema = z.record(z.string(), z.string());
const LIMIT_BYTES = 2 ** 20;

export interface SilenceParts {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly log: Log;
  /** Absolute: the file of programs that were stopped. */
  readonly path: string;
  /** A controller reaches itself. */
  readonly controller: boolean;
}

export class Silence {
  readonly #parts: SilenceParts;
  #reachedAt: number;
  #stopped: ReadonlyMap<string, string> = new Map();
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: SilenceParts) {
    this.#parts = parts;
    this.#reachedAt = parts.clock.now();
  }

  async open(): Promise<void> {
    const { disk, path, log, clock } = this.#parts;
    this.#reachedAt = clock.now();
    const bytes = await disk.read(path, LIMIT_BYTES);
    if (bytes === undefined) return;
    try {
      this.#stopped = new Map(Object.entries(stoppedSchema.parse(JSON.parse(new TextDecoder().decode(bytes)))));
    } catch (error) {
      log.write("error", `${path} is not as it was written, and is passed over: ${asError(error).message}`);
    }
  }

  /** Since a controller was reached, in ms. */
  get silentMs(): number {
    return this.#parts.controller ? 0 : this.#parts.clock.now() - this.#reachedAt;
  }

  /** A controller answered what was asked then: it was reached at that moment, whenever its answer came. */
  reached(askedAt: number): void {
    this.#reachedAt = Math.max(this.#reachedAt, askedAt);
  }

  /** Under which record the program was stopped for silence. */
  stoppedUnder(program: string): string | undefined {
    return this.#stopped.get(program);
  }

  /** `record`: undefined where it runs. */
  remember(program: string, record: string | undefined): void {
    const known = this.#stopped.get(program);
    if (known === record) return;
    const next = new Map(this.#stopped);
    if (record === undefined) next.delete(program);
    else next.set(program, record);
    this.#stopped = next;
    const { disk, path, log } = this.#parts;
    this.#writing = this.#writing
      .then(() => disk.replace(path, new TextEncoder().encode(JSON.stringify(Object.fromEntries(next)))))
      .catch((error) => log.write("error", `${path}: ${asError(error).message}`));
  }
}
