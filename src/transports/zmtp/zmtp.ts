// The transport between processes: one DEALER connection for each address that is called, one ROUTER for each listened at.

import type { Env } from "../../base/env.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { TlsSettings } from "../../base/network.ts";
import { type Envelope, Kind, replyTo } from "../../messages/envelope.ts";
import type { ConnectionOptions, PeerInfo } from "../../zmtp/index.ts";
import type { Address, Listener, Receive, Transport } from "../transport.ts";
import { isServed, parseAddress, SCHEMES } from "./address.ts";
import { introduction, misfit } from "./handshake.ts";
import { Link } from "./link.ts";
import { Listening } from "./listening.ts";
import { DEFAULT_TRANSPORT_LIMITS, type ZmtpTransportLimits, zmtpLimits } from "./settings.ts";
import { count, newStats, type ZmtpTransportStats } from "./stats.ts";

export interface ZmtpTransportOptions {
  readonly env: Env;
  /** The name this process goes by in others' logs; ASCII. */
  readonly identity?: string;
  /** Needed for `tls://`. A function is asked for each connection: what it answers may be renewed. */
  readonly tls?: TlsSettings | (() => TlsSettings | undefined);
  readonly limits?: Partial<ZmtpTransportLimits>;
}

export interface ZmtpTransport extends Transport {
  /** A copy of what was counted so far. */
  stats(): ZmtpTransportStats;
}

/**
 * Serves `ipc:///PATH`, `tcp://HOST:PORT` (loopback, for listening) and `tls://HOST:PORT`.
 * A request is never started later than its time to live plus AGE_ERROR_LIMIT_MS, whatever it waited for on the way.
 */
export function zmtpTransport(options: ZmtpTransportOptions): ZmtpTransport {
  return new SocketTransport(options);
}

class SocketTransport implements ZmtpTransport {
  readonly schemes = SCHEMES;
  readonly #options: ZmtpTransportOptions;
  readonly #limits: ZmtpTransportLimits;
  readonly #stats = newStats();
  readonly #links = new Map<Address, Link>();
  readonly #listening = new Set<Listening>();
  readonly #silence = { until: Number.NEGATIVE_INFINITY };
  #closed = false;

  constructor(options: ZmtpTransportOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_TRANSPORT_LIMITS, ...options.limits };
  }

  send(to: Address, request: Envelope): Promise<Envelope> | undefined {
    const link = this.#links.get(to);
    if (request.kind === Kind.CANCEL) {
      if (link === undefined && !isServed(to)) return undefined;
      link?.cancel(request);
      return Promise.resolve(replyTo(request));
    }
    if (link !== undefined) return link.send(request);
    if (!isServed(to)) return undefined;
    try {
      return this.#link(to).send(request);
    } catch (thrown) {
      return Promise.reject(asError(thrown));
    }
  }

  listen(at: Address, receive: Receive): Promise<Listener> | undefined {
    return isServed(at) ? this.#listen(at, receive) : undefined;
  }

  announceSilence(until: number): void {
    this.#silence.until = until;
    for (const link of this.#links.values()) link.announceSilence(until);
    for (const listening of this.#listening) listening.announceSilence(until);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    await Promise.all([...this.#listening].map((listening) => listening.destroy()));
    this.#listening.clear();
  }

  stats(): ZmtpTransportStats {
    const stats = { ...this.#stats, refused: { ...this.#stats.refused }, ended: { ...this.#stats.ended } };
    for (const { traffic } of [...this.#links.values(), ...this.#listening]) {
      stats.bytesReceived += traffic.received;
      stats.bytesSent += traffic.sent;
    }
    for (const { queued } of this.#links.values()) stats.queuedCalls += queued;
    for (const { queued } of this.#listening) stats.queuedReplies += queued;
    return stats;
  }

  async #listen(at: Address, receive: Receive): Promise<Listener> {
    this.#mustBeOpen();
    const { env, identity } = this.#options;
    const endpoint = parseAddress(at, this.#tls);
    const listening = new Listening({
      env,
      limits: this.#limits,
      stats: this.#stats,
      silence: this.#silence,
      name: identity,
      receive,
    });
    await listening.open(endpoint);
    this.#listening.add(listening);
    if (this.#closed) {
      await listening.destroy();
      this.#mustBeOpen();
    }
    return {
      address: listening.address,
      close: async () => {
        await listening.close();
        this.#listening.delete(listening);
      },
    };
  }

  #link(to: Address): Link {
    this.#mustBeOpen();
    const { env } = this.#options;
    const link = new Link({
      env,
      address: to,
      endpoint: parseAddress(to, this.#tls),
      limits: this.#limits,
      connection: this.#connection(),
      stats: this.#stats,
      silence: this.#silence,
      onIdle: () => this.#links.delete(to),
    });
    this.#links.set(to, link);
    return link;
  }

  #connection(): ConnectionOptions {
    const { env, identity } = this.#options;
    const { windowMessages, windowBytes, heartbeatMs, silenceMs } = this.#limits;
    const window = { messages: windowMessages, bytes: windowBytes };
    return {
      socketType: "DEALER",
      role: "dials",
      clock: env.clock,
      limits: zmtpLimits(this.#limits),
      heartbeat: { intervalMs: heartbeatMs, timeoutMs: silenceMs },
      properties: () => introduction({ name: identity, window, clock: env.clock }),
      refusal: (peer) => this.#misfit(peer),
    };
  }

  #misfit(peer: PeerInfo): string | undefined {
    const found = misfit(peer);
    if (found === undefined) return undefined;
    count(this.#stats.refused, found.kind);
    return found.text;
  }

  get #tls(): TlsSettings | undefined {
    const { tls } = this.#options;
    return typeof tls === "function" ? tls() : tls;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new Fault("undeliverable", "this transport was closed");
  }
}
