// The disk of one simulated computer: files in memory that outlive processes, and what a power failure leaves of them.
//
//   replace ──▶ on the platter when it settles          writeNow, remove ──▶ in memory, on the platter FLUSH_MS later
//
// Invariants
//   K1. A file is replaced whole or not at all, whoever dies meanwhile.
//   K2. What was replaced survives a loss of power; what was written or removed less than FLUSH_MS ago may be as before, or torn.
//   K3. A process that stands still hears of its files when it goes on; what it had asked for happens all the same.

import type { Clock } from "../../base/clock.ts";
import type { Disk, FileEntry } from "../../base/disk.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Random } from "../../base/random.ts";

/** Who uses it. */
export interface DiskUser {
  readonly alive: boolean;
  deliver(fire: () => void): void;
}

interface File {
  readonly bytes: Uint8Array;
  readonly version: number;
  /** When it was last written without being brought to the platter; undefined where it is there. */
  readonly unsyncedAt: number | undefined;
  /** What the platter had before that. */
  readonly before: Uint8Array | undefined;
}

/** How long the system keeps what nobody asked it to bring to the platter. */
const FLUSH_MS = 5_000;
/** Mean of what one step takes; a slow disk adds to it. */
const STEP_MS = 0.2;

export class SimulatedDisk {
  /** Nothing can be written while it is. */
  full = false;
  /** What every step takes more, on average, in ms. */
  slowMs = 0;
  /** How often something was refused because it was full, and slowed because it was slow. */
  readonly counts = { refused: 0, slowed: 0, lost: 0 };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #files = new Map<string, File>();
  readonly #folders = new Set<string>(["/"]);
  /** Gone, and perhaps not yet from the platter. */
  readonly #removed = new Map<string, { readonly bytes: Uint8Array; readonly at: number }>();
  #versions = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** As one process sees it. */
  of(user: DiskUser): Disk {
    return {
      read: (path, limitBytes) => this.#step(user, () => this.#read(path, limitBytes)),
      replace: (path, bytes) => this.#step(user, () => this.#write(path, bytes, true), true),
      create: (path, bytes) => this.#step(user, () => this.#create(path, bytes), true),
      append: (path, bytes) => this.#step(user, () => this.#append(path, bytes), true),
      writeNow: (path, text) => this.#write(path, new TextEncoder().encode(text), false),
      remove: (path) => this.#step(user, () => this.remove(path), true),
      makeFolder: (path) => this.#step(user, () => this.makeFolder(path)),
      copyFolder: (from, to, skip) => this.#step(user, () => this.#copyFolder(from, to, skip), true),
      removeFolder: (path) => this.#step(user, () => this.#removeFolder(path), true),
      moveFolder: (from, to) => this.#step(user, () => this.#moveFolder(from, to), true),
      scan: (folder, options) => this.#step(user, () => this.#scan(folder, options)),
      list: (folder) => this.#step(user, () => this.#list(folder)),
      isThere: (path) => this.#step(user, () => this.#files.has(path) || this.#folders.has(path)),
      capLog: (path, limitBytes) => this.#step(user, () => this.#cap(path, limitBytes)),
    };
  }

  // --- as who sits at the computer sees it, at once

  text(path: string): string | undefined {
    const file = this.#files.get(path);
    return file === undefined ? undefined : new TextDecoder().decode(file.bytes);
  }

  /** With its folder, and brought to the platter. */
  put(path: string, text: string): void {
    this.makeFolder(folderOf(path));
    this.#set(path, new TextEncoder().encode(text), true);
  }

  remove(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    this.#removed.set(path, { bytes: file.bytes, at: this.#clock.now() });
  }

  makeFolder(path: string): void {
    for (let each = path; each.length > 1; each = each.slice(0, each.lastIndexOf("/"))) this.#folders.add(each);
  }

  has(folder: string): boolean {
    return this.#folders.has(folder);
  }

  get paths(): readonly string[] {
    return [...this.#files.keys()].sort();
  }

  /** K2 */
  losePower(): void {
    const recent = (at: number | undefined) => at !== undefined && this.#clock.now() - at < FLUSH_MS;
    for (const [path, { bytes, unsyncedAt, before }] of [...this.#files]) {
      if (!recent(unsyncedAt)) continue;
      const fate = this.#random.below(3);
      if (fate === 0) continue;
      this.counts.lost++;
      if (fate === 1) this.#set(path, bytes.slice(0, this.#random.below(bytes.length + 1)), true);
      else if (before === undefined) this.#files.delete(path);
      else this.#set(path, before, true);
    }
    for (const [path, { bytes, at }] of this.#removed) {
      if (recent(at) && !this.#files.has(path) && this.#random.below(2) === 0) this.#set(path, bytes, true);
    }
    this.#removed.clear();
  }

  // --- the steps themselves

  #read(path: string, limitBytes: number): Uint8Array | undefined {
    const file = this.#files.get(path);
    if (file === undefined) return undefined;
    if (file.bytes.length > limitBytes) {
      throw new Fault("invalid", `${path} has ${file.bytes.length} bytes, the limit is ${limitBytes}`);
    }
    return file.bytes.slice();
  }

  #write(path: string, bytes: Uint8Array, synced: boolean): void {
    if (!this.#folders.has(folderOf(path))) {
      throw new Fault("invalid", `cannot write ${path}: there is no such file or folder`);
    }
    if (this.full) {
      this.counts.refused++;
      // Opening it has cut it to nothing; a file that is to be replaced stays as it is.
      if (!synced) this.#set(path, new Uint8Array(), false);
      throw new Fault("invalid", `cannot write ${path}: no space is left there; free some, or choose another folder`);
    }
    this.#set(path, bytes.slice(), synced);
  }

  #create(path: string, bytes: Uint8Array): boolean {
    if (this.#files.has(path)) return false;
    this.#write(path, bytes, true);
    return true;
  }

  #append(path: string, bytes: Uint8Array): void {
    const before = this.#files.get(path)?.bytes ?? new Uint8Array();
    const all = new Uint8Array(before.length + bytes.length);
    all.set(before);
    all.set(bytes, before.length);
    this.#write(path, all, true);
  }

  #inside(folder: string): string[] {
    return [...this.#files.keys()].filter((path) => path.startsWith(`${folder}/`));
  }

  #copyFolder(from: string, to: string, skip: readonly string[]): void {
    this.makeFolder(to);
    for (const { path } of this.#scan(from, { skip, limit: Number.POSITIVE_INFINITY })) {
      const copy = `${to}/${path}`;
      this.makeFolder(folderOf(copy));
      this.#write(copy, this.#files.get(`${from}/${path}`)?.bytes ?? new Uint8Array(), false);
    }
  }

  #removeFolder(path: string): void {
    for (const each of this.#inside(path)) this.remove(each);
    for (const each of [...this.#folders]) if (`${each}/`.startsWith(`${path}/`)) this.#folders.delete(each);
  }

  #moveFolder(from: string, to: string): boolean {
    if (this.#folders.has(to) || this.#files.has(to)) return false;
    for (const folder of [...this.#folders]) {
      if (!`${folder}/`.startsWith(`${from}/`)) continue;
      this.#folders.delete(folder);
      this.makeFolder(to + folder.slice(from.length));
    }
    // Its files are what they were, on the platter too.
    for (const path of this.#inside(from)) {
      const file = this.#files.get(path);
      if (file !== undefined) this.#files.set(to + path.slice(from.length), file);
      this.#files.delete(path);
    }
    return true;
  }

  #set(path: string, bytes: Uint8Array, synced: boolean): void {
    const known = this.#files.get(path);
    const before = known?.unsyncedAt === undefined ? known?.bytes : known.before;
    const version = ++this.#versions;
    this.#files.set(
      path,
      synced
        ? { bytes, version, unsyncedAt: undefined, before: undefined }
        : { bytes, version, unsyncedAt: this.#clock.now(), before },
    );
  }

  #scan(folder: string, { skip, limit }: { readonly skip: readonly string[]; readonly limit: number }): FileEntry[] {
    const found: FileEntry[] = [];
    for (const [path, { bytes, version }] of this.#files) {
      if (!path.startsWith(`${folder}/`)) continue;
      const inside = path.slice(folder.length + 1);
      if (
        inside
          .split("/")
          .slice(0, -1)
          .some((name) => skip.includes(name))
      )
        continue;
      found.push({ path: inside, bytes: bytes.length, version: String(version) });
    }
    if (found.length > limit)
      throw new Fault("invalid", `${folder} has more than ${limit} files; is it the right folder?`);
    return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #list(folder: string): readonly string[] {
    const all = [...this.#files.keys(), ...this.#folders].filter((path) => path.startsWith(`${folder}/`));
    return [...new Set(all.map((path) => path.slice(folder.length + 1).split("/", 1)[0] ?? ""))].sort();
  }

  #cap(path: string, limitBytes: number): boolean {
    const file = this.#files.get(path);
    if (file === undefined || file.bytes.length <= limitBytes) return false;
    if (!this.full) this.#set(`${path}.1`, file.bytes.slice(-limitBytes), false);
    this.#set(path, new Uint8Array(), false);
    return true;
  }

  /** Does it in the middle of the time it takes. `fragile`: where the process has died by then, it may not come to be done. */
  #step<T>(user: DiskUser, act: () => T, fragile = false): Promise<T> {
    return new Promise((resolve, reject) => {
      const took = -Math.log(1 - this.#random.float()) * (STEP_MS + this.slowMs);
      if (this.slowMs > 0) this.counts.slowed++;
      this.#clock.after(took / 2, () => {
        if (fragile && !user.alive && this.#random.below(2) === 0) return;
        let settle: () => void;
        try {
          const value = act();
          settle = () => resolve(value);
        } catch (error) {
          settle = () => reject(asError(error));
        }
        this.#clock.after(took / 2, () => user.deliver(settle));
      });
    });
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
