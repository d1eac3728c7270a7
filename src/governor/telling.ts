// Tells the containers who is there: at once when somebody came, went or is suspected, now and then when only load changed.

import { create } from "@bufbuild/protobuf";
import { type Clock, nextBeat } from "../base/clock.ts";
import { type Directory, type DirectoryNode, DirectorySchema } from "../messages/gen/unum/control/v1/governed_pb.ts";
import { type KnownEpoch, withoutPastOwners } from "./decisions/past-owners.ts";
import type { Kept } from "./kept.ts";
import type { Peers } from "./peers.ts";

/** Load alone is told at most this often, and less often by what a longer directory costs to be read. */
const LOAD_EVERY_MS = 200;
const LOAD_MS_PER_NODE = 2;

export class Telling {
  readonly #clock: Clock;
  readonly #peers: Pick<Peers, "nodes" | "changes">;
  #directory: Directory;
  #all = "";
  #who = "";
  #ownWho = "";
  #changedAt = Number.NEGATIVE_INFINITY;
  #mayTellAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, peers: Pick<Peers, "nodes" | "changes">) {
    this.#clock = clock;
    this.#peers = peers;
    // Higher than any that an earlier governor of this node has told, unless the clock was set back.
    this.#directory = create(DirectorySchema, { version: BigInt(Math.floor(clock.wallNow())) * 1_000n });
  }

  /** As it was told last: this node first. */
  get directory(): Directory {
    return this.#directory;
  }

  /** When it was last told that a container of this node came, went or is suspected. */
  get changedAt(): number {
    return this.#changedAt;
  }

  /** `own`: this node as it is now. `epochs`: the newest that are known. */
  tell(containers: readonly Kept[], own: DirectoryNode, epochs: readonly KnownEpoch[]): void {
    const now = this.#clock.now();
    const { changes } = this.#peers;
    const nodes = withoutPastOwners(this.#peers.nodes, epochs);
    const known = containers.reduce((most, kept) => (kept.knownDirectory > most ? kept.knownDirectory : most), 0n);
    // The clock on the wall was set back since an earlier governor told them.
    const isBehind = known > this.#directory.version;
    const text = textOf(own);
    const ownWho = text.replace(LOADS, "");
    if (ownWho !== this.#ownWho) {
      this.#ownWho = ownWho;
      this.#changedAt = now;
    }
    const who = `${changes.who} ${epochs.map(({ program, epoch }) => `${program} ${epoch}`)} ${ownWho}`;
    const all = `${changes.load} ${text}`;
    const everyMs = Math.max(LOAD_EVERY_MS, nodes.length * LOAD_MS_PER_NODE);
    if (isBehind || who !== this.#who || (all !== this.#all && now >= this.#mayTellAt)) {
      this.#all = all;
      this.#who = who;
      this.#mayTellAt = nextBeat(now, everyMs);
      const version = (isBehind ? known : this.#directory.version) + 1n;
      this.#directory = create(DirectorySchema, { version, nodes: [own, ...nodes] });
    }
    for (const kept of containers) if (kept.state === "serving") void kept.tell(this.#directory);
  }
}

const LOADS = /"load":\{[^}]*\}/g;

function textOf(node: DirectoryNode): string {
  return JSON.stringify(node, (_, value) => (typeof value === "bigint" ? String(value) : value));
}
