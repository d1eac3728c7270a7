// What a host can evaluate: problems that were given to it by name, and the functions that every Unum has.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServedProblem, ServedProblemSchema } from "unum/gen/unum/islands/v1/island_pb.js";
import { bbobProblem } from "../bbob/bbob-problem.ts";
import { Fault } from "../fault.ts";
import type { Problem } from "../problem.ts";
import type { Genome, Space } from "../space.ts";

export type HostedSpec =
  | { readonly kind: "served"; readonly name: string }
  | { readonly kind: "bbob"; readonly number: number; readonly dimension: number; readonly instance: number };

export type NamedProblems = Readonly<Record<string, Problem>>;

/** Throws the Fault `not-found` for a name there is none of here: another host may have it. */
export function hostedProblem(text: string, problems: NamedProblems): Problem {
  // Sent by whoever conducts the run; each part of it is checked below.
  const spec = JSON.parse(text) as HostedSpec;
  if (spec.kind === "bbob") return bbobProblem(spec.number, spec.dimension, spec.instance);
  const found = spec.kind === "served" && Object.hasOwn(problems, spec.name) ? problems[spec.name] : undefined;
  if (found !== undefined) return found;
  throw new Fault("not-found", `this host has no problem ${text.slice(0, 200)}; it has ${namesIn(problems)}`);
}

function namesIn(problems: NamedProblems): string {
  return Object.keys(problems).join(", ") || "none";
}

export function servedMessage(
  name: string,
  { space, target, noisy, propose }: Pick<Problem, "space" | "target" | "noisy" | "propose">,
): MessageInitShape<typeof ServedProblemSchema> {
  const { genome, dimensions, objectives, lower, upper, startLower, startUpper, integer } = space;
  return {
    ...{ noisy, proposes: propose !== undefined },
    ...{ name, genome, dimensions, objectives, integer: integer ?? new Uint8Array(0) },
    ...{ lower: [...lower], upper: [...upper], startLower: [...startLower], startUpper: [...startUpper] },
    ...(target === undefined ? undefined : { target }),
  };
}

/** What the plan of a run needs to know of a problem. */
export type PlannedProblem = Pick<Problem, "space" | "target" | "noisy"> & { readonly proposes: boolean };

export function spaceOfServed(message: ServedProblem): PlannedProblem {
  const { noisy, proposes } = message;
  const { genome, dimensions, objectives, lower, upper, startLower, startUpper, integer } = message;
  const space: Space = {
    // As it was written by a host of this contract.
    ...{ genome: genome as Genome, dimensions, objectives },
    ...{ lower: Float64Array.from(lower), upper: Float64Array.from(upper) },
    ...{ startLower: Float64Array.from(startLower), startUpper: Float64Array.from(startUpper) },
    integer: integer.length === 0 ? undefined : integer,
  };
  return { space, noisy, proposes, target: Object.hasOwn(message, "target") ? message.target : undefined };
}
