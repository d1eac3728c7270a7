// The governor, as the machine needs it: what it is to serve of programs, and what it serves.

import type { ProgramLimits } from "../../capacity/limits.ts";

export interface ProgramHost {
  /** All programs to serve; those not named end after their calls. */
  setPrograms(programs: readonly HostedProgram[]): void;
  /** How long its calls may take to end when it is withdrawn. */
  setGrace(program: string, graceMs: number): void;
  /** Every epoch that is known of a program that runs on one node alone, and until when this node is that one. */
  setEpochs(epochs: readonly OwnedEpoch[]): void;
  /** What is served of them now. */
  readonly programs: readonly HostedState[];
  /** Containers that serve it, or end after they did. */
  containersOf(program: string): number;
}

export interface OwnedEpoch {
  readonly program: string;
  readonly epoch: number;
  /** On this process's monotonic clock; undefined where this node is not the owner. */
  readonly until: number | undefined;
}

export interface HostedProgram {
  readonly name: string;
  readonly digest: string;
  /** What it may and how much it may use, by name: see terms.ts. */
  readonly terms: string;
  /** Absolute: its components. */
  readonly folder: string;
  readonly containers: number;
  readonly mayBreak: boolean;
  readonly graceMs: number;
  readonly hosting: HostedParts;
}

export interface HostedParts {
  /** Absolute: its files. */
  readonly root: string;
  readonly granted: readonly string[];
  readonly inline: boolean;
  /** Absolute: where its objects are kept. */
  readonly store: string;
  /** Whether its node is a controller. */
  readonly controller: boolean;
  /** It runs on one node alone: its containers do nothing while this node is not that one. */
  readonly owned: boolean;
  readonly limits: ProgramLimits;
}

export interface HostedState {
  readonly name: string;
  /** Of what serves. */
  readonly digest: string;
  /** Left out: those that it was told. */
  readonly terms?: string;
  readonly serving: number;
  readonly problems: readonly string[];
  /** New code, or terms, that did not pass. */
  readonly refused: { readonly digest: string; readonly terms?: string; readonly why: string } | undefined;
}
