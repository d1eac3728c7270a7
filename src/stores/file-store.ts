// A store in a folder: a folder for each key, in it a file for each version, named by its number.
//
//   FOLDER/checkpoints%island-3/0000000000000007
//
// Invariants
//   F1. A version's file is made once, whole, and never changed: what exists under a number is what was put there.
//   F2. Of several processes that make the same number one succeeds, since a file is made only where there is none.
//   F3. The newest versions, KEPT_LEAST of them at least, are never pruned, and others from the oldest on, one after the other: so who
//       comes late to make a number that was given long ago meets it, or finds the one before it gone.
//   F4. What a version costs to write does not grow with the versions that are kept: what this process wrote last is remembered.

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
const LOOK_EVERY_MS = 1_000;
const NUMBER_WIDTH = 16;
/** Keys of which it is remembered which versions there are. */
const MOST_REMEMBERED = 10_000;

interface Span {
  readonly oldest: number;
  readonly newest: number;
}

export function fileStore(settings: FileStoreSettings): FileStore {
  const { folder, disk, clock, log, kept = KEPT_LEAST, limitBytes = 64 * 2 ** 20 } = settings;
  const pathOf = (key: string, version?: number) => {
    checkKey(key);
    const inside = `${folder}/${folderNameOf(key)}`;
    return version === undefined ? inside : `${inside}/${String(version).padStart(NUMBER_WIDTH, "0")}`;
  };

  const versions = async (key: string) => (await disk.list(pathOf(key))).map(numberOf).filter((version) => version > 0);

  /** What there was of a key when this process last wrote it: others may have written since (F4). */
  const spans = new Map<string, Span>();
  const spanOf = async (key: string): Promise<Span> => {
    const all = await versions(key);
    return { oldest: all[0] ?? 1, newest: all.at(-1) ?? 0 };
  };
  const remember = (key: string, span: Span) => {
    if (spans.size >= MOST_REMEMBERED) spans.clear();
    spans.set(key, span);
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
    const known = spans.get(key);
    if (known === undefined) await disk.makeFolder(pathOf(key));
    const file = encodeObject({ writtenAt: clock.wallNow(), bytes });
    for (let span = known; ; span = undefined) {
      // What is remembered may be old: only what comes after it is believed.
      const { oldest, newest } = span ?? (await spanOf(key));
      if (ifVersion !== undefined && ifVersion !== newest) {
        if (span !== undefined) continue;
        return { kind: "conflict", version: newest };
      }
      const version = newest + 1;
      if (!(await made(key, version, file))) continue;
      // F3
      const isLate =
        newest === 0 ? (await spanOf(key)).newest > KEPT_LEAST : !(await disk.isThere(pathOf(key, newest)));
      if (isLate) {
        await disk.remove(pathOf(key, version));
        continue;
      }
      watches.notice(key, version);
      remember(key, { oldest: await pruned(key, { oldest, newest: version }), newest: version });
      return { kind: "stored", version };
    }
  };

  /** The folder is made where somebody has taken it away. */
  const made = async (key: string, version: number, file: Uint8Array): Promise<boolean> => {
    try {
      return await disk.create(pathOf(key, version), file);
    } catch (thrown) {
      if (await disk.isThere(pathOf(key))) throw thrown;
      await disk.makeFolder(pathOf(key));
      return disk.create(pathOf(key, version), file);
    }
  };

  /** Answers which version is the oldest now. */
  const pruned = async (key: string, { oldest, newest }: Span): Promise<number> => {
    const last = newest - Math.max(KEPT_LEAST, kept);
    const old =
      last - oldest > KEPT_LEAST
        ? (await versions(key)).filter((version) => version <= last)
        : Array.from({ length: Math.max(0, last - oldest + 1) }, (_, i) => oldest + i);
    for (const version of old) await disk.remove(pathOf(key, version));
    return Math.max(oldest, last + 1);
  };

  const newest = async (prefix: string) => {
    const found = new Map<string, number>();
    for (const name of await disk.list(folder)) {
      const key = keyOfFolderName(name);
      if (!key.startsWith(prefix)) continue;
      const last = (await disk.list(`${folder}/${name}`)).findLast((file) => numberOf(file) > 0);
      if (last !== undefined) found.set(key, numberOf(last));
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
