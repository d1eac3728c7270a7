// Under what terms a program runs: what it may, and how much it may use, by a name. Containers that were given other terms are
// replaced as by a new version: what an operator takes back holds, and no call fails.

import { createHash } from "node:crypto";
import { NO_PROGRAM_LIMITS, type ProgramLimits } from "../../capacity/limits.ts";
import type { ProgramWanted } from "../../messages/gen/unum/machine/v1/record_pb.ts";

const NAME_LENGTH = 16;

export function termsOf({ granted, limits }: Pick<ProgramWanted, "granted" | "limits">): string {
  const { memoryBytes, cpuPermille } = limitsIn(limits);
  const text = JSON.stringify([[...granted].sort(), memoryBytes, cpuPermille]);
  return createHash("sha256").update(text).digest("hex").slice(0, NAME_LENGTH);
}

export function limitsIn(limits: ProgramWanted["limits"]): ProgramLimits {
  if (limits === undefined) return NO_PROGRAM_LIMITS;
  return { memoryBytes: Number(limits.memoryBytes), cpuPermille: limits.cpuPermille };
}
