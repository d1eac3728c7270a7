// The components folder: what state it is in, and whether somebody deploys into it right now.

import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import { type Lease, type LeaseAnswer, mayDeploy, parseLease } from "./decisions/lease.ts";

/** Not part of the code: what npm brings, and what git keeps. */
export const SKIPPED = ["node_modules", ".git"];
const MOST_FILES = 50_000;
const LOCK_NAME = ".deploying";
const LOCK_LIMIT_BYTES = 4_096;

export class ComponentsFolder {
  readonly path: string;
  readonly #disk: Disk;
  readonly #clock: Clock;
  #lease: Lease | undefined;
  #leaseSeenAt = 0;

  constructor(path: string, disk: Disk, clock: Clock) {
    this.path = path;
    this.#disk = disk;
    this.#clock = clock;
  }

  /** Differs whenever a file came, went or was written. The lock does not count. */
  async digest(): Promise<string> {
    const files = await this.#disk.scan(this.path, { skip: SKIPPED, limit: MOST_FILES });
    const state = files
      .filter(({ path }) => path !== LOCK_NAME)
      .map(({ path, bytes, version }) => `${path} ${bytes} ${version}`)
      .join("\n");
    return createHash("sha256").update(state).digest("hex").slice(0, 16);
  }

  /** Bytes of all its files. */
  async bytes(): Promise<number> {
    const files = await this.#disk.scan(this.path, { skip: SKIPPED, limit: MOST_FILES });
    return files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Whether it is in that state, and nobody deploys into it. */
  async isSettled(digest: string): Promise<boolean> {
    if ((await this.#disk.read(`${this.path}/${LOCK_NAME}`, LOCK_LIMIT_BYTES)) !== undefined) return false;
    return (await this.digest()) === digest;
  }

  /** Whether what is there may be taken now: nobody says that it is only half there. */
  async mayTake(me: string): Promise<LeaseAnswer> {
    const bytes = await this.#disk.read(`${this.path}/${LOCK_NAME}`, LOCK_LIMIT_BYTES);
    const lease = bytes === undefined ? undefined : parseLease(new TextDecoder().decode(bytes));
    const now = this.#clock.now();
    if (lease?.holder !== this.#lease?.holder || lease?.until !== this.#lease?.until) this.#leaseSeenAt = now;
    this.#lease = lease;
    return mayDeploy({ lease, firstSeenAt: this.#leaseSeenAt, now, wallNow: this.#clock.wallNow(), me });
  }
}
