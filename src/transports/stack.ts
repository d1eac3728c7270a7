// Transports on top of each other: the first that serves an address takes it.

import { Fault } from "../base/fault.ts";
import type { Address, Transport } from "./transport.ts";

/** Rejects with `undeliverable` where none serves the address, naming the schemes that are served. */
export function stack(transports: readonly Transport[]): StackedTransport {
  const schemes = transports.flatMap((transport) => transport.schemes);
  const unserved = (address: Address) =>
    new Fault(
      "undeliverable",
      `no transport here serves ${address}; served are ${schemes.map((scheme) => `${scheme}://`).join(", ")}`,
    );
  return {
    schemes,
    send(to, request) {
      for (const transport of transports) {
        const reply = transport.send(to, request);
        if (reply !== undefined) return reply;
      }
      return Promise.reject(unserved(to));
    },
    listen(at, receive) {
      for (const transport of transports) {
        const listening = transport.listen(at, receive);
        if (listening !== undefined) return listening;
      }
      return Promise.reject(unserved(at));
    },
    announceSilence(until) {
      for (const transport of transports) transport.announceSilence?.(until);
    },
    async close() {
      await Promise.all(transports.map((transport) => transport.close()));
    },
  };
}

/** A stack serves every address, if only with a refusal. */
export interface StackedTransport extends Transport {
  send(...args: Parameters<Transport["send"]>): NonNullable<ReturnType<Transport["send"]>>;
  listen(...args: Parameters<Transport["listen"]>): NonNullable<ReturnType<Transport["listen"]>>;
}
