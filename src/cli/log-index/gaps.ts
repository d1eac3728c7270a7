// What an answer does not have, said so that nobody takes a part for the whole.

import type { Gap } from "../../log-index/find/query.ts";
import { gapText } from "../../log-index/server/answers.ts";
import type { Terminal } from "../terminal.ts";

export function sayGaps(gaps: readonly Gap[], terminal: Terminal): void {
  for (const gap of gaps) terminal.say(terminal.tint("yellow", gapText(gap)));
}
