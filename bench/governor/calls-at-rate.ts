// Calls that begin so often, however long each takes; what became of each.

export interface Outcomes {
  readonly begun: number;
  readonly failed: number;
  readonly firstFailure: string | undefined;
  /** Longest of those that came back, in ms. */
  readonly longestMs: number;
}

/** `call` rejects where it failed, or where its reply was not what was sent. Settles when `until` has and each call has its outcome. */
export async function callsAtRate(
  call: (key: string) => Promise<void>,
  everyMs: number,
  until: Promise<unknown>,
): Promise<Outcomes> {
  let over = false;
  let failed = 0;
  let firstFailure: string | undefined;
  let longestMs = 0;
  const calls: Promise<void>[] = [];
  const ended = until.finally(() => {
    over = true;
  });
  const startedAt = performance.now();
  while (!over) {
    // Those that were due while this process did not run, too.
    while (calls.length * everyMs < performance.now() - startedAt) {
      const begunAt = performance.now();
      const one = call(`call ${calls.length}`).then(
        () => {
          longestMs = Math.max(longestMs, performance.now() - begunAt);
        },
        (thrown: unknown) => {
          failed++;
          firstFailure ??= String(thrown);
        },
      );
      calls.push(one);
    }
    await new Promise((soon) => setTimeout(soon, everyMs));
  }
  await ended;
  await Promise.all(calls);
  return { begun: calls.length, failed, firstFailure, longestMs };
}
