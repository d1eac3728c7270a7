// What a node remembers of its network while no governor runs: how often it has joined, and where others were.
//
//   RUN/incarnation   a number, as text      RUN/peers   HOST:PORT, a line each

import type { Clock } from "../base/clock.ts";
import { readAddress } from "../base/datagrams.ts";
import type { Disk } from "../base/disk.ts";

const LIMIT_BYTES = 64 * 1024;
/** Seeds to come back by; more would not help. */
const KEPT = 32;
/** Addresses are written at most this often. */
const WRITE_EVERY_MS = 5_000;

export class Memory {
  readonly #disk: Disk;
  readonly #run: string;
  readonly #clock: Clock;
  #written = "";
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(disk: Disk, run: string, clock: Clock) {
    this.#disk = disk;
    this.#run = run;
    this.#clock = clock;
  }

  /** Greater than any that this node ever had: also where the file is gone, or the wall clock went back. */
  async nextIncarnation(): Promise<number> {
    const path = `${this.#run}/incarnation`;
    const before = Number(await this.#read(path));
    const now = Math.floor(this.#clock.wallNow());
    const next = Math.max(now, Number.isSafeInteger(before) ? before + 1 : 0, 1);
    await this.#disk.replace(path, new TextEncoder().encode(`${next}\n`));
    return next;
  }

  async addresses(): Promise<readonly string[]> {
    const lines = (await this.#read(`${this.#run}/peers`)).split("\n");
    return lines.filter((line) => readAddress(line) !== undefined).slice(0, KEPT);
  }

  /** Whoever is alone now may be so because it was cut off: what was known stays. */
  remember(addresses: readonly string[]): void {
    const text = [...addresses].sort().slice(0, KEPT).join("\n");
    const now = this.#clock.now();
    if (text === "" || text === this.#written || now - this.#writtenAt < WRITE_EVERY_MS) return;
    this.#written = text;
    this.#writtenAt = now;
    // What is not remembered costs the next start a look at the seeds.
    this.#disk.replace(`${this.#run}/peers`, new TextEncoder().encode(`${text}\n`)).catch(() => {});
  }

  async #read(path: string): Promise<string> {
    const bytes = await this.#disk.read(path, LIMIT_BYTES).catch(() => undefined);
    return new TextDecoder().decode(bytes ?? new Uint8Array()).trim();
  }
}
