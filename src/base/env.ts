// All that a part of Unum may take from the world around it. Handed to constructors; nothing is taken from a module.

import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { Network } from "./network.ts";
import type { Random } from "./random.ts";

export interface Env {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly log: Log;
}
