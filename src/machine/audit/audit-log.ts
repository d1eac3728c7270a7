// What was asked of this controller, by whom, and what came of it: files that are only appended to, each line bound to the one
// before it by a hash, so that no line can be changed, left out or put in unseen.
//
//   audit/START.jsonl  audit/NEXT.jsonl …     named by the number of their first entry; the oldest go when there are too many
//   audit/head                                number and hash of the newest entry: lines cut from the end are missed
//   audit/start                               number and hash of the last entry that was given up: lines cut from the beginning too
//
// Invariants
//   H1. The chain goes on from file to file, and over those that were given up.
//   H2. The log has FILES files of FILE_BYTES at most, and in memory one page of entries.

import { createHash } from "node:crypto";
import type { Disk } from "../../base/disk.ts";
import { Fault } from "../../base/fault.ts";

export interface AuditEntry {
  readonly number: number;
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
  readonly verdict: "done" | "refused";
  readonly why: string;
  /** SHA-256 of the entry before's hash and of this entry. */
  readonly hash: string;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Whether there are later ones. */
  readonly more: boolean;
}

const LIMITS = { fileBytes: 4 * 2 ** 20, files: 16 };
export type AuditLimits = typeof LIMITS;
/** Of one file: an entry that is longer than most may end it. */
const READ_LIMIT_BYTES = 64 * 2 ** 20;
const NAME = /^(\d{12})\.jsonl$/;
const MARK_LIMIT_BYTES = 4_096;
const BEGINNING: Mark = { number: 0, hash: "0".repeat(64) };

/** An entry, as the one after it knows it. */
interface Mark {
  readonly number: number;
  readonly hash: string;
}

export class AuditLog {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #wallNow: () => number;
  readonly #limits: AuditLimits;
  /** Numbers of the files' first entries, oldest first, and the bytes of the newest file. */
  #files: number[] = [];
  #newestBytes = 0;
  #newest: Mark = BEGINNING;
  #broken = "";
  #writing: Promise<unknown> = Promise.resolve();

  constructor(disk: Disk, folder: string, wallNow: () => number, limits: AuditLimits = LIMITS) {
    this.#disk = disk;
    this.#folder = `${folder}/audit`;
    this.#wallNow = wallNow;
    this.#limits = limits;
  }

  async open(): Promise<void> {
    await this.#disk.makeFolder(this.#folder);
    const { newest, broken } = await this.#check();
    this.#newest = newest;
    this.#broken = broken;
    this.#files = [...(await this.#list())];
    await this.#openNewest();
  }

  /** What a power failure cut is left as it is: the next entry goes to a file of its own. */
  async #openNewest(): Promise<void> {
    const last = this.#files.at(-1);
    if (last === undefined) return;
    const { entries, isCut } = await this.#entriesOf(last);
    if (isCut && entries.length === 0) {
      await this.#disk.remove(this.#path(last));
      this.#files.pop();
    }
    const bytes = (await this.#disk.read(this.#path(last), READ_LIMIT_BYTES))?.length ?? 0;
    this.#newestBytes = isCut ? Number.POSITIVE_INFINITY : bytes;
  }

  /** Settles when it would outlast a power failure. */
  write(entry: Pick<AuditEntry, "who" | "what" | "verdict" | "why">): Promise<void> {
    const written = this.#writing.then(async () => {
      const number = this.#newest.number + 1;
      const open = { number, atMs: Math.round(this.#wallNow()), ...entry };
      const whole: AuditEntry = { ...open, hash: hashOf(this.#newest.hash, open) };
      const line = new TextEncoder().encode(`${JSON.stringify(whole)}\n`);
      await this.#disk.append(this.#path(await this.#fileFor(number, line.length)), line);
      await this.#mark("head", whole);
      this.#newestBytes += line.length;
      this.#newest = whole;
    });
    this.#writing = written.catch(() => {});
    return written;
  }

  /** Those after the entry of that number, oldest first. */
  async page(after: number, most: number): Promise<AuditPage> {
    await this.#writing;
    const entries: AuditEntry[] = [];
    const files = this.#files.filter((_, index, all) => (all[index + 1] ?? Number.POSITIVE_INFINITY) > after + 1);
    for (const file of files) {
      for (const entry of (await this.#entriesOf(file)).entries) {
        if (entry === undefined || entry.number <= after) continue;
        if (entries.length === most) return { entries, more: true };
        entries.push(entry);
      }
    }
    return { entries, more: false };
  }

  /** Reads all files again. Empty where all is as it was written; else what is not. */
  async verify(): Promise<string> {
    await this.#writing;
    return this.#broken || (await this.#check()).broken;
  }

  /** The file that takes the next entry. H2: where it begins a new one, the oldest may go. */
  async #fileFor(number: number, bytes: number): Promise<number> {
    const last = this.#files.at(-1);
    if (last !== undefined && this.#newestBytes + bytes <= this.#limits.fileBytes) return last;
    this.#files.push(number);
    this.#newestBytes = 0;
    while (this.#files.length > this.#limits.files) {
      const [oldest = 0, next = number] = this.#files;
      const { entries } = await this.#entriesOf(oldest);
      const gone = entries.at(-1);
      // First: where power fails between the two, what `start` says is given up is passed over.
      if (gone !== undefined) await this.#mark("start", gone);
      await this.#disk.remove(this.#path(oldest));
      this.#files.shift();
      if (next === number) break;
    }
    return number;
  }

  /** H1 */
  async #check(): Promise<{ newest: Mark; broken: string }> {
    const start = await this.#marked("start");
    let before = start;
    let earlier = start;
    let cut = false;
    const wrong = () => ({ newest: before, broken: `entry ${before.number + 1} is not what was written` });
    for (const file of await this.#list()) {
      if (file <= start.number) continue;
      const { entries, isCut } = await this.#entriesOf(file);
      for (const entry of entries) {
        if (entry === undefined || entry.number !== before.number + 1 || entry.hash !== hashOf(before.hash, entry))
          return wrong();
        earlier = before;
        before = entry;
      }
      cut = isCut;
    }
    const head = await this.#marked("head");
    // A power failure between the two leaves one entry more than the head says.
    if (head.hash === before.hash || head.hash === earlier.hash) return { newest: before, broken: "" };
    const what = cut ? "its last line is cut: entries" : "entries";
    return { newest: before, broken: `${what} are missing after entry ${before.number}` };
  }

  async #entriesOf(file: number): Promise<{ entries: readonly (AuditEntry | undefined)[]; isCut: boolean }> {
    const bytes = await this.#disk.read(this.#path(file), READ_LIMIT_BYTES);
    const lines = new TextDecoder().decode(bytes ?? new Uint8Array()).split("\n");
    const isCut = lines.pop() !== "";
    return { entries: lines.map(parse), isCut };
  }

  async #list(): Promise<readonly number[]> {
    const files = await this.#disk.scan(this.#folder, { skip: [], limit: 10_000 });
    return files.flatMap(({ path }) => Number(NAME.exec(path)?.[1] ?? Number.NaN)).filter((number) => number > 0);
  }

  #path(file: number): string {
    return `${this.#folder}/${String(file).padStart(12, "0")}.jsonl`;
  }

  async #mark(name: "head" | "start", { number, hash }: Mark): Promise<void> {
    await this.#disk.replace(`${this.#folder}/${name}`, new TextEncoder().encode(`${number} ${hash}\n`));
  }

  async #marked(name: "head" | "start"): Promise<Mark> {
    const bytes = await this.#disk.read(`${this.#folder}/${name}`, MARK_LIMIT_BYTES);
    if (bytes === undefined) return BEGINNING;
    const [number = "", hash = ""] = new TextDecoder().decode(bytes).trim().split(" ");
    return { number: Number(number), hash };
  }
}

function hashOf(before: string, { number, atMs, who, what, verdict, why }: Omit<AuditEntry, "hash">): string {
  return createHash("sha256")
    .update(JSON.stringify([before, number, atMs, who, what, verdict, why]))
    .digest("hex");
}

function parse(line: string): AuditEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isEntry = typeof value === "object" && value !== null && "hash" in value && "number" in value;
    // Its hash tells whether it is one that was written here.
    return isEntry ? (value as AuditEntry) : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw new Fault("internal", `a line of the audit log: ${cause}`);
  }
}
