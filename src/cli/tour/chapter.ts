// A chapter of the tour: one thing that Unum does, done for real, and checked.
//
// A new one is a module with a Chapter, named in chapters.ts. It is shown with the others, and its end counts.

import type { Env } from "../../base/env.ts";

export interface Chapter {
  /** One word, as it is chosen by. */
  readonly name: string;
  /** What it shows: one sentence. */
  readonly description: string;
  /**
   * Does it. Rejects where it cannot be done, or the signal aborts: then the tour has failed.
   * Leaves no process, file or socket behind, however it ends.
   */
  run(stage: ChapterStage): Promise<ChapterEnd>;
}

/** What a chapter works with. */
export interface ChapterStage {
  readonly env: Env;
  readonly options: TourOptions;
  /** Aborts at Ctrl-C, and when the chapter takes far too long. */
  readonly signal: AbortSignal;
  /** A line or several, of what is about to happen. Shown to people only. */
  say(text: string): void;
  /** `part` of what is being done, 0 to 1. A bar on a terminal, a line now and then elsewhere. */
  progress(what: string, part: number): void;
}

export interface TourOptions {
  /** Absolute: whose files are worked on. */
  readonly files: string;
  /** Absolute: components that serve demo.v1.Digest. */
  readonly components: string;
  /** How much of the files is worked on. */
  readonly limitBytes: number;
  /** An access log for the chapter of the log index; undefined for what is at hand. */
  readonly log?: string | undefined;
}

export interface ChapterEnd {
  /** Whether all was as it should be: nothing lost, every figure right. */
  readonly sound: boolean;
  /** The report for people, and among it what was not sound. */
  readonly lines: readonly string[];
  /** The same for programs. */
  readonly report: object;
}
