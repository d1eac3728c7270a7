// An evaluator that remembers: the same candidate is evaluated once, however often it is asked for.
//
// What is remembered changes no value and no count: an evaluation that was remembered counts as one, so a search finds the same with a cache
// and without. What could not be evaluated is not remembered. Of a host's own: it is not part of a checkpoint.

import { NOT_EVALUATED } from "./engines/engine.ts";
import type { Evaluator, Watch } from "./evaluator.ts";
import { Fault } from "./fault.ts";
import type { Space } from "./space.ts";

export interface CachedEvaluator extends Evaluator {
  readonly figures: { readonly kept: number; readonly remembered: number; readonly evaluated: number };
}

/** `limit`: candidates that are kept; the one that was not asked for the longest makes room. */
export function cachedEvaluator(inner: Evaluator, space: Space, limit: number): CachedEvaluator {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1e7) {
    throw new Fault(
      "invalid",
      `cache is ${limit}; it is how many candidates are kept, a whole number from 1 to 10000000`,
    );
  }
  const { objectives } = space;
  /** In the order in which they were asked for. */
  const known = new Map<string, Float64Array>();
  let [remembered, evaluated] = [0, 0];

  const keep = (key: string, own: Float64Array) => {
    known.delete(key);
    known.set(key, own);
    if (known.size <= limit) return;
    const oldest = known.keys().next();
    if (!oldest.done) known.delete(oldest.value);
  };

  return {
    get figures() {
      return { kept: known.size, remembered, evaluated };
    },
    evaluate: async (rows, values, watch) => {
      const keys = rows.map(keyOf);
      /** Of those that nobody knows, the first of each kind. */
      const asked: number[] = [];
      const places = new Map<string, number>();
      for (const [k, key] of keys.entries()) {
        if (known.has(key) || places.has(key)) continue;
        places.set(key, asked.length);
        asked.push(k);
      }
      const found = new Float64Array(asked.length * objectives);
      if (asked.length > 0) {
        const wanted = asked.map((k) => rows[k] as Float64Array);
        await inner.evaluate(wanted, found, watchOf(watch, asked));
      }
      evaluated += asked.length;
      remembered += rows.length - asked.length;
      for (const [k, key] of keys.entries()) {
        const place = places.get(key);
        const own = place === undefined ? known.get(key) : found.slice(place * objectives, (place + 1) * objectives);
        if (own === undefined)
          throw new Fault("internal", "a candidate's values were forgotten while they were asked for");
        values.set(own, k * objectives);
        // Kept only when all are stored: what makes room may be asked for in this very batch.
      }
      for (const [k, key] of keys.entries()) {
        const own = values.slice(k * objectives, (k + 1) * objectives);
        if (own[0] !== NOT_EVALUATED) keep(key, own);
      }
    },
    close: () => inner.close(),
  };
}

/** Indices as they are in the whole batch. */
function watchOf(watch: Watch, asked: readonly number[]): Watch {
  const at = (index: number) => asked[index] ?? index;
  return {
    ...watch,
    began: (index, count) => watch.began(at(index), count),
    barred: (index) => watch.barred(at(index)),
  };
}

function keyOf(row: Float64Array): string {
  return Buffer.from(row.buffer, row.byteOffset, row.byteLength).toString("latin1");
}
