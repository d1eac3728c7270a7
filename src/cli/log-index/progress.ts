// How far a long reading is: on a terminal a line that is drawn again, with the rate and the time that is left.

import type { Clock } from "../../base/clock.ts";
import { formatMs } from "../duration.ts";
import { formatSize } from "../size.ts";
import type { Terminal } from "../terminal.ts";
import { short } from "./numbers.ts";

const DRAW_EVERY_MS = 100;

export class Progress {
  readonly #clock: Clock;
  readonly #terminal: Terminal;
  readonly #totalBytes: number;
  readonly #startedAt: number;
  #bytes = 0;
  #records = 0;
  #drawnAt = 0;
  #isDrawn = false;

  constructor(settings: { clock: Clock; terminal: Terminal; totalBytes: number }) {
    this.#clock = settings.clock;
    this.#terminal = settings.terminal;
    this.#totalBytes = settings.totalBytes;
    this.#startedAt = settings.clock.now();
  }

  add(bytes: number, records: number): void {
    this.#bytes += bytes;
    this.#records += records;
    const now = this.#clock.now();
    if (this.#terminal.redraw === undefined || now - this.#drawnAt < DRAW_EVERY_MS) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    this.#terminal.redraw(this.#line(now - this.#startedAt));
  }

  #line(ms: number): string {
    const part = Math.min(1, this.#bytes / Math.max(1, this.#totalBytes));
    const filled = Math.round(part * 24);
    const left = part > 0 && part < 1 ? `, ${formatMs((ms / part) * (1 - part))} left` : "";
    const rate = short((this.#records / Math.max(1, ms)) * 1000);
    return `${"█".repeat(filled)}${"░".repeat(24 - filled)} ${String(Math.round(part * 100)).padStart(3)} %  ${formatSize(this.#bytes)}, ${short(this.#records)} lines, ${rate} lines/s${left}`;
  }

  /** The line is taken away. */
  done(): void {
    if (this.#isDrawn) this.#terminal.redraw?.("");
  }
}
