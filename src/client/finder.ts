// Which addresses a call may go to, and which of them is asked next.

import type { Offers, Ring } from "../capacity/rings.ts";
import { type Envelope, Scope } from "../messages/envelope.ts";
import type { Address } from "../transports/transport.ts";

/** A caller's unanswered calls by address. */
export type OpenCalls = ReadonlyMap<Address, number>;

/** Where calls may go. Its answers may be out of date: the inbox decides. */
export interface Finder {
  /** Whom to ask now, passing over `tried`; undefined when nobody is left. */
  next(request: Envelope, tried: ReadonlySet<Address>, open: OpenCalls): Address | undefined;
  /** The same for a climb, with rings, and who may be asked for more capacity. Left out: nobody may. */
  offers?(request: Envelope, tried: ReadonlySet<Address>, open: OpenCalls): Offers;
  /** Left out, or unknown: network. */
  ringOf?(address: Address): Ring | undefined;
  /** Everyone in the request's scope, for BROADCAST. */
  all(request: Envelope): readonly Address[];
}

/** A finder, fixed addresses, or what answers with the addresses of package.Contract/Method. */
export type Where = readonly Address[] | ((path: string) => readonly Address[]) | Finder;

export function finderOf(where: Where): Finder {
  if (typeof where === "function") return new LeastOpen(where);
  return "next" in where ? where : new LeastOpen(() => where);
}

/**
 * The address with fewest of the caller's own unanswered calls; equals take turns.
 * With one caller that is least outstanding; with many it approaches it, as each sees its own share.
 */
class LeastOpen implements Finder {
  readonly #addressesOf: (path: string) => readonly Address[];
  #turn = 0;

  constructor(addressesOf: (path: string) => readonly Address[]) {
    this.#addressesOf = addressesOf;
  }

  next(request: Envelope, tried: ReadonlySet<Address>, open: OpenCalls): Address | undefined {
    const addresses = this.all(request);
    if (addresses.length === 1) return tried.size === 0 ? addresses[0] : undefined;
    const first = tried.size === 0 ? this.#turn++ : this.#turn;
    let best: Address | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let step = 0; step < addresses.length; step++) {
      const address = addresses[(first + step) % addresses.length];
      if (address === undefined || tried.has(address)) continue;
      const calls = open.get(address) ?? 0;
      if (calls < least) {
        least = calls;
        best = address;
      }
    }
    return best;
  }

  all(request: Envelope): readonly Address[] {
    const found = this.#addressesOf(request.to);
    return request.scope === Scope.LOCAL ? found.filter(isLocal) : found;
  }
}

/** Whether an address stays on this computer. */
function isLocal(address: Address): boolean {
  return /^(?:direct|ipc):|^(?:tcp|tls):\/\/(?:127\.|localhost[:/]|\[::1\])/.test(address);
}
