// The machine's code as a world runs it; another copy of it where a mistake is planted.

import { Deliveries } from "../../../src/container/deliveries.ts";
import { Fence } from "../../../src/container/fence.ts";
import { MachineNode } from "../../../src/machine/machine-node.ts";
import { Neighbours } from "../../../src/machine/neighbours.ts";
import { PostOffice } from "../../../src/machine/outbox/post-office.ts";

export interface MachineCode {
  readonly MachineNode: typeof MachineNode;
  readonly Neighbours: typeof Neighbours;
  readonly PostOffice: typeof PostOffice;
  readonly Deliveries: typeof Deliveries;
  readonly Fence: typeof Fence;
}

export const SOUND_CODE: MachineCode = { MachineNode, Neighbours, PostOffice, Deliveries, Fence };
