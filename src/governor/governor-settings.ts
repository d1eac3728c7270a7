// What a governor is told of its node, and what it works with.

import type { LimitsChange } from "../capacity/limits.ts";
import type { Decisions } from "../plugins/lifecycle.ts";
import type { Address } from "../transports/transport.ts";
import type { Events } from "./events.ts";
import type { FleetParts, FleetSettings } from "./fleet-settings.ts";
import type { Peers } from "./peers.ts";

export interface GovernorSettings extends FleetSettings {
  /** Absolute: the components; empty where only programs are served. */
  readonly folder: string;
  /** Where its door is reached, as others are told. */
  readonly doors: readonly Address[];
  readonly limits: LimitsChange;
  /** How long calls may take to end when a container is replaced or a limit lowered. */
  readonly graceMs: number;
  /** How long a container has nothing to do before it is ended, where it is not the last for its contracts. Default 60 s. */
  readonly idleMs?: number;
  /** How often the keeper has started a governor before. */
  readonly restarts: number;
  /** What plugins decide in place of this; undefined where there are none. */
  readonly decisions?: Decisions | undefined;
}

export interface GovernorParts extends FleetParts {
  readonly peers: Peers;
  readonly events: Events;
}
