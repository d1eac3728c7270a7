// Limits that were changed while a governor ran, for the next one that the same keeper starts.
//
// One file: RUN/limits.json. A keeper's first governor goes by what it was started with, and forgets what an earlier one left.

import type { Clock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import { asError } from "../base/fault.ts";
import { changeLimits, type Limits, type LimitsChange } from "../capacity/limits.ts";
import type { Events } from "./events.ts";

const LIMIT_BYTES = 1024 * 1024;
/** What could not be written, as on a full disk, is tried again. */
const AGAIN_MS = 1_000;

export class LimitsFile {
  readonly #path: string;
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #events: Events;
  #wanted: Limits | undefined;
  #writing: Promise<void> | undefined;

  constructor(run: string, parts: { readonly disk: Disk; readonly clock: Clock; readonly events: Events }) {
    this.#path = `${run}/limits.json`;
    this.#disk = parts.disk;
    this.#clock = parts.clock;
    this.#events = parts.events;
  }

  /** What was in force before; undefined where nothing was changed, or it cannot be read any more. */
  async read(defaults: Limits): Promise<Limits | undefined> {
    try {
      const bytes = await this.#disk.read(this.#path, LIMIT_BYTES);
      if (bytes === undefined) return undefined;
      // Written below; what does not hold together is refused by changeLimits.
      const kept = JSON.parse(new TextDecoder().decode(bytes)) as LimitsChange;
      return changeLimits(defaults, kept, defaults);
    } catch (error) {
      this.#events.say("warn", `the limits of an earlier governor cannot be read: ${asError(error).message}`);
      return undefined;
    }
  }

  /** Settles when they are written, or could not be at once: then they are tried again until they are, or others are wanted. */
  async write(limits: Limits): Promise<void> {
    this.#wanted = limits;
    await this.#writing;
    this.#writing ??= this.#writeWanted().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  async forget(): Promise<void> {
    await this.#disk.remove(this.#path).catch((error) => this.#events.say("warn", asError(error).message));
  }

  async #writeWanted(): Promise<void> {
    const limits = this.#wanted;
    if (limits === undefined) return;
    try {
      await this.#disk.replace(this.#path, new TextEncoder().encode(JSON.stringify(limits)));
      if (this.#wanted === limits) this.#wanted = undefined;
    } catch (error) {
      this.#events.say("warn", `the limits hold, and end with this governor: ${asError(error).message}`);
      this.#clock.after(AGAIN_MS, () => {
        if (this.#wanted === limits) void this.write(limits);
      });
    }
  }
}
