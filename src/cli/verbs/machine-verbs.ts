// The verbs of the machine, as --help lists them: what it is, programs, who may do what, computers.

import { addAudit } from "./audit.ts";
import { addDoctor } from "./doctor.ts";
import { addGrant } from "./grant.ts";
import { addJoin } from "./join.ts";
import { addKeys } from "./keys.ts";
import { addLeave } from "./leave.ts";
import { addLoad } from "./load.ts";
import { addMachine } from "./machine.ts";
import { addPack } from "./pack.ts";
import { addRevoke } from "./revoke.ts";
import { addSet } from "./set.ts";
import { addStack, addUnstack } from "./stack.ts";
import { addStart } from "./start.ts";
import { addStop, addUnload } from "./stop.ts";
import { addToken } from "./token.ts";

export const MACHINE_VERBS = [
  ...[addMachine, addPack, addKeys, addLoad, addStart, addStop, addUnload],
  ...[addGrant, addSet, addAudit, addToken, addJoin, addStack, addUnstack, addLeave, addRevoke, addDoctor],
];
