// Callers that wait for capacity, each until its time is over.

import type { Clock, Timer } from "../base/clock.ts";
import { rangeTest } from "../capacity/directory.ts";
import { reachable } from "../capacity/reach.ts";
import type { Address } from "../transports/transport.ts";
import type { Kept } from "./kept.ts";

export interface Demand {
  /** Of containers with room; empty where there is none. */
  readonly addresses: readonly Address[];
  readonly ring: "spare" | "new" | "node" | "";
  /** Why there is none. */
  readonly reason: string;
}

export interface Asked {
  readonly contract: string;
  /** Semver range; empty for any. */
  readonly range: string;
  readonly withinMs: number;
  /** The caller's computer; empty where that is not known. */
  readonly host: string;
}

interface Waiting {
  readonly contract: string;
  readonly satisfies: (version: string) => boolean;
  readonly host: string;
  readonly since: number;
  readonly settle: (answer: Demand) => void;
}

/** What would serve a contract, or why nothing will. */
export type Judge<T> = (
  contract: string,
  satisfies: (version: string) => boolean,
) => { readonly kind: "wanted"; readonly by: T } | { readonly kind: "refused"; readonly reason: string };

/** Callers that may wait; further ones are refused at once. */
const LIMIT = 10_000;

export class Demands {
  readonly #clock: Clock;
  readonly #host: string;
  readonly #waiting = new Set<Waiting>();

  /** `host`: of this computer. */
  constructor(clock: Clock, host: string) {
    this.#clock = clock;
    this.#host = host;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Throws the Fault `invalid` where `range` is none. */
  wait({ contract, range, withinMs, host }: Asked): Promise<Demand> {
    const satisfies = rangeTest(range);
    if (this.#waiting.size >= LIMIT) {
      return Promise.resolve(none(`${LIMIT} callers wait for capacity on this node already`));
    }
    return new Promise((resolve) => {
      const timer: Timer = this.#clock.after(withinMs, () => settle(none(`nothing was free within ${withinMs} ms`)));
      const settle = (answer: Demand) => {
        timer.cancel();
        this.#waiting.delete(waiting);
        resolve(answer);
      };
      const waiting: Waiting = { contract, satisfies, host, since: this.#clock.now(), settle };
      this.#waiting.add(waiting);
    });
  }

  /** Sends callers to who has room, each to another. Answers with what would serve those that are left, once for each. */
  answer<T>(containers: readonly Kept[], judge: Judge<T>): readonly T[] {
    const free = containers.filter(isFree);
    const wanted: T[] = [];
    for (const waiting of [...this.#waiting]) {
      const { contract, satisfies, since, settle } = waiting;
      const at = free.findIndex(
        (kept) =>
          kept.components.some((each) => each.contract === contract && satisfies(each.version)) &&
          this.#addressesFor(waiting, kept).length > 0,
      );
      const [found] = at < 0 ? [] : free.splice(at, 1);
      if (found !== undefined) {
        const ring = found.startedAt >= since ? "new" : found.assignedAt >= since ? "spare" : "node";
        settle({ addresses: this.#addressesFor(waiting, found).slice(0, 1), ring, reason: "" });
        continue;
      }
      const verdict = judge(contract, satisfies);
      if (verdict.kind === "refused") settle(none(verdict.reason));
      else wanted.push(verdict.by);
    }
    return wanted;
  }

  /** Where the caller reaches it. Who does not say where he is, is elsewhere where that is possible at all. */
  #addressesFor({ host }: Waiting, { addresses }: Kept): readonly Address[] {
    const home = host !== "" && host === this.#host;
    const found = reachable(addresses, { home, host: this.#host }, { host });
    return found.length === 0 && host === "" && addresses.length === 1 ? addresses : found;
  }

  /** None can be had. */
  refuse(reason: string): void {
    for (const { settle } of [...this.#waiting]) settle(none(reason));
  }
}

function isFree({ state, probed, suspected, load }: Kept): boolean {
  return state === "serving" && probed && suspected === undefined && load.running + load.waiting === 0;
}

function none(reason: string): Demand {
  return { addresses: [], ring: "", reason };
}
