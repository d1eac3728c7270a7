// What a governor writes down of its containers, so that the next one finds them.
//
//   RUN/containers/ID.intent   before its process is asked for: the nonce that will stand in its arguments
//                 ID.json      as soon as its process is known
//                 ID.note      written by the container itself (note.ts)
//
// Invariants
//   R1. From before a process is started until it has ended there is an intent or a record of it.
//   R2. Without its intent a container that comes to run ends at once: what is taken back does not come to serve.

import type { Disk } from "../base/disk.ts";
import { asError } from "../base/fault.ts";
import type { ContainerRecord, Intent } from "./decisions/adoption.ts";

/** A record is a line of a few hundred bytes; anything longer is not ours. */
const RECORD_LIMIT_BYTES = 64 * 1024;
/** Three files for each of more containers than any node has. */
const MOST_FILES = 30_000;

/** As written; `writtenAt` in milliseconds since 1970, since it outlives the process. */
export type Written = Omit<ContainerRecord, "ageMs"> & Served & { readonly writtenAt: number };

type WrittenIntent = Omit<Intent, "ageMs"> & { readonly writtenAt: number };

/** What it was given: the state of it, and of which program; both empty where it was given nothing. */
export interface Served {
  readonly digest: string;
  readonly program: string;
  /** The longest that something in it may take, by its own word; left out where nothing said anything. */
  readonly budgetMs?: number;
}

export interface WrittenDown {
  readonly records: readonly (ContainerRecord & Served)[];
  /** Of those that have no record. */
  readonly intents: readonly Intent[];
  /** Ids of intents that are half written: of a governor that died before it started anything, or is just writing it. */
  readonly half: readonly string[];
  /** Files that say nothing we understand, with why. */
  readonly unreadable: readonly string[];
}

export class Registry {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #wallNow: () => number;

  constructor(disk: Disk, run: string, wallNow: () => number) {
    this.#disk = disk;
    this.#folder = `${run}/containers`;
    this.#wallNow = wallNow;
  }

  notePath(id: string): string {
    return `${this.#folder}/${id}.note`;
  }

  intentPath(id: string): string {
    return `${this.#folder}/${id}.intent`;
  }

  /** Only where no other governor is: what a killed one was just writing, and notes that came after the end, are removed. */
  async open(): Promise<void> {
    await this.#disk.makeFolder(this.#folder);
    const names = new Set(await this.#names());
    for (const name of names) {
      const [id] = name.split(".");
      const isNamed = names.has(`${id}.json`) || names.has(`${id}.intent`);
      if (name.endsWith(".new") || (name.endsWith(".note") && !isNamed))
        await this.#disk.remove(`${this.#folder}/${name}`);
    }
  }

  /**
   * Before it answers, so that nothing comes between it and the start. It need not outlast a loss of power: the process does not
   * either. Throws the Fault of a disk that is full: then nothing may be started.
   */
  intend(intent: Omit<Intent, "ageMs">): void {
    const written: WrittenIntent = { ...intent, writtenAt: this.#wallNow() };
    this.#disk.writeNow(this.intentPath(intent.id), JSON.stringify(written));
  }

  async write(record: Omit<Written, "writtenAt">): Promise<void> {
    const written: Written = { ...record, writtenAt: this.#wallNow() };
    await this.#disk.replace(this.#pathOf(record.id), new TextEncoder().encode(JSON.stringify(written)));
  }

  /** The intent last of what names it: whoever dies in between has it looked for once more. */
  async forget(id: string): Promise<void> {
    await this.#disk.remove(this.#pathOf(id));
    await this.#disk.remove(this.intentPath(id));
    await this.#disk.remove(this.notePath(id));
  }

  async read(): Promise<WrittenDown> {
    const records: (ContainerRecord & Served)[] = [];
    const unreadable: string[] = [];
    const names = new Set(await this.#names());
    for (const path of names) {
      if (!path.endsWith(".json")) continue;
      try {
        const record = await this.#parsed(path, isWritten);
        if (record !== undefined) records.push(record);
      } catch (error) {
        unreadable.push(`${path}: ${asError(error).message}`);
      }
    }
    const intents: Intent[] = [];
    const half: string[] = [];
    for (const path of names) {
      const [, id] = /^(.*)\.intent$/.exec(path) ?? [];
      if (id === undefined || names.has(`${id}.json`)) continue;
      const intent = await this.#parsed(path, isWrittenIntent).catch(() => "half" as const);
      if (intent === "half") half.push(id);
      else if (intent !== undefined) intents.push(intent);
    }
    return { records, intents, half, unreadable };
  }

  /** Undefined where it has just gone. Throws where it is not what it should be. */
  async #parsed<T extends { readonly writtenAt: number }>(
    path: string,
    isOurs: (value: unknown) => value is T,
  ): Promise<(T & { readonly ageMs: number }) | undefined> {
    const bytes = await this.#disk.read(`${this.#folder}/${path}`, RECORD_LIMIT_BYTES);
    if (bytes === undefined) return undefined;
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (!isOurs(parsed)) throw new Error("it is no record of a container");
    return { ...parsed, ageMs: Math.max(0, this.#wallNow() - parsed.writtenAt) };
  }

  async #names(): Promise<readonly string[]> {
    return (await this.#disk.scan(this.#folder, { skip: [], limit: MOST_FILES })).map(({ path }) => path);
  }

  #pathOf(id: string): string {
    return `${this.#folder}/${id}.json`;
  }
}

function isWritten(value: unknown): value is Written {
  const fields = fieldsOf(value);
  return (
    isWrittenIntent(value) &&
    ["startTime", "state", "digest", "program"].every((name) => typeof fields.get(name) === "string") &&
    ["undefined", "number"].includes(typeof fields.get("budgetMs")) &&
    Number.isInteger(fields.get("pid"))
  );
}

function isWrittenIntent(value: unknown): value is WrittenIntent {
  const fields = fieldsOf(value);
  return (
    ["id", "nonce", "address"].every((name) => typeof fields.get(name) === "string") &&
    typeof fields.get("writtenAt") === "number"
  );
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}
