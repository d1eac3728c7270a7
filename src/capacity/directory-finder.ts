// Finds addresses by the directory: what a client or a container hands to its calls as their finder.

import type { Random } from "../base/random.ts";
import { type Envelope, Scope } from "../messages/envelope.ts";
import type { Address } from "../transports/transport.ts";
import { type Demand, demandsFor } from "./demands.ts";
import { type Directory, DirectoryIndex, type Place, type Self } from "./directory.ts";
import { choose } from "./placement.ts";
import type { Offers } from "./rings.ts";

export interface DirectoryFinderParts {
  readonly random: Random;
  readonly self: Self;
}

/** How a call is placed that says nothing of it. */
const NEAREST = { policy: "nearest", key: "" } as const;
const NOBODY: ReadonlyMap<Address, number> = new Map();

export class DirectoryFinder {
  readonly #random: Random;
  readonly #frames: string;
  #index: DirectoryIndex;
  #turn = 0;

  constructor({ random, self }: DirectoryFinderParts) {
    this.#random = random;
    this.#frames = `${self.container?.id ?? ""}:`;
    this.#index = new DirectoryIndex({ nodes: [] }, self);
  }

  /** The directory has changed. `open`: the caller's unanswered calls by address. Entries that did not change are best kept as they are. */
  update(directory: Directory, open: ReadonlyMap<Address, number> = NOBODY): void {
    this.#index = new DirectoryIndex(directory, this.#index.self, open, this.#index);
  }

  next(request: Envelope, tried: ReadonlySet<Address>, open: ReadonlyMap<Address, number>): Address | undefined {
    const { to: path, version: range, scope } = request;
    const { policy, key } = request.prefer ?? NEAREST;
    const turn = tried.size === 0 ? this.#turn++ : this.#turn;
    const view = { outstanding: open, turn, inFrame: this.#isInFrame(request) };
    return choose(this.#index, { path, range, scope, policy, key }, view, this.#random, tried)?.address;
  }

  all(request: Envelope): readonly Address[] {
    const { local, all } = this.#index.places(request.to, request.version);
    return (request.scope === Scope.LOCAL ? local : all).map(({ address }) => address);
  }

  ringOf(address: Address): Place["ring"] | undefined {
    return this.#index.ringOf(address);
  }

  /** What a climb may ask for this request; `tried` is of the present round. */
  offers(request: Envelope, tried: ReadonlySet<Address>, open: ReadonlyMap<Address, number>): Offers {
    return {
      candidate: () => {
        const address = this.next(request, tried, open);
        return address === undefined ? undefined : { address, ring: this.#index.ringOf(address) ?? "network" };
      },
      demands: () => this.demands(request),
    };
  }

  demands(request: Envelope): readonly Demand[] {
    const { to: path, version: range, scope } = request;
    return demandsFor(this.#index, { path, range, scope }, this.#random);
  }

  /** Whether a function that runs in the own container made the call and waits for it. */
  #isInFrame({ chain }: Envelope): boolean {
    const last = chain[chain.length - 1];
    return last?.startsWith(this.#frames) ?? false;
  }
}
