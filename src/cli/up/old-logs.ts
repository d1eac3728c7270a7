// The logs of containers that ended: kept for who asks why they did, and not for ever.

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Containers whose logs stay after they ended; each has 32 MiB at most. */
export const ENDED_KEPT = 50;

const LOG_OF_CONTAINER = /^(k[a-z2-7]{16})\.log(?:\.1)?$/;

/** Removes those of containers that ended before the last ENDED_KEPT. `running`: ids. */
export async function removeOldLogs(logs: string, running: ReadonlySet<string>): Promise<void> {
  const ended = new Map<string, { readonly files: string[]; at: number }>();
  for (const file of await readdir(logs)) {
    const id = LOG_OF_CONTAINER.exec(file)?.[1];
    if (id === undefined || running.has(id)) continue;
    const log = ended.get(id) ?? { files: [], at: 0 };
    log.files.push(join(logs, file));
    log.at = Math.max(log.at, (await stat(join(logs, file)).catch(() => undefined))?.mtimeMs ?? 0);
    ended.set(id, log);
  }
  const old = [...ended.values()].sort((a, b) => b.at - a.at).slice(ENDED_KEPT);
  for (const { files } of old) for (const file of files) await rm(file, { force: true });
}
