// The 24 noiseless functions of BBOB, as COCO has them; checked against it to 1e-12.
//
// Hansen, Auger, Ros, Mersmann, Tusar, Brockhoff (2021): COCO: a platform for comparing continuous optimizers in a
// black-box setting, Optimization Methods and Software 36(1).

import { Fault } from "unum";
import * as ill from "./ill-conditioned.ts";
import { offset } from "./instance.ts";
import type { Maker, Objective } from "./maker.ts";
import * as moderate from "./moderate.ts";
import * as multimodal from "./multimodal.ts";
import * as separable from "./separable.ts";
import * as weak from "./weakly-structured.ts";

interface Entry {
  readonly name: string;
  readonly make: Maker;
  /** Where its instances are drawn from, if not from its own number. */
  readonly drawnAs?: number;
}

const ENTRIES: readonly Entry[] = [
  { name: "sphere", make: separable.sphere },
  { name: "separable ellipsoid", make: separable.separableEllipsoid },
  { name: "separable Rastrigin", make: separable.separableRastrigin },
  { name: "Büche-Rastrigin", make: separable.buecheRastrigin, drawnAs: 3 },
  { name: "linear slope", make: separable.linearSlope },
  { name: "attractive sector", make: moderate.attractiveSector },
  { name: "step ellipsoid", make: moderate.stepEllipsoid },
  { name: "Rosenbrock", make: moderate.rosenbrockFunction },
  { name: "rotated Rosenbrock", make: moderate.rotatedRosenbrock },
  { name: "ellipsoid", make: ill.ellipsoid },
  { name: "discus", make: ill.discus },
  { name: "bent cigar", make: ill.bentCigar },
  { name: "sharp ridge", make: ill.sharpRidge },
  { name: "different powers", make: ill.differentPowers },
  { name: "Rastrigin", make: multimodal.rotatedRastrigin },
  { name: "Weierstrass", make: multimodal.weierstrass },
  { name: "Schaffers F7", make: multimodal.schaffers },
  { name: "Schaffers F7, ill-conditioned", make: multimodal.illConditionedSchaffers, drawnAs: 17 },
  { name: "Griewank-Rosenbrock", make: multimodal.griewankRosenbrock },
  { name: "Schwefel", make: weak.schwefel },
  { name: "Gallagher, 101 peaks", make: weak.gallagher101 },
  { name: "Gallagher, 21 peaks", make: weak.gallagher21 },
  { name: "Katsuura", make: weak.katsuura },
  { name: "Lunacek bi-Rastrigin", make: weak.lunacek },
];

export const BBOB_FUNCTIONS = ENTRIES.length;

export interface BbobFunction {
  readonly name: string;
  /** Its least value. */
  readonly optimum: number;
  readonly evaluate: Objective;
}

/** `number` 1 … 24, `instance` from 1, `dimension` from 2. Throws the Fault `invalid` for others. */
export function bbob(number: number, dimension: number, instance = 1): BbobFunction {
  const entry = ENTRIES[number - 1];
  if (entry === undefined) throw new Fault("invalid", `BBOB has no function f${number}; there are f1 to f24`);
  if (!Number.isInteger(dimension) || dimension < 2 || dimension > 1000) {
    throw new Fault("invalid", `BBOB functions have 2 to 1000 dimensions, not ${dimension}`);
  }
  if (!Number.isInteger(instance) || instance < 1 || instance > 100_000) {
    throw new Fault("invalid", `BBOB instances are numbered from 1 to 100000; there is no ${instance}`);
  }
  const seed = (entry.drawnAs ?? number) + 10_000 * instance;
  const best = offset(seed);
  const objective = entry.make({ dimension, seed });
  return { name: entry.name, optimum: best, evaluate: (x) => objective(x) + best };
}
