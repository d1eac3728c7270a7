// A conducting process in the directory of nodes, for as long as it runs.

import { join } from "node:path";
import type { Env } from "../../base/env.ts";
import { Fault } from "../../base/fault.ts";
import { Directory, type Entries, readEntries } from "../../islands/directory.ts";
import { type FileStore, fileStore } from "../../stores/file-store.ts";
import { systemDisk } from "../../system/disk.ts";
import { systemEnv } from "../../system/env.ts";
import { islandsFolder, type RunRecord } from "./run-store.ts";

const LIFETIME_MS = 20_000;
const EVERY_MS = 5_000;

/** Those who said lately that they live. Who was killed is in it until somebody strikes it out. */
export async function presentNodes(): Promise<Entries> {
  const store = directoryStore(systemEnv());
  try {
    return await readEntries(store);
  } finally {
    store.close();
  }
}

function directoryStore({ clock, log }: Pick<Env, "clock" | "log">): FileStore {
  return fileStore({ folder: join(islandsFolder(), "directory"), disk: systemDisk(), clock, log });
}

/** One computer may conduct several runs: each has an entry of its own. */
export async function takePart(record: RunRecord, env: Env): Promise<{ end(): Promise<void> }> {
  const store = directoryStore(env);
  const self = { node: `${record.node}/${record.name}`, incarnation: env.clock.wallNow(), lifetimeMs: LIFETIME_MS };
  const about = () => ({ run: record.name, pid: process.pid, islands: record.plan.islands.length });
  const directory = new Directory({ store, clock: env.clock, self, about });
  let last: Promise<unknown> = Promise.resolve();
  const next = () => {
    // The run goes on without it; the next one may succeed.
    last = directory.checkIn().catch((error) => {
      if (!(error instanceof Fault)) throw error;
    });
  };
  next();
  const timer = setInterval(next, EVERY_MS);
  return {
    end: async () => {
      clearInterval(timer);
      await last;
      await directory.leave().catch(() => {});
      store.close();
    },
  };
}
