// Making a failing list small: delta debugging (Zeller & Hildebrandt, 2002).

/**
 * The shortest list found, of which no single item can be left out, that still fails.
 * `fails` is asked at most `most` times; the list given must fail.
 */
export async function shrink<T>(
  list: readonly T[],
  fails: (list: readonly T[]) => Promise<boolean>,
  most = 1_000,
): Promise<readonly T[]> {
  let asked = 0;
  let smallest = list;
  let parts = 2;
  while (smallest.length > 0 && asked < most) {
    const without = await firstFailing(smallest, Math.min(parts, smallest.length), (candidate) => {
      asked++;
      return asked > most ? Promise.resolve(false) : fails(candidate);
    });
    if (without !== undefined) {
      smallest = without;
      parts = Math.max(2, parts - 1);
    } else if (parts >= smallest.length) break;
    else parts = Math.min(smallest.length, parts * 2);
  }
  return smallest;
}

/** The list without one of its parts, where that still fails. */
async function firstFailing<T>(
  list: readonly T[],
  parts: number,
  fails: (list: readonly T[]) => Promise<boolean>,
): Promise<readonly T[] | undefined> {
  const size = Math.ceil(list.length / parts);
  for (let start = 0; start < list.length; start += size) {
    const rest = [...list.slice(0, start), ...list.slice(start + size)];
    if (await fails(rest)) return rest;
  }
  return undefined;
}
