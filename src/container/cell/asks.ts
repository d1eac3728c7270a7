// What one child asks its container for: each ask in the name of a call that the child works on, until it is answered or dropped.
//
//   ask ──▶ answer(…) ──▶ part … ──▶ answer          want: so many parts more          drop: nobody waits for it any more
//
// Invariants
//   A1. A child has MOST_ASKS asks at a time; past that they are refused.
//   A2. Of an ask no more parts are sent than the child wants, but for those of what it is told whole.
//   A3. A child that leaves UNREAD_LIMIT_BYTES unread is ended.
//   A4. What is read in the name of a call ends with that call: nobody reads it any more, and it would hold its place until the
//       call's time to live is over.

import { Fault } from "../../base/fault.ts";
import type { Call } from "../call.ts";
import type { FrameLink } from "./frame-link.ts";
import type { CellFrame } from "./frames.ts";
import { toldError } from "./told-error.ts";

/** One ask, as it is answered. */
export interface Ask {
  readonly head: CellFrame["head"];
  readonly body: Uint8Array;
  /** In whose name. */
  readonly call: Call;
  /** Aborts when the child drops it, or ends. */
  readonly signal: AbortSignal;
  /** What is kept for the call's later asks; gone when the call is over. */
  readonly kept: Map<number, unknown>;
  /** Sends a part. */
  part(head: object, body?: Uint8Array): void;
  /** Settles when the child wants a part more; counts it as given. Rejects when it is dropped. */
  wanted(): Promise<void>;
}

export interface Answered {
  readonly head?: object;
  readonly body?: Uint8Array;
}

/** Rejects with what the child is told: the Fault `denied` names the capability that is missing. */
export type Answer = (ask: Ask) => Promise<Answered>;

/** The call in whose name it asks. */
export interface InName {
  readonly call: Call;
  readonly kept: Map<number, unknown>;
}

interface Open {
  readonly abort: AbortController;
  /** A stream, in the name of this call; undefined of all else. */
  readonly readFor: InName | undefined;
  wanted: number;
  wake: () => void;
}

const MOST_ASKS = 256;
const MOST_WANTED = 65_536;
const UNREAD_LIMIT_BYTES = 16 * 2 ** 20;

export class Asks {
  readonly #link: FrameLink;
  readonly #answer: Answer | undefined;
  readonly #end: (why: string) => void;
  readonly #open = new Map<number, Open>();

  constructor(link: FrameLink, answer: Answer | undefined, end: (why: string) => void) {
    this.#link = link;
    this.#answer = answer;
    this.#end = end;
  }

  /** `inName`: undefined where that call is over. */
  async begin({ head, body }: CellFrame, inName: InName | undefined): Promise<void> {
    const number = Number(head["ask"]);
    if (this.#open.has(number)) return this.#end("it asks twice under one number");
    const readFor = head["verb"] === "stream" ? inName : undefined;
    const open: Open = { abort: new AbortController(), readFor, wanted: 0, wake: () => {} };
    this.#open.set(number, open);
    try {
      if (inName === undefined) throw new Fault("cancelled", "the call in whose name it asks is over");
      if (this.#open.size > MOST_ASKS)
        throw new Fault("overloaded", `a cell may ask for ${MOST_ASKS} things at a time`);
      if (this.#answer === undefined) throw new Fault("denied", "this cell may ask for nothing");
      const part = (told: object, bytes?: Uint8Array) => this.#send("part", { ask: number, ...told }, bytes);
      const wanted = () => this.#wanted(open);
      const answered = await this.#answer({ head, body, ...inName, signal: open.abort.signal, part, wanted });
      this.#send("answer", { ask: number, ...answered.head }, answered.body);
    } catch (thrown) {
      this.#send("answer", { ask: number, error: toldError(thrown) });
    } finally {
      this.#open.delete(number);
    }
  }

  want({ head }: CellFrame): void {
    const open = this.#open.get(Number(head["ask"]));
    if (open === undefined) return; // answered meanwhile
    const more = Number(head["count"]);
    if (!(more >= 1 && open.wanted + more <= MOST_WANTED)) return this.#end("it wants what nobody has");
    open.wanted += more;
    open.wake();
  }

  drop({ head }: CellFrame): void {
    const open = this.#open.get(Number(head["ask"]));
    if (open !== undefined) this.#abort([open], "the cell waits for it no more");
  }

  /** A4 */
  over(inName: InName): void {
    if (this.#open.size === 0) return;
    const read = [...this.#open.values()].filter(({ readFor }) => readFor === inName);
    this.#abort(read, "the call in whose name it was read is over");
  }

  /** The child has ended. */
  close(): void {
    this.#abort([...this.#open.values()], "the cell has ended");
  }

  #abort(those: readonly Open[], why: string): void {
    for (const open of those) {
      open.abort.abort(new Fault("cancelled", why));
      open.wake();
    }
  }

  /** A2 */
  async #wanted(open: Open): Promise<void> {
    while (open.wanted === 0) {
      open.abort.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        open.wake = resolve;
      });
    }
    open.abort.signal.throwIfAborted();
    open.wanted--;
  }

  /** A3 */
  #send(kind: "part" | "answer", head: object, body?: Uint8Array): void {
    this.#link.send(kind, head, body);
    if (this.#link.buffered > UNREAD_LIMIT_BYTES) this.#end("it does not read what it asked for");
  }
}
