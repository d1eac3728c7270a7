// What a node does with a program while no controller reaches it, and when one does again. Pure.
//
//   reached ──▶ runs ──silent for afterMs, stop-after──▶ stopped here ──reached, resume──────────▶ runs
//                                                            └──reached, stop──▶ stopped until an operator says something new of it
//
// Of one that is replaced the leases decide: ../ownership.
//
// Invariants
//   D1. A program that keeps running while cut off is never stopped for silence.
//   D2. One that stops does so once silence has lasted afterMs, not before, and runs no more until a controller was reached.
//   D3. With onReturn "stop" it runs no more until its record is another than the one it was stopped under.

import type { Manifest } from "../archive/manifest.ts";

export type DisconnectionPolicy = Manifest["disconnected"];

export interface Away {
  /** Since a controller was reached last, in ms; 0 at a controller. */
  readonly silentMs: number;
  /** Of the record under which it was stopped here for silence; undefined where it was not. */
  readonly stoppedUnder: string | undefined;
  /** Of its record as it is known here. */
  readonly record: string;
}

export type Decision =
  /** Nothing is remembered, or no more. */
  | { readonly kind: "run" }
  /** To be remembered with its record. */
  | { readonly kind: "stop"; readonly why: string };

export function whileAway(policy: DisconnectionPolicy, { silentMs, stoppedUnder, record }: Away): Decision {
  if (policy.policy !== "stop-after") return { kind: "run" };
  if (silentMs >= policy.afterMs) {
    return { kind: "stop", why: `stopped here: no controller was reached for ${seconds(policy.afterMs)}` };
  }
  if (stoppedUnder === record && policy.onReturn === "stop") {
    return { kind: "stop", why: "stopped here while no controller was reached; 'unum start' runs it again" };
  }
  return { kind: "run" };
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}
