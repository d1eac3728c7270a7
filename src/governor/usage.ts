// What one container uses with its cells, as it was measured last.

export class Usage {
  memoryBytes = 0;
  /** The lesser of what was measured last and before: what it uses for longer than a moment. */
  lastingMemoryBytes = 0;
  /** Of one processor, in thousandths, between the last two measurements. */
  cpuPermille = 0;
  /** Since it began. */
  processorMs = 0;
  #at: number | undefined;

  memory(bytes: number): void {
    this.lastingMemoryBytes = Math.min(bytes, this.memoryBytes);
    this.memoryBytes = bytes;
  }

  /** `usedMs`: since it began; undefined where nobody knows. What looks like less than before is a process that ended while it was looked at. */
  processors(usedMs: number | undefined, at: number): void {
    if (usedMs === undefined) return;
    const [before, known] = [this.#at, this.processorMs];
    this.#at = at;
    this.processorMs = Math.max(usedMs, known);
    if (before !== undefined && before < at)
      this.cpuPermille = Math.round((1_000 * (this.processorMs - known)) / (at - before));
  }
}
