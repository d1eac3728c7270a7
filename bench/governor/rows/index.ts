// The rows by name, in the order in which they run.

import type { Row } from "../figure.ts";
import { coresRow } from "./cores.ts";
import { limitsRow } from "./limits.ts";
import { memoryRow } from "./memory.ts";
import { nodeGoneRow, stuckRow } from "./noticed.ts";
import { placedRow } from "./placed.ts";
import { replacedRow } from "./replaced.ts";
import { stopRow } from "./stop.ts";

export const ROWS: Readonly<Record<string, Row>> = {
  replaced: replacedRow,
  "node-gone": nodeGoneRow,
  stuck: stuckRow,
  memory: memoryRow,
  placed: placedRow,
  limits: limitsRow,
  cores: coresRow,
  stop: stopRow,
};
