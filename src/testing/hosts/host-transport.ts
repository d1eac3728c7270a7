// How a process of a simulated computer reaches others: the addresses of real sockets, over the pretended network.
//
//   ipc:///PATH        ──▶ memory://HOST/PATH      of the own computer alone
//   tcp://HOST:PORT    ──▶ memory://HOST/tcp:PORT    of any; HOST is a computer's name or its IP address
//   tls://HOST:PORT    ──▶ memory://HOST/tls:PORT

import { Fault } from "../../base/fault.ts";
import type { Network } from "../../base/network.ts";
import type { MemoryNetwork } from "../../transports/memory/memory-network.ts";
import { MEMORY_SCHEME } from "../../transports/memory/place.ts";
import type { MemoryProcess } from "../../transports/memory/process.ts";
import type { Address, Transport } from "../../transports/transport.ts";

/** Everything goes over the transports of a computer. */
export const noSockets: Network = {
  listen: () => Promise.reject(new Fault("invalid", "a simulated process listens by its transport")),
  connect: () => Promise.reject(new Fault("undeliverable", "a simulated process connects by its transport")),
};

export interface HostAddresses {
  /** The name of the computer with this name or IP address; undefined where there is none. */
  nameOf(host: string): string | undefined;
  /** A port that nobody listens at on that computer. */
  freePort(host: string): number;
}

/** `shows`: the name of the certificate that it shows where it calls over TLS. */
export function hostTransport(
  network: MemoryNetwork,
  process: MemoryProcess,
  addresses: HostAddresses,
  shows?: string,
): Transport {
  const inner = network.transport(process);
  const secure = network.transport(process, shows);
  const inside = (address: Address) => placeOf(address, process.name, addresses);
  return {
    schemes: ["ipc", "tcp", "tls"],
    send(to, request) {
      const place = inside(to);
      return place === undefined ? undefined : (to.startsWith("tls:") ? secure : inner).send(place, request);
    },
    listen(at, receive) {
      const address = withPort(at, process.name, addresses);
      const place = inside(address);
      if (place === undefined) return undefined;
      if (!place.startsWith(`${MEMORY_SCHEME}${process.name}/`)) {
        return Promise.reject(new Fault("invalid", `${at} is no address of the computer ${process.name}`));
      }
      return inner.listen(place, receive)?.then(({ close }) => ({ address, close }));
    },
    close: async () => {
      await Promise.all([inner.close(), secure.close()]);
    },
  };
}

/** Undefined where it is of none of these kinds. An address of no computer leads to one that nobody has. */
function placeOf(address: Address, own: string, { nameOf }: HostAddresses): Address | undefined {
  if (address.startsWith("ipc://")) return `${MEMORY_SCHEME}${own}${address.slice("ipc://".length)}`;
  const [, scheme, host = "", port] = /^(tcp|tls):\/\/(.*):(\d+)$/.exec(address) ?? [];
  if (scheme === undefined) return undefined;
  return `${MEMORY_SCHEME}${nameOf(host) ?? host}/${scheme}:${port}`;
}

function withPort(address: Address, own: string, { freePort }: HostAddresses): Address {
  return /^(?:tcp|tls):.*:0$/.test(address) ? address.replace(/0$/, String(freePort(own))) : address;
}
