// Noisy fitness: each candidate is evaluated several times, and has the mean.

import { NOT_EVALUATED } from "./engines/engine.ts";
import type { Evaluator, Watch } from "./evaluator.ts";
import { Fault } from "./fault.ts";
import type { Space } from "./space.ts";

/** All samples of a batch are asked for at once. One that could not be evaluated makes its candidate one that could not. */
export function sampledEvaluator(inner: Evaluator, { objectives }: Space, samples: number): Evaluator {
  if (!Number.isInteger(samples) || samples < 1 || samples > 1e6) {
    throw new Fault("invalid", `samples is ${samples}; it is a whole number from 1 to 1000000`);
  }
  if (samples === 1) return inner;
  return {
    evaluate: async (rows, values, watch) => {
      const repeated = rows.flatMap((row) => new Array<Float64Array>(samples).fill(row));
      const each = new Float64Array(repeated.length * objectives);
      await inner.evaluate(repeated, each, watchOf(watch, samples));
      for (let k = 0; k < rows.length; k++) {
        for (let o = 0; o < objectives; o++) {
          let sum = 0;
          let failed = false;
          for (let sample = 0; sample < samples; sample++) {
            const value = each[(k * samples + sample) * objectives + o] as number;
            failed ||= value === NOT_EVALUATED;
            sum += value / samples;
          }
          values[k * objectives + o] = failed ? NOT_EVALUATED : sum;
        }
      }
    },
    close: () => inner.close(),
  };
}

/** By candidates, not by samples. */
function watchOf(watch: Watch, samples: number): Watch {
  const at = (index: number) => (index < 0 ? index : Math.floor(index / samples));
  return {
    ...watch,
    began: (index, count) => watch.began(at(index), count),
    barred: (index) => watch.barred(at(index)),
  };
}
