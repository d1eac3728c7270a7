// Questions to a proposer, each asked once: what was answered is written down before it is used, and answers the same question again.
//
//   parents ──SHA-256──▶ key ──▶ written down? ─yes─▶ that
//                                     └─no─▶ ask, up to three times ─▶ write down ─▶ use
//
// Invariants
//   O1. The same parents have the same answer for the whole of a run, on every island, and in every run that replays it. A failure is an
//       answer too: an empty one.

import { createHash } from "node:crypto";
import { type Clock, sleep } from "../../base/clock.ts";
import type { Individual } from "../engines/engine.ts";
import { asError } from "../fault.ts";
import type { Proposal, Propose } from "../proposer.ts";
import type { Question } from "./questions.ts";

/** One answer, as it is written down: JSON. */
export interface Recorded {
  readonly rows: readonly (readonly number[])[];
  readonly cost: number;
  readonly refused: readonly string[];
  /** Why there is no answer. */
  readonly failure?: string;
}

/** Where answers are written down, by their keys. */
export interface Recording {
  get(key: string): Promise<Recorded | undefined>;
  /** Settles when it is safe to use the answer. */
  put(key: string, answer: Recorded): Promise<void>;
}

export interface AskOnce {
  readonly propose: Propose;
  readonly recording: Recording;
  readonly clock: Clock;
  /** Told of each answer; `known` where it was written down before. */
  readonly told?: (question: Question, answer: Recorded, known: boolean) => void;
}

const TRIES = 3;
const PAUSE_MS = 500;

export function askOnce({ propose, recording, clock, told = () => {} }: AskOnce) {
  /** Two islands may ask the same at the same time. */
  const underWay = new Map<string, Promise<Recorded>>();

  const answered = async (key: string, question: Question, signal: AbortSignal): Promise<Recorded> => {
    const answer = await tried(key, question, signal);
    await recording.put(key, answer);
    return answer;
  };

  const tried = async (key: string, { parents, timeoutMs }: Question, signal: AbortSignal): Promise<Recorded> => {
    const seed = Number.parseInt(key.slice(0, 12), 16);
    let failure = "";
    for (let tries = 1; tries <= TRIES; tries++) {
      if (tries > 1) await sleep(clock, PAUSE_MS * tries, signal);
      const late = new AbortController();
      const timer = clock.after(timeoutMs, () => late.abort(new Error(`no answer within ${timeoutMs} ms`)));
      try {
        const call = { parents, seed, signal: AbortSignal.any([signal, late.signal]) };
        const { rows, cost, refused } = await Promise.race([propose(call), ended(call.signal)]);
        return { rows: rows.map((row) => [...row]), cost, refused };
      } catch (thrown) {
        signal.throwIfAborted();
        failure = asError(thrown).message;
      } finally {
        timer.cancel();
      }
    }
    return { rows: [], cost: 1, refused: [], failure };
  };

  return async (question: Question, signal: AbortSignal): Promise<Proposal> => {
    const key = keyOf(question.parents);
    const known = await recording.get(key);
    let answer = known;
    if (answer === undefined) {
      const asked = underWay.get(key) ?? answered(key, question, signal).finally(() => underWay.delete(key));
      underWay.set(key, asked);
      answer = await asked;
    }
    told(question, answer, known !== undefined);
    return { ...answer, rows: answer.rows.map((row) => Float64Array.from(row)) };
  };
}

/** For a search that nobody goes on with. */
export function inMemory(): Recording {
  const answers = new Map<string, Recorded>();
  return {
    get: async (key) => answers.get(key),
    put: async (key, answer) => {
      answers.set(key, answer);
    },
  };
}

function keyOf(parents: readonly Individual[]): string {
  const hash = createHash("sha256");
  for (const { genes, values } of parents) hash.update(bytesOf(genes)).update(bytesOf(values));
  return hash.digest("hex");
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Rejects with why; a proposer need not heed its signal. */
function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
