// What a governor that has just started does about the containers that another left running.
//
// Invariants
//   A1. No process is touched that is not proved ours: same id of the process, same moment it started, same nonce. Of one that
//       was only meant to be started, the nonce in its arguments is the proof: nobody else was told it.
//   A2. Every record is answered for: adopted, ended or forgotten, with the reason.

import type { ProcessId } from "../../base/processes.ts";

/** What the registry keeps of a container from before its process is asked for. */
export type Intent = Pick<ContainerRecord, "id" | "nonce" | "address" | "ageMs">;

/** What the registry keeps of a container. */
export interface ContainerRecord {
  readonly id: string;
  readonly pid: number;
  /** When the process started, as the system tells it; compared as text. */
  readonly startTime: string;
  /** Drawn when it was started, and told to it alone. */
  readonly nonce: string;
  readonly address: string;
  /** `starting`: it had not answered yet when this was written. */
  readonly state: "starting" | "running" | "draining";
  /** How long ago this was written, in ms. */
  readonly ageMs: number;
}

/** What was found when its process was looked for and its address was asked. */
export interface Found {
  /** Of the process that has this id now; undefined when there is none. */
  readonly startTime: string | undefined;
  /** `silent`: nobody listens, or no answer in time. */
  readonly answer: { readonly id: string; readonly nonce: string } | "silent";
}

export interface AdoptionPolicy {
  /** How long a starting one may go without answering. */
  readonly startMs: number;
}

export const ADOPTION_POLICY: AdoptionPolicy = { startMs: 30_000 };

export type Adoption =
  /** `silent`: ours and alive; whether it is busy or stuck is for its health to say. */
  | { readonly kind: "adopt"; readonly silent: boolean }
  | { readonly kind: "end"; readonly reason: string }
  | { readonly kind: "forget"; readonly reason: string };

/** Of one whose governor died before it had written down which process it is. */
export function recordOf(intent: Intent, { pid, startTime }: ProcessId): ContainerRecord {
  return { ...intent, pid, startTime, state: "starting" };
}

export function adoption(
  record: ContainerRecord,
  { startTime, answer }: Found,
  policy: AdoptionPolicy = ADOPTION_POLICY,
): Adoption {
  if (startTime === undefined) return { kind: "forget", reason: `process ${record.pid} has ended` };
  if (startTime !== record.startTime) {
    return { kind: "forget", reason: `process ${record.pid} is another now; ours has ended` };
  }
  if (answer !== "silent" && (answer.id !== record.id || answer.nonce !== record.nonce)) {
    return {
      kind: "forget",
      reason: `at ${record.address} ${answer.id} answers, which is not the one that was started`,
    };
  }
  if (answer === "silent" && record.state === "starting" && record.ageMs >= policy.startMs) {
    return { kind: "end", reason: `it was started ${Math.round(record.ageMs / 1_000)} s ago and has never answered` };
  }
  return { kind: "adopt", silent: answer === "silent" };
}
