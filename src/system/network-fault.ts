// Errors of Node's sockets as Faults that name the endpoint and the way out.

import { asError, Fault } from "../base/fault.ts";
import type { Endpoint } from "../base/network.ts";

export function endpointText(endpoint: Endpoint): string {
  if (endpoint.kind === "ipc") return `ipc://${endpoint.path}`;
  const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
  return `${endpoint.kind}://${host}:${endpoint.port}`;
}

/** `invalid`, or `denied` where the system says so. */
export function listenFault(at: Endpoint, thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const cause = asError(thrown);
  const where = endpointText(at);
  const code = codeOf(cause);
  switch (code) {
    case "EADDRINUSE":
      return new Fault(
        "invalid",
        `${where} is in use by another socket; choose another ${placeOf(at)}, or 0 for any free port`,
        { cause },
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new Fault("invalid", `${where} is not an address of this computer (${code})`, { cause });
    case "EACCES":
    case "EPERM":
      return new Fault(
        "denied",
        `this process has no right to listen at ${where} (${code}); choose another ${placeOf(at)}`,
        { cause },
      );
    case "EROFS":
      return new Fault("denied", `${where} lies on a read-only file system; choose another folder`, { cause });
    case "ENOSPC":
      return new Fault("invalid", `no space is left for ${where}; choose another folder`, { cause });
    default:
      return new Fault("invalid", `cannot listen at ${where}: ${cause.message}`, { cause });
  }
}

/** `undeliverable`: whatever it is, nobody got anything. */
export function connectFault(to: Endpoint, thrown: unknown): Fault {
  const cause = asError(thrown);
  const where = endpointText(to);
  switch (codeOf(cause)) {
    case "ECONNREFUSED":
      return new Fault("undeliverable", `nobody listens at ${where} (ECONNREFUSED)`, { cause });
    case "ENOENT":
      return new Fault("undeliverable", `nobody listens at ${where}: there is no such path`, { cause });
    case "ETIMEDOUT":
      return new Fault("undeliverable", `${where} did not answer: ${cause.message}`, { cause });
    default:
      return new Fault("undeliverable", `cannot connect to ${where}: ${cause.message}`, { cause });
  }
}

function placeOf(at: Endpoint): string {
  return at.kind === "ipc" ? "path" : "port";
}

function codeOf(cause: Error): unknown {
  return "code" in cause ? cause.code : undefined;
}
