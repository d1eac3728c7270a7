// Waiting for what a bench looks for.

const LOOK_EVERY_MS = 5;

/** Asks again until it holds; throws with what it waits for when it does not within the limit. */
export async function until<T>(
  what: string,
  ask: () => Promise<T>,
  holds: (answer: T) => boolean,
  limitMs = 60_000,
): Promise<T> {
  for (const end = performance.now() + limitMs; ; ) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (performance.now() > end) throw new Error(`${what}: not so after ${limitMs / 1_000} s`);
    await new Promise((soon) => setTimeout(soon, LOOK_EVERY_MS));
  }
}
