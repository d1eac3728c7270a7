// What a measuring process can be asked for over its channel, and what it answers.

import type { Done, Load } from "./load.ts";
import type { Memory } from "./memory.ts";

/** What each ask is given, and what it answers. */
export interface Work {
  /** Starts the called side; answers its address. */
  serve: [{ readonly folder: string }, string];
  connect: [{ readonly address: string }, null];
  /** Both sides in this process. */
  local: [null, null];
  load: [Load, Done];
  /** Calls whose function ran, and processor time of this process, since its start. */
  count: [null, { readonly served: number; readonly cpuUs: number }];
  memory: [null, Memory];
  /** Starts calls that are held; does not wait for them. */
  hold: [{ readonly calls: number; readonly sizeBytes: number }, null];
  /** Calls that are held: on the called side those its function holds, on the calling side those without a reply. */
  held: [null, number];
  release: [null, null];
  close: [null, null];
}

export type WorkName = keyof Work;

export interface Ask<Name extends WorkName = WorkName> {
  readonly id: number;
  readonly work: Name;
  readonly given: Work[Name][0];
}

export type Answer =
  | { readonly id: number; readonly value: Work[WorkName][1] }
  | { readonly id: number; readonly error: string };
