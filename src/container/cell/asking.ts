// What a cell asks its container for, and what came of it: the cell's side.

import { asError, Fault } from "../../base/fault.ts";
import type { FrameLink } from "./frame-link.ts";
import type { CellFrame } from "./frames.ts";
import { errorTold } from "./told-error.ts";

export interface Told {
  readonly head: CellFrame["head"];
  readonly body: Uint8Array;
}

export interface Asked {
  /** Of the ask. */
  readonly number: number;
  /** Rejects with what the container says, or as the signal aborts. */
  readonly answer: Promise<Told>;
  want(count: number): void;
  /** Nobody waits for it any more. */
  drop(): void;
}

interface Waiting {
  readonly resolve: (told: Told) => void;
  readonly reject: (error: Error) => void;
  readonly part: ((told: Told) => void) | undefined;
}

export class Asking {
  readonly #link: FrameLink;
  readonly #waiting = new Map<number, Waiting>();
  /** Contracts whose descriptors the container has. */
  readonly said = new Set<string>();
  #next = 1;

  constructor(link: FrameLink) {
    this.#link = link;
  }

  /** `id`: of the call in whose name it asks. */
  ask(
    id: number,
    head: object,
    body?: Uint8Array,
    { part, signal }: { part?: ((told: Told) => void) | undefined; signal?: AbortSignal | undefined } = {},
  ): Asked {
    signal?.throwIfAborted();
    const number = this.#next++;
    const drop = () => {
      if (this.#waiting.has(number)) this.#link.send("drop", { ask: number });
    };
    const answer = new Promise<Told>((resolve, reject) => {
      const withdrawn = () => {
        drop();
        const { reason } = signal ?? {};
        settled();
        reject(reason instanceof Fault ? reason : new Fault("cancelled", asError(reason).message));
      };
      const settled = () => {
        this.#waiting.delete(number);
        signal?.removeEventListener("abort", withdrawn);
      };
      const done =
        <T>(with_: (value: T) => void) =>
        (value: T) => {
          settled();
          with_(value);
        };
      signal?.addEventListener("abort", withdrawn, { once: true });
      this.#waiting.set(number, { resolve: done(resolve), reject: done(reject), part });
    });
    // Who waits for parts may hear of its end there alone.
    answer.catch(() => {});
    this.#link.send("ask", { id, ask: number, ...head }, body);
    return { number, answer, drop, want: (count) => this.#link.send("want", { ask: number, count }) };
  }

  answered(head: CellFrame["head"], body: Uint8Array): void {
    const waiting = this.#waiting.get(Number(head["ask"]));
    const { error } = head;
    if (error === undefined) waiting?.resolve({ head, body });
    else waiting?.reject(errorTold(error));
  }

  part(head: CellFrame["head"], body: Uint8Array): void {
    this.#waiting.get(Number(head["ask"]))?.part?.({ head, body });
  }
}
