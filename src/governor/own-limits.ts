// How much this node may run: its own limits, kept for the next governor, and its share of the network's.

import type { Clock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import type { Resources } from "../base/resources.ts";
import { changeLimits, containersAllowed, defaultLimits, type Limits, type LimitsChange } from "../capacity/limits.ts";
import type { NetworkLimit as NetworkLimitTold } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import type { Events } from "./events.ts";
import { LimitsFile } from "./limits-file.ts";
import { NetworkLimit } from "./network-limit.ts";
import type { Peers } from "./peers.ts";

export interface OwnLimitsSettings {
  /** The node's id. */
  readonly id: string;
  readonly run: string;
  readonly limits: LimitsChange;
  /** How often the keeper has started a governor before. */
  readonly restarts: number;
}

export interface OwnLimitsParts {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly resources: Resources;
  readonly events: Events;
  readonly peers: Peers;
}

export class OwnLimits {
  readonly network: NetworkLimit;
  readonly #settings: OwnLimitsSettings;
  readonly #parts: OwnLimitsParts;
  readonly #file: LimitsFile;
  #limits: Limits;
  #claim = 0;

  constructor(settings: OwnLimitsSettings, parts: OwnLimitsParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.network = new NetworkLimit(settings.id);
    this.#file = new LimitsFile(settings.run, parts);
    const defaults = this.#defaults;
    this.#limits = changeLimits(defaults, followingTheNode(defaults, settings.limits), defaults);
  }

  get limits(): Limits {
    return this.#limits;
  }

  /** Containers by this node's own limit and by its share of the network's. */
  get allowed(): number {
    return containersAllowed(this.#limits, this.network.share);
  }

  /** What others are to know of it. */
  get claim(): { readonly told: NetworkLimitTold | undefined; readonly claim: number } {
    return { told: this.network.told, claim: this.#claim };
  }

  /** What was changed under an earlier governor holds on. */
  async takeOver(): Promise<void> {
    if (this.#settings.restarts === 0) return this.#file.forget();
    this.#limits = (await this.#file.read(this.#defaults)) ?? this.#limits;
    this.network.remember(this.#limits.network.containers);
  }

  /** Throws the Fault `invalid`, and nothing is changed. */
  change(change: LimitsChange): void {
    this.#limits = changeLimits(this.#limits, followingTheNode(this.#limits, change), this.#defaults);
    const { containers } = change.network ?? {};
    const { peers, clock } = this.#parts;
    if (containers !== undefined) peers.push(this.network.set(containers ?? undefined, clock.wallNow()));
  }

  /** Settles when the next governor would find the limits as they are, or cannot be made to. */
  kept(): Promise<void> {
    return this.#file.write(this.#limits);
  }

  /** Another node says how much the network may run. Answers whether that was news. */
  take(told: NetworkLimitTold | undefined): boolean {
    if (!this.network.take(told)) return false;
    const { containers } = this.network;
    this.#limits = { ...this.#limits, network: { containers } };
    const much = containers === undefined ? "what its nodes may" : `${containers} containers`;
    this.#parts.events.say("info", `the network may run ${much}`);
    void this.kept();
    return true;
  }

  /** Hears what others know of the network's limit, and works out this node's share by what they claim. */
  shareOut(running: number): void {
    const { peers, clock } = this.#parts;
    const { members } = peers;
    for (const { entry } of members) this.take(entry?.networkLimit);
    const most = this.#limits.node.containers;
    this.#claim = this.network.settle({ most, running, members, now: clock.now() });
  }

  get #defaults(): Limits {
    return defaultLimits(this.#parts.resources.available());
  }
}

/** Who lowers the node's memory below what one container may take means that one too, unless he says otherwise. */
function followingTheNode(present: Limits, change: LimitsChange): LimitsChange {
  const memoryBytes = change.node?.memoryBytes;
  if (typeof memoryBytes !== "number" || change.container?.memoryBytes !== undefined) return change;
  if (present.container.memoryBytes <= memoryBytes) return change;
  return { ...change, container: { ...change.container, memoryBytes } };
}
