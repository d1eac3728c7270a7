// New versions of a program's objects, as they are read: what comes faster than it is read is told by its newest.
//
//   notice(key, version) ──▶ one entry a key ──next──▶ { key, version }          return: at once, also while it waits

import { Fault } from "../../base/fault.ts";

export interface ObjectNews {
  readonly key: string;
  readonly version: bigint;
}

type Result = IteratorResult<ObjectNews, undefined>;

export class ObjectWatch implements AsyncIterableIterator<ObjectNews, undefined> {
  readonly #limit: number;
  readonly #news = new Map<string, number>();
  /** Ends the watch at the store. */
  readonly #end: () => void;
  #waiting: PromiseWithResolvers<Result> | undefined;
  #failure: Fault | undefined;
  #isOver = false;

  /** `begin`: answers with what ends it, and tells nothing before it has. `limit`: keys of which something is unread. */
  constructor(limit: number, begin: (notice: (key: string, version: number) => void) => () => void) {
    this.#limit = limit;
    this.#end = begin((key, version) => this.#notice(key, version));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const [first] = this.#news;
    if (first !== undefined) {
      const [key, version] = first;
      this.#news.delete(key);
      return Promise.resolve({ done: false, value: { key, version: BigInt(version) } });
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  return(): Promise<Result> {
    this.#stop();
    this.#news.clear();
    this.#waiting?.resolve({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  #notice(key: string, version: number): void {
    if (this.#isOver) return;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      return waiting.resolve({ done: false, value: { key, version: BigInt(version) } });
    }
    if (!this.#news.has(key) && this.#news.size >= this.#limit) {
      this.#failure = new Fault(
        "overloaded",
        `${this.#news.size} objects have versions that were not read, the limit is ${this.#limit}; read on, or watch fewer`,
      );
      this.#news.clear();
      return this.#stop();
    }
    this.#news.set(key, version);
  }

  #stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end();
  }
}
