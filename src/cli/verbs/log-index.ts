// The subcommands of unum logs that find records in the logs of servers, beside what containers wrote.

import type { Command } from "commander";
import { addAdd } from "../log-index/add.ts";
import { addCollect } from "../log-index/collect.ts";
import { addFind } from "../log-index/find.ts";
import { addRemove } from "../log-index/remove.ts";
import { addRetain } from "../log-index/retain.ts";
import { addSample } from "../log-index/sample.ts";
import { addServe } from "../log-index/serve.ts";
import { addSleep, addWake } from "../log-index/sleep-wake.ts";
import { addStatus } from "../log-index/status.ts";
import { addTail } from "../log-index/tail.ts";
import { addDistinct, addEstimate, addTimes, addTop } from "../log-index/views.ts";
import type { Stage } from "./verb.ts";

/** As --help lists them. */
const SUBCOMMANDS = [
  addAdd,
  addFind,
  addTimes,
  addTop,
  addDistinct,
  addEstimate,
  addStatus,
  addTail,
  addSleep,
  addWake,
  addRetain,
  addRemove,
  addServe,
  addCollect,
  addSample,
];

export const LOG_INDEX_WORDS = [
  ...[
    "add",
    "find",
    "times",
    "top",
    "distinct",
    "estimate",
    "status",
    "sleep",
    "wake",
    "retain",
    "remove",
    "tail",
    "serve",
    "collect",
    "sample",
  ],
];

export function addLogIndex(logs: Command, stage: Stage): void {
  logs.helpCommand(false);
  for (const add of SUBCOMMANDS) add(logs, stage);
}
