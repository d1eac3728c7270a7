// Which of somebody's addresses a caller uses: on one computer the Unix socket, elsewhere what leads there.

import type { Address } from "../transports/transport.ts";

/** Of a caller, or of whom it calls. */
export interface Placed {
  /** Names the computer; undefined or empty where that is not known. */
  readonly host?: string;
}

export interface Reaching extends Placed {
  /** What the caller's transports serve. Default: all. */
  readonly reaches?: (address: Address) => boolean;
}

/** Schemes that end where their computer ends. */
const STAYS_HOME = /^(?:ipc|direct):/;
const LOOPBACK = /^(?:tcp|tls):\/\/(?:127\.|localhost:|\[::1\])/;

/** The best first; those that cannot lead there are left out. `home`: it is known to be on the caller's computer. */
export function reachable(
  addresses: readonly Address[],
  to: Placed & { readonly home: boolean },
  from: Reaching,
): readonly Address[] {
  const { reaches = () => true } = from;
  const served = addresses.filter(reaches);
  if (to.home || isSameHost(to, from)) {
    return [
      ...served.filter((address) => STAYS_HOME.test(address)),
      ...served.filter((each) => !STAYS_HOME.test(each)),
    ];
  }
  const elsewhere = isKnown(to) && isKnown(from);
  return served.filter((address) => !STAYS_HOME.test(address) && !(elsewhere && LOOPBACK.test(address)));
}

/** The address by which others reach it where its listener is known to them by another host. Of a Unix socket the same. */
export function advertised(address: Address, host: string | undefined): Address {
  if (host === undefined || STAYS_HOME.test(address)) return address;
  const shown = host.includes(":") ? `[${host}]` : host;
  return address.replace(/^(tcp|tls):\/\/.*:(\d+)$/, (_, scheme, port) => `${scheme}://${shown}:${port}`);
}

export function isSameHost(one: Placed, other: Placed): boolean {
  return isKnown(one) && one.host === other.host;
}

function isKnown({ host }: Placed): boolean {
  return host !== undefined && host !== "";
}
