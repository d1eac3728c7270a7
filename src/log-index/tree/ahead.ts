// Reading ahead of whoever takes: what a server has sent counts as there, though the answers of others are waited for first.

import type { Part } from "../find/batch.ts";

/** Parts that are held; a source is not read on while so many wait. */
const HELD_PARTS = 64;

/** Begins at once. `stop` is called when no more is wanted; the source then ends by itself. */
export function readAhead(source: AsyncIterator<Part>, stop: () => void): AsyncGenerator<Part> {
  const held: Part[] = [];
  let isDone = false;
  let failure: { readonly error: unknown } | undefined;
  // The source waits only while the taker does not, so one place for a waiter is enough.
  let wake: () => void = () => {};
  const changed = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const pump = async (): Promise<void> => {
    try {
      while (!isDone) {
        const { done, value } = await source.next();
        if (done === true) break;
        held.push(value);
        wake();
        while (held.length >= HELD_PARTS && !isDone) await changed();
      }
    } catch (error) {
      failure = { error };
    }
    isDone = true;
    wake();
  };
  pump();
  return (async function* () {
    try {
      for (;;) {
        const part = held.shift();
        if (part !== undefined) {
          wake();
          yield part;
        } else if (isDone) {
          if (failure !== undefined) throw failure.error;
          return;
        } else await changed();
      }
    } finally {
      isDone = true;
      wake();
      stop();
    }
  })();
}
