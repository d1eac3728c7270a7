// Engines by name, as settings and checkpoints say them.

import { Fault } from "unum";
import { didYouMean } from "../../base/nearest.ts";
import type { RandomStream } from "../random-stream.ts";
import type { Space } from "../space.ts";
import type { StateRecord } from "../state/codec.ts";
import { type CmaOptions, CmaRestarts } from "./cma-restarts.ts";
import { type DeOptions, DifferentialEvolution } from "./differential-evolution.ts";
import { Emas, type EmasOptions } from "./emas.ts";
import type { Engine } from "./engine.ts";
import { engineOptions } from "./engine-options.ts";
import { Genetic, type GeneticOptions } from "./genetic.ts";
import { Nsga2, type Nsga2Options } from "./nsga2.ts";
import { Shade, type ShadeOptions } from "./shade.ts";

/** An engine's name and what it was told. */
export type EngineSpec =
  | { readonly kind: "cma"; readonly options?: CmaOptions }
  | { readonly kind: "de"; readonly options?: DeOptions }
  | { readonly kind: "shade"; readonly options?: ShadeOptions }
  | { readonly kind: "ga"; readonly options?: GeneticOptions }
  | { readonly kind: "nsga2"; readonly options?: Nsga2Options }
  | { readonly kind: "emas"; readonly options?: EmasOptions };

export const ENGINE_KINDS: readonly EngineSpec["kind"][] = ["cma", "de", "shade", "ga", "nsga2", "emas"];

/** Names with options of their own, as the command takes them. */
export const NAMED_ENGINES: Readonly<Record<string, EngineSpec>> = {
  cma: { kind: "cma" },
  bipop: { kind: "cma", options: { restarts: "bipop" } },
  ipop: { kind: "cma", options: { restarts: "ipop" } },
  "sep-cma": { kind: "cma", options: { model: "separable" } },
  "lm-cma": { kind: "cma", options: { model: "limited" } },
  de: { kind: "de" },
  // Few genes at a time: what takes separable functions apart.
  "de-separable": { kind: "de", options: { factor: 0.5, crossover: 0.1 } },
  shade: { kind: "shade" },
  ga: { kind: "ga" },
  // One parent, and the best of it and its children: what climbs where a population only costs.
  ea: { kind: "ga", options: { population: 1, children: 8, survival: "plus" } },
  nsga2: { kind: "nsga2" },
  emas: { kind: "emas" },
};

/** NAME, or NAME:OPTION=VALUE,…. Throws the Fault `invalid` for a name or an option there is none of, naming those there are. */
export function engineOf(text: string): EngineSpec {
  const [name = "", options] = text.split(/:(.*)/s);
  const spec = Object.hasOwn(NAMED_ENGINES, name) ? NAMED_ENGINES[name] : undefined;
  if (spec !== undefined && options === undefined) return spec;
  // Each option is one that its kind has.
  if (spec !== undefined)
    return { ...spec, options: { ...spec.options, ...engineOptions(spec.kind, options ?? "") } } as EngineSpec;
  const names = Object.keys(NAMED_ENGINES);
  throw new Fault("invalid", `there is no engine '${name}'${didYouMean(name, names)}; there are ${names.join(", ")}`);
}

export function makeEngine(spec: EngineSpec, space: Space, random: RandomStream, saved?: StateRecord): Engine {
  switch (spec.kind) {
    case "cma":
      return new CmaRestarts(space, random, spec.options, saved);
    case "de":
      return new DifferentialEvolution(space, random, spec.options, saved);
    case "shade":
      return new Shade(space, random, spec.options, saved);
    case "ga":
      return new Genetic(space, random, spec.options, saved);
    case "nsga2":
      return new Nsga2(space, random, spec.options, saved);
    case "emas":
      return new Emas(space, random, spec.options, saved);
    default:
      throw new Fault(
        "invalid",
        `there is no engine '${(spec as { kind: string }).kind}'; there are ${ENGINE_KINDS.join(", ")}`,
      );
  }
}

/**
 * What islands of an archipelago begin with where nothing else was asked for, first to last; further ones begin again. Later they
 * are given what works of these; the first keeps its own.
 */
export function portfolioOf(space: Space, noisy = false): readonly string[] {
  if (space.objectives > 1) return ["nsga2"];
  if (space.genome !== "real") return ["ga", "ea"];
  // Those that keep members believe a lucky value for as long as nothing is luckier.
  if (noisy) return space.dimensions > 200 ? ["lm-cma", "sep-cma"] : ["bipop", "ipop"];
  if (space.dimensions > 200) return ["lm-cma", "sep-cma", "de-separable", "shade"];
  return ["bipop", "de-separable", "ipop", "shade"];
}
