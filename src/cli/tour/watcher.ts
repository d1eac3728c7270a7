// How a chapter's progress is shown: a bar that is drawn anew on a terminal, a line now and then elsewhere.

import type { Terminal } from "../terminal.ts";
import type { ChapterStage } from "./chapter.ts";

const BAR_WIDTH = 30;
/** A bar is drawn anew when it is so much longer. */
const BAR_STEP = 0.005;
/** Without a terminal a line is written each time so much more is done. */
const LINE_STEP = 0.25;

/** For those who want the report alone. */
export const UNWATCHED: Pick<ChapterStage, "say" | "progress"> = { say: () => {}, progress: () => {} };

export function watcher(terminal: Terminal): Pick<ChapterStage, "say" | "progress"> {
  let stage = "";
  let shownPart = 0;
  return {
    say: (text) => {
      terminal.redraw?.("");
      terminal.say(text);
    },
    progress(what, part) {
      if (what !== stage) shownPart = 0;
      else if (shownPart === 1) return;
      stage = what;
      if (terminal.redraw !== undefined) {
        if (part < 1 && part - shownPart < BAR_STEP) return;
        terminal.redraw(part < 1 ? bar(what, part) : "");
      } else if (part < 1 && part - shownPart < LINE_STEP) return;
      else terminal.say(`  ${what}: ${Math.floor(part * 100)} %`);
      shownPart = part;
    },
  };
}

function bar(what: string, part: number): string {
  const full = Math.round(part * BAR_WIDTH);
  return `  ${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${String(Math.floor(part * 100)).padStart(3)} %  ${what}`;
}
