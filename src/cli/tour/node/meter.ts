// A transport that knows, for each address, how many requests are on their way to it and not answered.

import type { Address, Transport } from "../../../transports/transport.ts";

export interface Meter extends Transport {
  inFlight(address: Address): number;
}

export function metered(transport: Transport): Meter {
  const counts = new Map<Address, number>();
  const add = (address: Address, by: number) => counts.set(address, (counts.get(address) ?? 0) + by);
  return {
    schemes: transport.schemes,
    inFlight: (address) => counts.get(address) ?? 0,
    send(to, request) {
      const reply = transport.send(to, request);
      if (reply === undefined) return undefined;
      add(to, 1);
      return reply.finally(() => add(to, -1));
    },
    listen: (at, receive) => transport.listen(at, receive),
    close: () => transport.close(),
  };
}
