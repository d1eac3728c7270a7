// Bytes that have come and wait to be read: so many at a time, or a line.

export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** Undefined where fewer have come. */
  take(count: number): Uint8Array | undefined {
    if (this.#length < count) return undefined;
    const all = this.#joined();
    this.#chunks = all.length > count ? [all.subarray(count)] : [];
    this.#length = all.length - count;
    return all.subarray(0, count);
  }

  /** Without its end; undefined where none is whole. Throws for one that is longer than `limit`. */
  takeLine(limit: number): string | undefined {
    const all = this.#joined();
    const end = all.indexOf(10);
    if (end < 0) {
      if (all.length > limit) throw new Error(`wrote a line of more than ${limit} bytes`);
      return undefined;
    }
    const line = this.take(end + 1) ?? all;
    return new TextDecoder().decode(line.subarray(0, end));
  }

  #joined(): Uint8Array {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first !== undefined) return first;
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [all];
    return all;
  }
}
