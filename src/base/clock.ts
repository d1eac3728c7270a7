// Time as everything in Unum sees it: monotonic, and handed in.

/** A timer that has not fired. */
export interface Timer {
  /** The function will not run any more. May be called at any time, any number of times. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds, with fractions, since a moment of no meaning. Never goes back. Not comparable between computers. */
  now(): number;
  /** Milliseconds since 1970 for people to read. May jump; nothing decides by it. */
  wallNow(): number;
  /** Runs `fire` once, not before `ms` have passed (0 or less: in a later turn), at most a few ms late on a free machine. */
  after(ms: number, fire: () => void): Timer;
  /** The same with the moment on this clock: for a deadline that is known, without asking what time it is. */
  at(deadline: number, fire: () => void): Timer;
  /** Runs `fire` once this turn's work is done, before any timer. Used to gather what one turn writes. */
  soon(fire: () => void): void;
}

/**
 * The next moment on this clock that is a multiple of `everyMs`: what a process does again and again it does together, so that it
 * wakes once for all of it. Each time it wakes it takes a processor from who computes, and leaves its caches cold.
 */
export function nextBeat(now: number, everyMs: number): number {
  return (Math.floor(now / everyMs) + 1) * everyMs;
}

/** Settles after `ms`; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
