// The code that serves, kept: a container that crashes is started again from what ran, also while something else lies in the folder.
//
//   about to be given ──▶ RUN/code/DIGEST/ (a copy) ──▶ RUN/code/DIGEST.json (it is whole) ──▶ accepted
//
// Containers are given the folder itself as long as it is in the state that was accepted, so that people find the files they wrote
// in messages and debuggers; the copy only where it is not. What the copy imports from outside of itself is found from the folder.
//
// Invariants
//   A1. A copy is used only where the folder was in its state before and after it was made.
//   A2. The copy before the present one stays: containers that drain may still import from it.
//   A3. No code is given to a container before it was tried to copy it: from then on the folder may change at any time.
//   A4. What was loaded from the folder while it changed serves nothing, counts for no crash, and is loaded again from the copy.

import type { Disk } from "../base/disk.ts";
import { asError } from "../base/fault.ts";
import type { LogLevel } from "../base/log.ts";
import { type ComponentsFolder, SKIPPED } from "./folder.ts";

/** Where code lies; `source`: the folder it was copied from, empty where it is no copy. */
export interface CodePlace {
  readonly folder: string;
  readonly source: string;
}

const MOST_BYTES = 256 * 2 ** 20;
const MARK_LIMIT_BYTES = 4_096;
/** What serves, what comes in, and what came before. */
const COPIES_REMEMBERED = 3;

export class AcceptedCode {
  readonly #folder: ComponentsFolder;
  readonly #disk: Disk;
  readonly #store: string;
  readonly #say: (level: LogLevel, text: string) => void;
  /** Newest last. */
  #kept: readonly string[] = [];
  #keeping = "";
  /** The copies that were tried, of the last states: whole, or not. */
  readonly #copies = new Map<string, Promise<boolean>>();
  /** Could not be kept, as was said. */
  #unkept = "";

  constructor(
    folder: ComponentsFolder,
    parts: { readonly disk: Disk; readonly run: string; readonly say: (level: LogLevel, text: string) => void },
  ) {
    this.#folder = folder;
    this.#disk = parts.disk;
    this.#store = `${parts.run}/code`;
    this.#say = parts.say;
  }

  /** That state has passed and serves. Written down, and copied where the folder is in it. Never rejects: what cannot be kept is said. */
  async keep(digest: string): Promise<void> {
    if (this.#keeping === digest || this.#unkept === digest || this.#kept.at(-1) === digest) return;
    this.#keeping = digest;
    try {
      await this.#write("accepted", digest);
      if (await this.#copy(digest)) {
        this.#kept = [...this.#kept.filter((each) => each !== digest), digest].slice(-2);
        await this.#forgetOthers();
      }
    } catch (error) {
      const why = `the code that serves cannot be kept; what crashes is started from the folder as it is: ${asError(error).message}`;
      this.#unkept = digest;
      this.#say("warn", why);
    } finally {
      this.#keeping = "";
    }
  }

  /** Where to load that state from. */
  async placeOf(digest: string): Promise<CodePlace> {
    const source = this.#folder.path;
    const inPlace = { folder: source, source: "" };
    // A3. Why it cannot be kept is said when it is accepted.
    if (!(await this.#copy(digest).catch(() => false)) || (await this.#folder.isSettled(digest))) return inPlace;
    return { folder: `${this.#store}/${digest}`, source };
  }

  /**
   * Whether the folder has left that state, so that what was just loaded from it may be half of another; false where there is no
   * copy, since then there is nothing better to load.
   */
  async hasLeft(digest: string): Promise<boolean> {
    return (await this.#marked(digest)) && !(await this.#folder.isSettled(digest));
  }

  /** An operator wants that state to come in though it breaks callers. Holds also for the next governor. */
  force(digest: string): Promise<void> {
    return this.#write("forced", digest);
  }

  async isForced(digest: string): Promise<boolean> {
    return (await this.#read("forced")) === digest;
  }

  /**
   * What serves, where an earlier governor left containers in these states: what it had accepted; else what most are in.
   * One that had just been given other code has not passed yet. Undefined where there are none.
   */
  async among(digests: readonly string[]): Promise<string | undefined> {
    const accepted = await this.#read("accepted");
    if (accepted !== undefined && digests.includes(accepted)) return accepted;
    const count = (digest: string) => digests.filter((each) => each === digest).length;
    return [...digests].sort((a, b) => count(b) - count(a))[0];
  }

  async #write(name: "accepted" | "forced", digest: string): Promise<void> {
    await this.#disk.makeFolder(this.#store);
    await this.#disk.replace(`${this.#store}/${name}`, new TextEncoder().encode(digest));
  }

  async #read(name: "accepted" | "forced"): Promise<string | undefined> {
    const bytes = await this.#disk.read(`${this.#store}/${name}`, MARK_LIMIT_BYTES);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  /** Whether there is a whole copy of that state, made now where there was none. */
  #copy(digest: string): Promise<boolean> {
    const tried = this.#copies.get(digest);
    if (tried !== undefined) return tried;
    const copying = this.#copied(digest);
    this.#copies.set(digest, copying);
    const again = () => this.#copies.delete(digest);
    copying.then((isWhole) => isWhole || again(), again);
    for (const old of [...this.#copies.keys()].slice(0, -COPIES_REMEMBERED)) this.#copies.delete(old);
    return copying;
  }

  async #copied(digest: string): Promise<boolean> {
    if (await this.#marked(digest)) return true;
    const bytes = await this.#folder.bytes();
    if (bytes > MOST_BYTES) throw new Error(`the folder has ${bytes} bytes, the limit is ${MOST_BYTES}`);
    if ((await this.#folder.digest()) !== digest) return false;
    await this.#disk.makeFolder(this.#store);
    await this.#disk.copyFolder(this.#folder.path, `${this.#store}/${digest}`, SKIPPED);
    if ((await this.#folder.digest()) !== digest) return false;
    const mark = { digest, from: this.#folder.path };
    await this.#disk.replace(this.#markOf(digest), new TextEncoder().encode(JSON.stringify(mark)));
    return true;
  }

  async #marked(digest: string): Promise<boolean> {
    return (await this.#disk.read(this.#markOf(digest), MARK_LIMIT_BYTES)) !== undefined;
  }

  /** Those that an earlier governor kept, too. */
  async #forgetOthers(): Promise<void> {
    const files = await this.#disk.scan(this.#store, { skip: [], limit: 1_000_000 });
    const there = new Set(files.flatMap(({ path }) => /^([0-9a-f]{16})[./]/.exec(path)?.[1] ?? []));
    for (const digest of there) {
      // What is about to be given may be accepted next.
      if (this.#kept.includes(digest) || this.#copies.has(digest)) continue;
      await this.#disk.remove(this.#markOf(digest));
      await this.#disk.removeFolder(`${this.#store}/${digest}`);
    }
  }

  #markOf(digest: string): string {
    return `${this.#store}/${digest}.json`;
  }
}
