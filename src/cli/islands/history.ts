// The history of runs, from the versions of their logs: mapped to rows, reduced to what is asked for.

import type { IslandLive, Live } from "./figures.ts";
import type { RunStore } from "./run-store.ts";

export type IslandEntry = IslandLive & { readonly at: string; readonly seconds: number };
export type NodeEntry = Omit<Live, "islands">;

export interface History {
  readonly islands: readonly { readonly name: string; readonly entries: readonly IslandEntry[] }[];
  readonly nodes: readonly { readonly name: string; readonly entries: readonly NodeEntry[] }[];
}

/** Logs read at one time. */
const WIDTH = 16;

/** `least`: the run's islands, so that what is a node's log and what an island's is known. */
export async function historyOf({ logs }: RunStore, islands: readonly string[]): Promise<History> {
  const names = (await logs.keys("log/")).map((key) => key.slice("log/".length));
  const read = async <T>(name: string) => ({ name, entries: await entriesOf<T>(logs, `log/${name}`) });
  return {
    islands: await Promise.all(islands.filter((name) => names.includes(name)).map((name) => read<IslandEntry>(name))),
    nodes: await Promise.all(names.filter((name) => !islands.includes(name)).map((name) => read<NodeEntry>(name))),
  };
}

async function entriesOf<T>(logs: RunStore["logs"], key: string): Promise<readonly T[]> {
  const versions = await logs.versions(key);
  const entries: T[] = [];
  for (let at = 0; at < versions.length; at += WIDTH) {
    const objects = await Promise.all(versions.slice(at, at + WIDTH).map((version) => logs.get(key, version)));
    for (const object of objects) {
      // Written by this command as JSON.
      if (object?.bytes !== undefined) entries.push(JSON.parse(new TextDecoder().decode(object.bytes)) as T);
    }
  }
  return entries;
}

/** A run that goes on from a checkpoint does once more what came after it: what was logged of that the first time is left out. */
export function goneOnWith<T extends Pick<IslandEntry, "evaluations">>(entries: readonly T[]): readonly T[] {
  const kept: T[] = [];
  for (const entry of entries) {
    while ((kept.at(-1)?.evaluations ?? 0) > entry.evaluations) kept.pop();
    kept.push(entry);
  }
  return kept;
}

/** At most so many of a list, evenly, the first and the last among them. */
export function thinned<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))] as T);
}
