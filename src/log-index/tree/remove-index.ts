// Taking a folder or a server out of the index. What it was made of, raw logs and other servers, stays as it is.

import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { lockWriter } from "../chunk/writer-lock.ts";
import { CHUNK, noteFacts, readConfig } from "./config.ts";

export interface Removed {
  readonly what: "folder" | "server";
  /** Of the index alone; a server's are its own. */
  readonly records: number;
}

/** `name`: as nginx/shop, or a server's. `not-found` where the index has none; `overloaded` while another process writes to it. */
export function removeIndex(home: string, name: string): Removed {
  const parts = name.split("/").filter((part) => part !== "");
  const last = parts.at(-1) ?? "";
  const parent = join(home, ...parts.slice(0, -1));
  const config = readConfig(parent);
  const isServer = config.urls.some((child) => child.name === last);
  if (!isServer && !config.folders.some((child) => child.name === last))
    throw new Fault("not-found", `the index has no '${name}'`);
  let records = 0;
  if (isServer)
    noteFacts(parent, (before) => ({ ...before, urls: before.urls.filter((child) => child.name !== last) }));
  else records = removeFolder(join(parent, last));
  // Each folder notes what is left below it.
  for (let depth = parts.length - 1; depth >= 0; depth--) noteFacts(join(home, ...parts.slice(0, depth)));
  return { what: isServer ? "server" : "folder", records };
}

function removeFolder(folder: string): number {
  const { records } = noteFacts(folder);
  // Whoever writes there would write into nothing: all are kept out before anything goes.
  const unlocks: (() => void)[] = [];
  try {
    for (const chunk of chunksBelow(folder)) unlocks.push(lockWriter(chunk));
    rmSync(folder, { recursive: true });
  } finally {
    for (const unlock of unlocks) unlock();
  }
  return records;
}

function* chunksBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    if (entry.name === CHUNK) yield path;
    else if (existsSync(path)) yield* chunksBelow(path);
  }
}
