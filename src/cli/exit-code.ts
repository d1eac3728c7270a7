// How a command ends, as scripts see it.

import { ApplicationError, Fault, type FaultCode } from "../base/fault.ts";
import { UsageError } from "./usage.ts";

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  timedOut: 5,
  /** 128 + SIGINT, as shells say it. */
  interrupted: 130,
  /** 128 + SIGPIPE: who read the output went away. */
  unread: 141,
} as const;

const OF_FAULT: Readonly<Record<FaultCode, number>> = {
  expired: EXIT.timedOut,
  undeliverable: EXIT.unreachable,
  overloaded: EXIT.refused,
  denied: EXIT.refused,
  invalid: EXIT.usage,
  "not-found": EXIT.refused,
  cycle: EXIT.failed,
  cancelled: EXIT.interrupted,
  unknown: EXIT.timedOut,
  internal: EXIT.failed,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof Fault) return OF_FAULT[error.code];
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof ApplicationError) return EXIT.failed;
  return EXIT.failed;
}

/** The table that --help shows. */
export const EXIT_CODES = `Exit codes:
  0    ok
  1    failed: the component threw, or broke its contract
  2    usage: wrong arguments, wrong JSON, no such contract or method
  3    unreachable: nobody answers at the address
  4    refused: overloaded, denied, or not served in the version asked for
  5    no outcome in time: not started before the deadline, or sent and not answered
  130  interrupted by Ctrl-C`;
