// What a command gave, for who reads the audit log: a start says what the program may, a grant what the key may.

import type { ProgramLimits, Record as SignedWord } from "../../messages/gen/unum/machine/v1/record_pb.ts";

/** Empty where the command's own name says all. */
export function givenBy(command: string, { body }: Pick<SignedWord, "body">): string {
  if (command === "start" && body.case === "program") {
    const { granted, nodes, limits } = body.value;
    const may = granted.length === 0 ? "nothing granted" : `granted ${granted.join(", ")}`;
    const where = nodes.length === 0 ? [] : [`on ${nodes.join(", ")}`];
    return [may, ...limitTexts(limits), ...where].join("; ");
  }
  if (command === "grant" && body.case === "grant") {
    const { role, programs, expiresMs } = body.value;
    const of = programs.length === 0 ? [] : [`of ${programs.join(", ")}`];
    const until = expiresMs === 0n ? [] : [`until ${new Date(Number(expiresMs)).toISOString()}`];
    return [role, ...of, ...until].join(" ");
  }
  return "";
}

function limitTexts(limits: ProgramLimits | undefined): readonly string[] {
  if (limits === undefined) return [];
  const { memoryBytes, cpuPermille } = limits;
  return [
    ...(memoryBytes === 0n ? [] : [`${memoryBytes} bytes of memory at most`]),
    ...(cpuPermille === 0 ? [] : [`${cpuPermille / 1_000} processors at most`]),
  ];
}
