// The ballots of one keeper, on disk before anybody hears of them. After a start all of them bind as if granted then (B3).

import { z } from "zod";
import type { Clock } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Ballot } from "./ballot.ts";

const keptSchema = z.record(
  z.string(),
  z.strictObject({
    epoch: z.int().min(1),
    owner: z.string(),
    home: z.string(),
    longestMs: z.number().min(0),
    released: z.boolean(),
  }),
);
const LIMIT_BYTES = 2 ** 22;

export class Ballots {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #clock: Clock;
  #ballots: ReadonlyMap<string, Ballot> = new Map();
  #written = "{}";
  #writing: Promise<void> = Promise.resolve();
  /** What stood there cannot be read: nobody knows what was voted for. */
  #lost: string | undefined;

  constructor({ disk, path, clock }: { readonly disk: Disk; readonly path: string; readonly clock: Clock }) {
    this.#disk = disk;
    this.#path = path;
    this.#clock = clock;
  }

  /** Answers with what is wrong with them: such a keeper votes for nobody. */
  async open(): Promise<string | undefined> {
    const bytes = await this.#disk.read(this.#path, LIMIT_BYTES);
    if (bytes === undefined) return undefined;
    const at = this.#clock.now();
    try {
      const kept = keptSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
      this.#ballots = new Map(
        Object.entries(kept).map(([program, ballot]) => [program, { ...ballot, granted: { at } }]),
      );
      this.#written = textOf(this.#ballots);
    } catch (error) {
      this.#lost = `${this.#path} is not as it was written: ${asError(error).message}; remove it where no owner is left that it may have voted for`;
    }
    return this.#lost;
  }

  get(program: string): Ballot | undefined {
    return this.#ballots.get(program);
  }

  /** Counts at once; settles when it is on disk. */
  async put(program: string, ballot: Ballot): Promise<void> {
    if (this.#lost !== undefined) throw new Fault("internal", this.#lost);
    this.#ballots = new Map(this.#ballots).set(program, ballot);
    const write = async () => {
      const text = textOf(this.#ballots);
      if (text === this.#written) return;
      await this.#disk.replace(this.#path, new TextEncoder().encode(text));
      this.#written = text;
    };
    const writing = this.#writing.then(write);
    this.#writing = writing.catch(() => {});
    return writing;
  }
}

/** Without what is of this process's clock. */
function textOf(ballots: ReadonlyMap<string, Ballot>): string {
  return JSON.stringify(Object.fromEntries([...ballots].map(([program, { granted: _, ...kept }]) => [program, kept])));
}
