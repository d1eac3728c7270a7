// Whose turn it is: what waits in the inbox, what runs, and who is next.
//
//   offer ──▶ nobody waits, and it may run now? ──▶ start
//        └──▶ inbox ──▶ its turn ─────────────────▶ start ──▶ ended ──▶ the next one's turn
//
// Hot path (bench/call.ts): the clock is read once for a call, when it is about to start. Reading it costs a twentieth of
// a call inside one process.
//
// Invariants
//   I1. One application message is worked on at a time, but for what a component opted into (see frame.ts).
//   I2. Nothing is started after its deadline.
//   I3. Functions that never wait keep the process from reading for TURN_MS and one function at most.

import type { Clock } from "../base/clock.ts";
import type { Envelope } from "../messages/envelope.ts";
import type { CallSpan } from "../messages/watch.ts";
import { type Candidate, type Frame, mayStart, Running, type ServedMethod } from "./frame.ts";
import type { Inbox } from "./inbox.ts";
import type { StreamSource } from "./stream-source.ts";

/** Who waits for the reply. An object, not a function, since most calls have one already: the PendingReply of their receipt. */
export interface Answer {
  resolve(reply: Envelope): void;
}

/** A call that was let in. */
export interface Entry extends Candidate {
  readonly request: Envelope;
  readonly deadline: number;
  readonly method: ServedMethod;
  readonly answer: Answer;
  readonly source: StreamSource | undefined;
  /** Undefined where nobody watches. */
  readonly span: CallSpan | undefined;
}

/** How long functions may run one after the other before what came in meanwhile is read. */
const TURN_MS = 2;

export interface TurnsParts {
  readonly clock: Clock;
  readonly inbox: Inbox<Entry>;
  /** Runs the entry's function. `ended` is to be called when it has settled, which may be at once. */
  readonly start: (entry: Entry) => void;
  /** Told after every turn. */
  readonly paused: () => void;
}

export class Turns {
  readonly inbox: Inbox<Entry>;
  readonly running = new Running();
  /** Takes no new calls. */
  draining = false;
  readonly #clock: Clock;
  readonly #start: (entry: Entry) => void;
  readonly #paused: () => void;
  #done = 0;
  #turning = false;
  /** When this turn of the event loop started its first call; undefined before that. */
  #began: number | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor({ clock, inbox, start, paused }: TurnsParts) {
    this.#clock = clock;
    this.inbox = inbox;
    this.#start = start;
    this.#paused = paused;
  }

  /** Calls whose function has settled. */
  get done(): number {
    return this.#done;
  }

  /** Calls that would be let in now. */
  get freePlaces(): number {
    if (this.draining) return 0;
    return Math.max(0, this.inbox.limit - this.inbox.waiting) + (this.running.size === 0 ? 1 : 0);
  }

  /** The time when a call was last about to start: what had passed then has passed. */
  get readAt(): number {
    return this.#readAt;
  }

  /** Starts it, or lets it wait. `full`: there is no place for it. `late`: it might have started, but for its deadline (I2). */
  offer(entry: Entry): "taken" | "full" | "late" {
    if (this.inbox.waiting === 0 && mayStart(entry, this.running)) {
      const now = this.#read();
      if (entry.deadline <= now) return "late";
      if (!this.#isOver(now)) {
        this.#start(entry);
        return "taken";
      }
    }
    const reentrant = entry.waitingForIt.length > 0;
    // The time matters to a full inbox alone, which may hold some whose deadline has passed.
    const now = this.inbox.waiting >= this.inbox.limit ? this.#read() : this.#readAt;
    if (!this.inbox.add(entry, now, reentrant)) return "full";
    if (reentrant) this.next();
    return "taken";
  }

  began(frame: Frame): void {
    this.running.add(frame);
  }

  ended(frame: Frame): void {
    this.running.delete(frame);
    this.#done++;
    this.next();
  }

  /** Starts those that may start now. */
  next(): void {
    // A function that is not async ends before it has started the next: the loop below goes on, not deeper.
    if (this.#turning) return;
    this.#turning = true;
    while (this.inbox.mightTake(this.#fits)) {
      const entry = this.inbox.take(this.#read(), this.#mayBeTaken);
      if (entry === undefined) break;
      this.#start(entry);
    }
    this.#turning = false;
    this.#paused();
  }

  #read(): number {
    this.#readAt = this.#clock.now();
    return this.#readAt;
  }

  readonly #fits = (waiting: Entry): boolean => mayStart(waiting, this.running);
  readonly #mayBeTaken = (waiting: Entry): boolean => this.#fits(waiting) && !this.#isOver(this.#readAt);

  /** After TURN_MS of functions the process reads what has come in, refuses what is too much, and goes on (I3). */
  #isOver(now: number): boolean {
    if (this.#began !== undefined) return now - this.#began >= TURN_MS;
    this.#began = now;
    this.#clock.soon(this.#anew);
    return false;
  }

  readonly #anew = (): void => {
    if (this.inbox.waiting === 0) this.#began = undefined;
    // What has just been answered leaves first: the next function may keep the process for long.
    else this.#clock.soon(this.#nextAnew);
  };

  readonly #nextAnew = (): void => {
    this.#began = undefined;
    this.next();
  };
}
