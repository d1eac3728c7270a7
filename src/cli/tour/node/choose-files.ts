// Which files the tour works on: every regular file below a folder, smallest first until the limit is reached.
//
// The same files give the same choice. Links are not followed; what changes by itself (caches, .git) is left out.

import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

export interface TourFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly bytes: number;
}

export interface Choice {
  /** In the order in which they are worked on: large ones first, so that none is left for the end, then by path. */
  readonly chosen: readonly TourFile[];
  readonly bytes: number;
  readonly left: { readonly files: number; readonly bytes: number };
}

const LEFT_OUT = new Set([".git", ".unum", ".cache", "coverage"]);
const LARGE_BYTES = 1_000_000;

export async function chooseFiles(root: string, limitBytes: number): Promise<Choice> {
  const all = await filesBelow(root, "");
  const bySize = all.sort((a, b) => a.bytes - b.bytes || (a.path < b.path ? -1 : 1));
  let bytes = 0;
  let count = 0;
  for (const file of bySize) {
    if (bytes + file.bytes > limitBytes) break;
    bytes += file.bytes;
    count++;
  }
  const left = bySize.slice(count);
  return {
    chosen: bySize.slice(0, count).sort(inTurn),
    bytes,
    left: { files: left.length, bytes: left.reduce((sum, file) => sum + file.bytes, 0) },
  };
}

function inTurn(a: TourFile, b: TourFile): number {
  const largest = Math.max(a.bytes, b.bytes);
  if (largest >= LARGE_BYTES && a.bytes !== b.bytes) return b.bytes - a.bytes;
  return a.path < b.path ? -1 : 1;
}

async function filesBelow(root: string, folder: string): Promise<TourFile[]> {
  const files: TourFile[] = [];
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    if (LEFT_OUT.has(entry.name)) continue;
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) files.push(...(await filesBelow(root, path)));
    // One that vanishes in between is none of them.
    const found = entry.isFile() ? await lstat(join(root, path)).catch(() => undefined) : undefined;
    if (found !== undefined) files.push({ path, bytes: found.size });
  }
  return files;
}
