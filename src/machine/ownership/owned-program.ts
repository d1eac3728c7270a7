// A program that runs on one node alone, as keepers and its owner need it: from its record and its manifest.

import type { ProgramWanted } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import type { Manifest } from "../archive/manifest.ts";

export interface OwnedProgram {
  readonly program: string;
  readonly running: boolean;
  /** How long its owner has to be away until it is replaced. */
  readonly afterMs: number;
  readonly takesBack: boolean;
  readonly keepers: readonly string[];
  /** Those it may run on; empty for all. */
  readonly nodes: readonly string[];
}

/** Undefined where it is none that runs on one node alone, or nobody knows here yet. */
export function ownedProgram(
  program: string,
  wanted: ProgramWanted | undefined,
  manifest: Manifest | undefined,
): OwnedProgram | undefined {
  if (wanted === undefined || manifest?.disconnected.policy !== "replace") return undefined;
  const { afterMs, onReturn } = manifest.disconnected;
  const { keepers, nodes, running } = wanted;
  return { program, running, afterMs, takesBack: onReturn === "take-back", keepers, nodes };
}
