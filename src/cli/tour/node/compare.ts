// Every answer beside the same computation without Unum.

import { setImmediate as nextTurn } from "node:timers/promises";
import { asError } from "../../../base/fault.ts";
import { type FileDigest, plainDigest, sameDigest } from "./plain-digest.ts";
import type { Answered } from "./spread.ts";

export interface Difference {
  readonly path: string;
  readonly why: string;
}

export interface CompareParts {
  readonly root: string;
  readonly signal: AbortSignal;
  readonly progress: (part: number) => void;
  /** Asks for a file once more. */
  readonly again: (answered: Answered) => Promise<Answered>;
}

/** Computes every file here, once, and compares. One that changed since it was chosen is asked again before it counts. */
export async function compare(answered: readonly Answered[], parts: CompareParts): Promise<readonly Difference[]> {
  const { root, signal, progress, again } = parts;
  const differences: Difference[] = [];
  const files = byPath(answered);
  for (const [index, answers] of files.entries()) {
    signal.throwIfAborted();
    const [first] = answers;
    const { path } = first.file;
    const plain = await plainDigest(root, path).catch(asError);
    let why = answers.map((each) => difference(each, plain)).find((each) => each !== undefined);
    if (why !== undefined) why = difference(await again(first), await plainDigest(root, path).catch(asError));
    if (why !== undefined) differences.push({ path, why });
    progress((index + 1) / files.length);
    // The computation blocks; the rest of the process gets its turn.
    await nextTurn();
  }
  return differences;
}

type Answers = [Answered, ...Answered[]];

/** Those of one file together. */
function byPath(answered: readonly Answered[]): readonly Answers[] {
  const all = new Map<string, Answers>();
  for (const each of answered) {
    const { path } = each.file;
    const others = all.get(path);
    if (others === undefined) all.set(path, [each]);
    else others.push(each);
  }
  return [...all.values()];
}

function difference({ outcome }: Answered, plain: FileDigest | Error): string | undefined {
  if (plain instanceof Error)
    return outcome instanceof Error ? undefined : `answered, and cannot be read: ${plain.message}`;
  if (outcome instanceof Error) return `no answer: ${outcome.message}`;
  return sameDigest(outcome, plain) ? undefined : "the digests differ";
}
