// Addresses of sockets as text: ipc:///PATH, tcp://HOST:PORT, tls://HOST:PORT.

import { Fault } from "../../base/fault.ts";
import type { Endpoint, TlsSettings } from "../../base/network.ts";
import type { Address } from "../transport.ts";

export const SCHEMES = ["ipc", "tcp", "tls"] as const;

/** Whether the address is of a kind this transport serves. */
export function isServed(address: Address): boolean {
  return address.startsWith("ipc://") || address.startsWith("tcp://") || address.startsWith("tls://");
}

/** Throws the Fault `invalid` with what was expected. */
export function parseAddress(address: Address, tls: TlsSettings | undefined): Endpoint {
  if (address.startsWith("ipc://")) {
    const path = address.slice("ipc://".length);
    if (!path.startsWith("/") || path.includes("\0")) throw bad(address, "an absolute path, as ipc:///run/unum/a.sock");
    return { kind: "ipc", path };
  }
  // A host name or IPv4, or IPv6 in brackets.
  const found = /^(tcp|tls):\/\/(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(address);
  const host = found?.[2] ?? found?.[3];
  const port = Number(found?.[4]);
  if (found === null || host === undefined || port > 65_535)
    throw bad(address, "SCHEME://HOST:PORT, as tcp://127.0.0.1:7000");
  if (found[1] === "tcp") return { kind: "tcp", host, port };
  if (tls === undefined) {
    throw new Fault("invalid", `${address} needs a key and certificates; hand them to the transport as 'tls'`);
  }
  return { kind: "tls", host, port, tls };
}

export function formatAddress(endpoint: Endpoint): Address {
  if (endpoint.kind === "ipc") return `ipc://${endpoint.path}`;
  const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
  return `${endpoint.kind}://${host}:${endpoint.port}`;
}

function bad(address: Address, expected: string): Fault {
  return new Fault("invalid", `'${address}' is not an address; expected ${expected}`);
}
