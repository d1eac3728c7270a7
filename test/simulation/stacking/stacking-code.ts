// The code of nodes, containers and gateways as this world runs it; another copy of it where a mistake is planted.

import { letIn } from "../../../src/machine/identity/joining.ts";
import { runGateway } from "../../../src/node/run-gateway.ts";
import { REAL_CODE } from "../../../src/testing/hosts/programs.ts";
import type { StackingCode } from "./stacked-machines.ts";

export const SOUND_CODE: StackingCode = { ...REAL_CODE, runGateway, letIn };
