// The network's limit as this node knows it, and its share of it.
//
//   operator ──▶ set ──▶ newest known ──told with the entry, pushed to every door──▶ other nodes
//   others' limits ──▶ take ──┘   └──▶ settle: share ──▶ how many containers this node may run

import { create } from "@bufbuild/protobuf";
import { type Claim, ownShare } from "../capacity/shares.ts";
import type { Member } from "../discovery/members.ts";
import { NetworkLimitSchema, type NetworkLimit as Told } from "../messages/gen/unum/wire/v1/membership_pb.ts";

/** A node that says goodbye still ends its containers for as long as this, at most. */
const LEAVING_MS = 60_000;

export class NetworkLimit {
  readonly #id: string;
  #told: Told | undefined;
  #share = 0;

  /** Of the node. */
  constructor(id: string) {
    this.#id = id;
  }

  /** The newest that is known; undefined where nobody ever set one. */
  get told(): Told | undefined {
    return this.#told;
  }

  /** Containers over all nodes; undefined: no limit. */
  get containers(): number | undefined {
    return this.#told?.limited ? this.#told.containers : undefined;
  }

  /** Containers this node may run by it; undefined where there is no limit. */
  get share(): number | undefined {
    return this.containers === undefined ? undefined : this.#share;
  }

  /** `wallMs`: so that what is set later counts for more, also where nobody here has heard of what was set before. */
  set(containers: number | undefined, wallMs: number): Told {
    const version = BigInt(Math.max(Math.floor(wallMs), Number(this.#told?.version ?? 0n) + 1));
    const limited = containers !== undefined;
    this.#told = create(NetworkLimitSchema, { version, by: this.#id, limited, containers: containers ?? 0 });
    return this.#told;
  }

  /** What an earlier governor of this node went by: less than anything that another node says. */
  remember(containers: number | undefined): void {
    if (containers === undefined) return;
    this.#told = create(NetworkLimitSchema, { version: 1n, by: this.#id, limited: true, containers });
  }

  /** Whether it is newer than what was known. */
  take(told: Told | undefined): boolean {
    if (told === undefined || told.version === 0n || !isNewer(told, this.#told)) return false;
    this.#told = told;
    return true;
  }

  /** Works out the share anew. `most`: this node's own limit; `running`: containers that are there. Answers its claim. */
  settle(of: { most: number; running: number; members: readonly Member[]; now: number }): number {
    const { most, running, members, now } = of;
    const { containers } = this;
    if (containers === undefined) {
      // Whoever is limited later begins with what it has.
      this.#share = 0;
      return running;
    }
    const others = members.filter(({ id }) => id !== this.#id).flatMap((member) => claimOf(member, now));
    this.#share = ownShare(containers, { id: this.#id, weight: most, most, share: this.#share }, others);
    return Math.max(this.#share, running);
  }
}

function isNewer(one: Told, other: Told | undefined): boolean {
  if (other === undefined || one.version !== other.version) return one.version > (other?.version ?? 0n);
  return one.by > other.by;
}

function claimOf({ id, state, sinceMs, entry }: Member, now: number): Claim[] {
  // A machine that is a node has limits of its own.
  if (entry?.machine === true || (state === "left" && now - sinceMs > LEAVING_MS)) return [];
  const most = entry?.limits?.containers ?? 0;
  return [{ id, weight: most, most, claim: entry?.claim ?? 0, present: state === "alive" || state === "suspect" }];
}
