// A store in a folder: a folder for each key, in it a file for each version, named by its number.
//
//   FOLDER/checkpoints%island-3/0000000000000007
//
// Invariants
//   F1. A version's file is made once, whole, and never changed: what exists under a number is what was put there.
//   F2. Of several processes that make the same number one succeeds, since a file is made only where there is none.
//   F3. The newest versions, KEPT_LEAST of them at least, are never pruned: so who comes late to make a number that was
//       given long ago meets it, or finds that he was too late.

import type { Clock, Timer } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import { asError, Fault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { checkKey, folderNameOf, keyOfFolderName } from "./key.ts";
import { decodeObject, encodeObject, HEAD_LIMIT_BYTES } from "./object-file.ts";
import type { PutOutcome, Store, StoredObject } from "./store.ts";
import { Watches } from "./watches.ts";

export interface FileStoreSettings {
  /** Absolute; made with the first object. Several processes may share it. */
  readonly folder: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** Versions of a key that are kept. Default 16, and never fewer. */
  readonly kept?: number;
  /** Of one object. Default 64 MiB. */
  readonly limitBytes?: number;
}

export interface FileStore extends Store {
  /** Ends all watches; nothing else is held. */
  close(): void;
}

const KEPT_LEAST = 16;
const MOST_FILES = 1_000_000;
const LOOK_EVERY_MS = 1_000;
const NUMBER_WIDTH = 16;

export function fileStore(settings: FileStoreSettings): FileStore {
  const { folder, disk, clock, log, kept = KEPT_LEAST, limitBytes = 64 * 2 ** 20 } = settings;
  const pathOf = (key: string, version?: number) => {
    checkKey(key);
    const inside = `${folder}/${folderNameOf(key)}`;
    return version === undefined ? inside : `${inside}/${String(version).padStart(NUMBER_WIDTH, "0")}`;
  };

  const versions = async (key: string) => {
    const files = await disk.scan(pathOf(key), { skip: [], limit: MOST_FILES });
    return files.map(({ path }) => numberOf(path)).filter((version) => version > 0);
  };

  const get = async (key: string, version?: number): Promise<StoredObject | undefined> => {
    const wanted = version ?? (await versions(key)).at(-1) ?? 0;
    if (wanted === 0) return undefined;
    const path = pathOf(key, wanted);
    const file = await disk.read(path, limitBytes + HEAD_LIMIT_BYTES);
    if (file === undefined) return undefined;
    const content = decodeObject(file);
    if (content === undefined) {
      throw new Fault("internal", `version ${wanted} of '${key}' is damaged: ${path}; ask for one before it`);
    }
    return { key, version: wanted, ...content };
  };

  const write = async (key: string, bytes: Uint8Array | undefined, ifVersion?: number): Promise<PutOutcome> => {
    if (bytes !== undefined && bytes.length > limitBytes) {
      throw new Fault("invalid", `'${key}' would have ${bytes.length} bytes, the limit is ${limitBytes}`);
    }
    await disk.makeFolder(pathOf(key));
    const file = encodeObject({ writtenAt: clock.wallNow(), bytes });
    for (;;) {
      const newest = (await versions(key)).at(-1) ?? 0;
      if (ifVersion !== undefined && ifVersion !== newest) return { kind: "conflict", version: newest };
      const version = newest + 1;
      if (!(await disk.create(pathOf(key, version), file))) continue;
      const all = await versions(key);
      const after = all.at(-1) ?? version;
      if (version <= after - Math.max(KEPT_LEAST, kept)) {
        // Others have given this number and pruned it since the look at what was there (F3).
        await disk.remove(pathOf(key, version));
        continue;
      }
      watches.notice(key, version);
      const old = all.filter((each) => each <= after - Math.max(KEPT_LEAST, kept));
      for (const each of old) await disk.remove(pathOf(key, each));
      return { kind: "stored", version };
    }
  };

  const newest = async (prefix: string) => {
    const found = new Map<string, number>();
    for (const { path } of await disk.scan(folder, { skip: [], limit: MOST_FILES })) {
      const [name = "", file = ""] = path.split("/");
      const [key, version] = [keyOfFolderName(name), numberOf(file)];
      if (version > 0 && key.startsWith(prefix)) found.set(key, Math.max(version, found.get(key) ?? 0));
    }
    return found;
  };

  const watches = new Watches();
  let look: Timer | undefined;
  const lookAgain = () => {
    look = clock.after(LOOK_EVERY_MS, async () => {
      try {
        for (const [key, version] of await newest("")) watches.notice(key, version);
      } catch (error) {
        log.write("warn", `the store ${folder} cannot be looked at: ${asError(error).message}`);
      }
      if (watches.size > 0) lookAgain();
    });
  };

  return {
    get,
    versions,
    keys: async (prefix) => {
      const found: string[] = [];
      for (const key of (await newest(prefix)).keys()) {
        if ((await get(key))?.bytes !== undefined) found.push(key);
      }
      return found.sort();
    },
    put: (key, bytes, ifVersion) => write(key, bytes, ifVersion),
    remove: (key, ifVersion) => write(key, undefined, ifVersion),
    watch: (prefix, notice) => {
      const end = watches.add(prefix, notice, newest(prefix));
      if (watches.size === 1) lookAgain();
      return () => {
        end();
        if (watches.size === 0) look?.cancel();
      };
    },
    close: () => {
      watches.clear();
      look?.cancel();
    },
  };
}

/** 0 for what is no version. */
function numberOf(name: string): number {
  return /^\d{16}$/.test(name) ? Number(name) : 0;
}
