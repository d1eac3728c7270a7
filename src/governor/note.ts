// What a container writes down before it does something that may keep its loop from turning, or ends it.
//
// Read by its governor when it is silent or gone. Written without waiting, so that also a loop that is blocked from the next
// line on has said how long it may take.

import type { Disk } from "../base/disk.ts";

export interface Note {
  /** Functions that may take longer than the default budget, and have not ended. */
  readonly began: readonly { readonly component: string; readonly atWallMs: number; readonly budgetMs: number }[];
  /** When the last of those that had begun ended, on the clock on the wall; 0 where none has. */
  readonly endedAtWallMs: number;
  /** What ran when the process ended by itself. */
  readonly running: readonly string[];
}

const NOTHING: Note = { began: [], endedAtWallMs: 0, running: [] };
const NOTE_LIMIT_BYTES = 256 * 1024;

export function writeNote(disk: Disk, path: string, note: Note): void {
  disk.writeNow(path, JSON.stringify(note));
}

/** Nothing where there is none. `isWhole`: false where it is half written, or a full disk kept it from being written. */
export async function readNote(disk: Disk, path: string): Promise<Note & { readonly isWhole: boolean }> {
  try {
    const bytes = await disk.read(path, NOTE_LIMIT_BYTES);
    const note: unknown = bytes === undefined ? NOTHING : JSON.parse(new TextDecoder().decode(bytes));
    return isNote(note) ? { ...note, isWhole: true } : { ...NOTHING, isWhole: false };
  } catch {
    return { ...NOTHING, isWhole: false };
  }
}

function isNote(value: unknown): value is Note {
  if (typeof value !== "object" || value === null) return false;
  const { began, endedAtWallMs, running } = { began: [], endedAtWallMs: 0, running: [], ...value };
  return "began" in value && Array.isArray(began) && Number.isFinite(endedAtWallMs) && Array.isArray(running);
}
