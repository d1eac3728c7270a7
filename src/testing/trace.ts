// What happened in a simulated world, in order: enough to check every invariant, and a running hash to compare two runs.
//
//   caller: called ──▶ sent ──▶ (network) ──▶ received ──▶ started ──▶ ended ──▶ replied ──▶ (network) ──▶ outcome
//
// Times are the world's, in ms. A process is named NAME.N: the Nth start of NAME. Its container or client has the same id.

import type { FaultCode } from "../base/fault.ts";
import type { Mode } from "../messages/envelope.ts";
import type { HostEvent } from "./hosts/host-events.ts";

/** `ok`, `application` for the component's own error, or a Fault's code. */
export type OutcomeCode = "ok" | "application" | FaultCode;

/** One call as its program made it, however often it was sent. */
export interface Called {
  readonly kind: "called";
  readonly at: number;
  readonly call: number;
  /** The call being worked on where this one was made, and its run; 0 in a client. */
  readonly parent: number;
  readonly parentRun: number;
  readonly process: string;
  /** package.Contract/Method */
  readonly path: string;
  readonly mode: Mode;
  readonly key: string;
  readonly ttlMs: number;
  /** Of a STREAM. */
  readonly credit: number;
}

/** What the program was told of it. Of a STREAM: its end; of an ASYNC call: whether it has its place. */
export interface Outcome {
  readonly kind: "outcome";
  readonly at: number;
  readonly call: number;
  readonly code: OutcomeCode;
  /** Who answered; empty where nobody did. */
  readonly by: string;
  readonly value: number;
  /** Whether the state came back untouched. */
  readonly stateKept: boolean;
}

/** What became of a BROADCAST at one address, or of an ASYNC call's result. */
export interface Part {
  readonly kind: "part" | "result";
  readonly at: number;
  readonly call: number;
  /** The container it was sent to: its name, or its process where that is known. */
  readonly to: string;
  readonly code: OutcomeCode;
  readonly value: number;
}

/** An item of a STREAM: made by the component, or read by the caller. `value` is a digest, as everywhere. */
export interface Item {
  readonly kind: "made" | "read";
  readonly at: number;
  readonly call: number;
  readonly run: number;
  readonly value: number;
}

/** The caller withdrew it, or stopped reading. */
export interface Withdrawn {
  readonly kind: "withdrawn";
  readonly at: number;
  readonly call: number;
}

export type EnvelopeKind = "CALL" | "MORE" | "CANCEL" | "other";

/** An envelope as it leaves a process, and as it reaches another. */
export interface Passed {
  readonly kind: "sent" | "received";
  readonly at: number;
  readonly process: string;
  /** The container's address. */
  readonly address: string;
  readonly from: string;
  readonly id: number;
  readonly envelope: EnvelopeKind;
  readonly call: number;
}

/** A receipt's answer left. */
export interface Replied {
  readonly kind: "replied";
  readonly at: number;
  readonly process: string;
  /** Index in the trace of the `received` it answers. */
  readonly receipt: number;
  readonly code: OutcomeCode;
}

export interface Started {
  readonly kind: "started";
  readonly at: number;
  readonly process: string;
  readonly run: number;
  readonly call: number;
  readonly contract: string;
}

export interface Ended {
  readonly kind: "ended";
  readonly at: number;
  readonly process: string;
  readonly run: number;
  readonly code: "ok" | "application";
  readonly value: number;
}

/** A process: began to listen, was told to drain, has drained, was killed. */
export interface Life {
  readonly kind: "up" | "draining" | "drained" | "down";
  readonly at: number;
  readonly process: string;
  readonly graceMs: number;
}

/** A fault of the plan took hold, or let go. */
export interface FaultTurn {
  readonly kind: "fault on" | "fault off";
  readonly at: number;
  readonly fault: string;
}

export type TraceEvent =
  | Called
  | Outcome
  | Part
  | Item
  | Withdrawn
  | Passed
  | Replied
  | Started
  | Ended
  | Life
  | FaultTurn
  | HostEvent;

/** Texts whose hash is remembered. */
const TEXTS_KEPT = 10_000;

export class Trace {
  readonly #events: TraceEvent[] = [];
  #high = 0xdeadbeef;
  #low = 0x41c6ce57;
  #calls = 0;
  #runs = 0;
  readonly #number = new Float64Array(1);
  readonly #words = new Uint32Array(this.#number.buffer);
  readonly #texts = new Map<string, number>();

  get events(): readonly TraceEvent[] {
    return this.#events;
  }

  /** Of everything so far; the same in every run of the same world. */
  get hash(): string {
    const part = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
    return part(this.#high) + part(this.#low);
  }

  nextCall(): number {
    return ++this.#calls;
  }

  nextRun(): number {
    return ++this.#runs;
  }

  /** Answers the event's index. */
  add(event: TraceEvent): number {
    this.mix(event);
    return this.#events.push(event) - 1;
  }

  /** For what nobody judges one by one: two runs are compared by it, and it is not kept. */
  mix(event: object): void {
    // Every event of a kind has its fields in the same order.
    for (const value of Object.values(event)) this.#mixValue(value);
  }

  #mixValue(value: unknown): void {
    if (typeof value === "number") {
      this.#number[0] = value;
      this.#enter(this.#words[0] ?? 0);
      this.#enter(this.#words[1] ?? 0);
    } else this.#enter(this.#hashOf(String(value)));
  }

  /** Two multiplicative hashes side by side (after cyrb53): for telling runs apart, not for secrets. */
  #enter(word: number): void {
    this.#high = Math.imul(this.#high ^ word, 2_654_435_761) ^ (this.#low >>> 15);
    this.#low = Math.imul(this.#low ^ word, 1_597_334_677) ^ (this.#high >>> 13);
  }

  /** Names come again and again. */
  #hashOf(text: string): number {
    let hash = this.#texts.get(text);
    if (hash === undefined) {
      hash = digest(new TextEncoder().encode(text));
      if (this.#texts.size < TEXTS_KEPT) this.#texts.set(text, hash);
    }
    return hash;
  }
}

/** FNV-1a: equal values have equal digests, and two that differ hardly ever. */
export function digest(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
