// What was asked of this controller, by whom, and what came of it: a file that is only appended to, each line bound to the
// one before it by a hash, so that no line can be changed, left out or put in unseen. A second file holds the newest hash, so
// that lines cut from the end are missed too.

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

const LIMIT_BYTES = 256 * 2 ** 20;
const BEGINNING = "0".repeat(64);

export class AuditLog {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #wallNow: () => number;
  #entries: AuditEntry[] = [];
  #broken = "";
  #writing: Promise<unknown> = Promise.resolve();

  constructor(disk: Disk, folder: string, wallNow: () => number) {
    this.#disk = disk;
    this.#path = `${folder}/audit.jsonl`;
    this.#wallNow = wallNow;
  }

  get entries(): readonly AuditEntry[] {
    return this.#entries;
  }

  async open(): Promise<void> {
    const { entries, broken } = await this.#read();
    this.#entries = entries;
    this.#broken = broken;
  }

  /** Settles when it would outlast a power failure. */
  write(entry: Pick<AuditEntry, "who" | "what" | "verdict" | "why">): Promise<void> {
    const written = this.#writing.then(async () => {
      const number = (this.#entries.at(-1)?.number ?? 0) + 1;
      const open = { number, atMs: Math.round(this.#wallNow()), ...entry };
      const whole: AuditEntry = { ...open, hash: hashOf(this.#entries.at(-1)?.hash ?? BEGINNING, open) };
      await this.#disk.append(this.#path, new TextEncoder().encode(`${JSON.stringify(whole)}\n`));
      await this.#disk.replace(`${this.#path}.head`, new TextEncoder().encode(`${number} ${whole.hash}\n`));
      this.#entries.push(whole);
    });
    this.#writing = written.catch(() => {});
    return written;
  }

  /** Reads the file again. Empty where all is as it was written; else what is not. */
  async verify(): Promise<string> {
    await this.#writing;
    return this.#broken || (await this.#read()).broken;
  }

  async #read(): Promise<{ entries: AuditEntry[]; broken: string }> {
    const bytes = await this.#disk.read(this.#path, LIMIT_BYTES);
    const lines = new TextDecoder().decode(bytes ?? new Uint8Array()).split("\n");
    const last = lines.pop() ?? "";
    const entries: AuditEntry[] = [];
    let broken = last === "" ? "" : "its last line is cut";
    for (const line of lines) {
      const entry = parse(line);
      const { hash, ...open } = entry ?? { hash: "" };
      const before = entries.at(-1);
      const fits =
        entry !== undefined &&
        entry.number === (before?.number ?? 0) + 1 &&
        hash === hashOf(before?.hash ?? BEGINNING, open as Omit<AuditEntry, "hash">);
      if (!fits) {
        broken ||= `entry ${(before?.number ?? 0) + 1} is not what was written`;
        break;
      }
      entries.push(entry);
    }
    const head = await this.#disk.read(`${this.#path}.head`, 4_096);
    const [number = 0, hash = ""] = new TextDecoder()
      .decode(head ?? new Uint8Array())
      .trim()
      .split(" ");
    const newest = entries.at(-1);
    // A power failure between the two leaves one entry more than the head says.
    const isAt = (entry: AuditEntry | undefined) => (entry === undefined ? Number(number) === 0 : entry.hash === hash);
    if (!isAt(newest) && !isAt(entries.at(-2))) broken ||= `entries are missing after entry ${newest?.number ?? 0}`;
    return { entries, broken };
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
