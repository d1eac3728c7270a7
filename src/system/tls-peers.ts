// The TLS streams of a process and what rules them: whose certificates are not taken any more, and what is shown by this side.
//
// Invariants
//   T1. A barred name is looked for in the peer's certificate and in those of who signed it, on both sides of every handshake.
//   T2. Once a name is barred no stream of it is left, whoever dialled; what it sent before and was not read is lost.

import type tls from "node:tls";
import { Fault } from "../base/fault.ts";
import type { TlsRules, TlsSettings } from "../base/network.ts";

/** The root is one of them. */
const LONGEST_CHAIN = 8;

export class TlsPeers {
  #barred: ReadonlySet<string> = new Set();
  /** By root: a gateway is somebody in two machines. */
  readonly #own = new Map<string, TlsSettings>();
  readonly #open = new Map<tls.TLSSocket, readonly string[]>();
  readonly #servers = new Map<tls.Server, TlsSettings>();

  /** For a server or a client. */
  mutual(settings: TlsSettings) {
    const { key, cert, ca } = this.#own.get(settings.ca) ?? settings;
    return { key, cert, ca, minVersion: "TLSv1.3", maxVersion: "TLSv1.3", rejectUnauthorized: true } as const;
  }

  listening(server: tls.Server, settings: TlsSettings): void {
    this.#servers.set(server, settings);
    server.on("close", () => this.#servers.delete(server));
  }

  /** After the handshake. Answers with the Fault `denied` where the stream is not to be used. */
  take(socket: tls.TLSSocket): Fault | undefined {
    const names = namesOf(socket);
    const found = names.find((name) => this.#barred.has(name));
    if (found !== undefined) return new Fault("denied", `the certificate of '${found}' was revoked`);
    this.#open.set(socket, names);
    socket.on("close", () => this.#open.delete(socket));
    return undefined;
  }

  /** Of the certificate of a stream that was taken. */
  nameOf(socket: tls.TLSSocket): string | undefined {
    return this.#open.get(socket)?.[0];
  }

  rule({ barred, own }: TlsRules): void {
    this.#barred = new Set(barred);
    if (own !== undefined) this.#own.set(own.ca, own);
    for (const [server, settings] of this.#servers) server.setSecureContext(this.mutual(settings));
    for (const [socket, names] of this.#open) {
      const found = names.find((name) => this.#barred.has(name));
      if (found !== undefined) socket.destroy(new Fault("denied", `the certificate of '${found}' was revoked`));
    }
  }
}

/** Of the certificate and of those that lead to its root. */
function namesOf(socket: tls.TLSSocket): readonly string[] {
  const names: string[] = [];
  let next: tls.DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  for (let length = 0; next?.subject !== undefined && length < LONGEST_CHAIN; length++) {
    const { CN } = next.subject;
    names.push(...(CN === undefined ? [] : [CN].flat()));
    if (next.issuerCertificate === next) break;
    next = next.issuerCertificate;
  }
  return names;
}
