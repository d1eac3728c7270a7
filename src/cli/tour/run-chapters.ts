// The tour: chapter after chapter, each told as it goes and at its end.
//
// Invariants
//   R1. A chapter that fails does not keep the others from being shown, but the tour from succeeding.

import type { Env } from "../../base/env.ts";
import { asError } from "../../base/fault.ts";
import { formatMs } from "../duration.ts";
import type { Terminal } from "../terminal.ts";
import type { Chapter, ChapterEnd, TourOptions } from "./chapter.ts";
import { UNWATCHED, watcher } from "./watcher.ts";

export interface TourSettings {
  readonly env: Env;
  readonly options: TourOptions;
  readonly json: boolean;
  /** Ends the tour. */
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
}

/** Far more than one takes on a slow machine; then it has failed. */
const CHAPTER_LIMIT_MS = 4 * 60_000;

/** Settles with the names of those that failed. Rejects when the signal aborts. */
export async function runChapters(chapters: readonly Chapter[], settings: TourSettings): Promise<readonly string[]> {
  const { env, json, signal, terminal } = settings;
  const failed: string[] = [];
  for (const [index, chapter] of chapters.entries()) {
    const { name, description } = chapter;
    const place = chapters.length === 1 ? "" : `${index + 1} of ${chapters.length} `;
    if (!json) terminal.say(`${index === 0 ? "" : "\n"}${terminal.tint("bold", `${place}${name}`)}: ${description}`);
    const startedAt = env.clock.now();
    const end = await endOf(chapter, settings);
    signal.throwIfAborted();
    const ms = Math.round(env.clock.now() - startedAt);
    if (!end.sound) failed.push(name);
    if (json) terminal.print(JSON.stringify({ chapter: name, sound: end.sound, ms, ...end.report }));
    else terminal.print(["", ...end.lines, verdict(end, ms, terminal)].join("\n"));
  }
  return failed;
}

async function endOf(chapter: Chapter, { env, options, json, signal, terminal }: TourSettings): Promise<ChapterEnd> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(CHAPTER_LIMIT_MS)]);
  const { say, progress } = json ? UNWATCHED : watcher(terminal);
  try {
    return await chapter.run({ env, options, signal: limited, say, progress });
  } catch (error) {
    const { message } = asError(limited.aborted ? limited.reason : error);
    return { sound: false, lines: [message], report: { error: message } };
  } finally {
    // Of a bar that was not full.
    if (!json) terminal.redraw?.("");
  }
}

function verdict({ sound }: ChapterEnd, ms: number, { paint }: Terminal): string {
  return sound
    ? paint("green", `all as it should be, in ${formatMs(ms)}`)
    : paint("red", `FAILED, after ${formatMs(ms)}`);
}
