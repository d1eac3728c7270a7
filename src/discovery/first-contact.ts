// How nodes that know nobody find the first one: seeds, and beacons where they are asked for.
//
// Seeds are asked again while they are not among the live members, so that two parts of a network that forgot each other
// find back together. A beacon says `here I am` to a multicast group; who hears it and does not know its sender pings it.

import { addressText, type DatagramAddress } from "../base/datagrams.ts";
import type { Random } from "../base/random.ts";

/** While alone. */
const ALONE_MS = 1_000;
/** Seeds asked at a time. */
const SEEDS_AT_ONCE = 3;
/** Among others. */
const BEACON_MS = 30_000;

export class FirstContact {
  readonly #seeds: readonly DatagramAddress[];
  readonly #beacon: boolean;
  readonly #seedIntervalMs: number;
  readonly #random: Random;
  #nextSeed = 0;
  #seedAt: number;
  #beaconAt: number;

  constructor(of: {
    seeds: readonly DatagramAddress[];
    own: DatagramAddress;
    beacon: boolean;
    settings: { readonly seedIntervalMs: number };
    random: Random;
    now: number;
  }) {
    const own = addressText(of.own);
    this.#seeds = of.seeds.filter((seed) => addressText(seed) !== own);
    this.#beacon = of.beacon;
    this.#seedIntervalMs = of.settings.seedIntervalMs;
    this.#random = of.random;
    this.#seedAt = this.#seeds.length === 0 ? Number.POSITIVE_INFINITY : of.now;
    this.#beaconAt = of.beacon ? of.now : Number.POSITIVE_INFINITY;
  }

  get dueAt(): number {
    return Math.min(this.#seedAt, this.#beaconAt);
  }

  /** `known`: addresses of the live members. */
  advance(now: number, known: () => ReadonlySet<string>, alone: boolean): { ping: DatagramAddress[]; beacon: boolean } {
    const beacon = this.#beacon && now >= this.#beaconAt;
    if (beacon) this.#beaconAt = now + this.#around(alone ? ALONE_MS : BEACON_MS);
    if (now < this.#seedAt) return { ping: [], beacon };
    this.#seedAt = now + this.#around(alone ? ALONE_MS : this.#seedIntervalMs);
    return { ping: this.#silentSeeds(known(), alone ? SEEDS_AT_ONCE : 1), beacon };
  }

  /** Nobody answers any more: the seeds are asked at once. */
  alone(now: number): void {
    if (this.#seeds.length > 0) this.#seedAt = Math.min(this.#seedAt, now + this.#around(ALONE_MS));
    if (this.#beacon) this.#beaconAt = Math.min(this.#beaconAt, now + this.#around(ALONE_MS));
  }

  #silentSeeds(known: ReadonlySet<string>, count: number): DatagramAddress[] {
    const silent: DatagramAddress[] = [];
    for (let looked = 0; looked < this.#seeds.length && silent.length < count; looked++) {
      const seed = this.#seeds[this.#nextSeed++ % this.#seeds.length];
      if (seed !== undefined && !known.has(addressText(seed))) silent.push(seed);
    }
    return silent;
  }

  #around(ms: number): number {
    return ms * (0.75 + this.#random.float() / 2);
  }
}
