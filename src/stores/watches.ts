// Who wants to be told of new versions, and of which he has been.

import { asError } from "../base/fault.ts";

type Notice = (key: string, version: number) => void;

interface Watch {
  readonly prefix: string;
  readonly notice: Notice;
  readonly known: Map<string, number>;
  /** Until what was there when it began is known, what is met may be old: it is held back. */
  held: [string, number][] | undefined;
}

export class Watches {
  readonly #all = new Set<Watch>();

  get size(): number {
    return this.#all.size;
  }

  /** `present`: the versions that are there now, of which nothing is told. Answers with what ends it. */
  add(prefix: string, notice: Notice, present: Promise<ReadonlyMap<string, number>>): () => void {
    const watch: Watch = { prefix, notice, known: new Map(), held: [] };
    this.#all.add(watch);
    const began = (known: ReadonlyMap<string, number>) => {
      const held = watch.held ?? [];
      watch.held = undefined;
      for (const [key, version] of known) watch.known.set(key, version);
      // What was written since the watch began is told, though it was seen with what was there.
      for (const [key, version] of held) if (watch.known.get(key) === version) watch.known.delete(key);
      for (const [key, version] of held) this.#tell(watch, key, version);
    };
    present.then(began, (error) => began(new Map([[asError(error).message, 0]])));
    return () => this.#all.delete(watch);
  }

  notice(key: string, version: number): void {
    for (const watch of this.#all) if (key.startsWith(watch.prefix)) this.#tell(watch, key, version);
  }

  clear(): void {
    this.#all.clear();
  }

  #tell(watch: Watch, key: string, version: number): void {
    if (!this.#all.has(watch)) return;
    if (watch.held !== undefined) return void watch.held.push([key, version]);
    if ((watch.known.get(key) ?? 0) >= version) return;
    watch.known.set(key, version);
    watch.notice(key, version);
  }
}
