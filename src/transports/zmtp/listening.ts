// The listener's side of one address: a ROUTER whose every peer is a caller.
//
// Invariants
//   L1. A closing listener ends a caller's connection only when the caller has said that nothing more comes, and has
//       its replies: no call is lost because somebody drains. Callers that do not say it in time are not waited for.

import type { Timer } from "../../base/clock.ts";
import type { Env } from "../../base/env.ts";
import type { Endpoint } from "../../base/network.ts";
import { type PeerInfo, type RouterPeer, RouterSocket, type ZmtpFault } from "../../zmtp/index.ts";
import type { Address, Listener, Receive } from "../transport.ts";
import { formatAddress } from "./address.ts";
import { Caller } from "./caller.ts";
import { introduction, misfit, nameOf } from "./handshake.ts";
import { RefusalLog } from "./refusal-log.ts";
import { type Silence, type ZmtpTransportLimits, zmtpLimits } from "./settings.ts";
import { count, type ZmtpTransportStats } from "./stats.ts";

export interface ListeningOptions {
  readonly env: Env;
  readonly limits: ZmtpTransportLimits;
  readonly stats: ZmtpTransportStats;
  readonly silence: Silence;
  readonly name: string | undefined;
  readonly receive: Receive;
}

/** How often callers' clocks are asked. */
const TICK_MS = 1_000;
/** What a call's reply may need beyond its deadline. */
const GRACE_MS = 1_000;

export class Listening implements Listener {
  address: Address = "";
  readonly #options: ListeningOptions;
  readonly #env: Env;
  readonly #stats: ZmtpTransportStats;
  readonly #router: RouterSocket;
  readonly #callers = new Map<RouterPeer, Caller>();
  readonly #log: RefusalLog;
  #ticker: Timer;
  #closing: Promise<void> | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(options: ListeningOptions) {
    this.#options = options;
    this.#env = options.env;
    this.#stats = options.stats;
    const { limits, env } = options;
    this.#log = new RefusalLog(env);
    this.#router = new RouterSocket(
      {
        env,
        limits: zmtpLimits(limits),
        heartbeat: { intervalMs: limits.heartbeatMs, timeoutMs: limits.silenceMs },
        properties: () =>
          introduction({
            name: options.name,
            window: { messages: limits.windowMessages, bytes: limits.windowBytes },
            clock: env.clock,
          }),
        refusal: (peer) => this.#misfit(peer),
      },
      {
        connected: (peer) => this.#connected(peer),
        message: (peer, parts) => this.#callers.get(peer)?.channel.receive(parts),
        disconnected: (peer, fault) => this.#disconnected(peer, fault),
        refused: (fault, remote) => this.#refused(fault, remote),
      },
    );
    this.#ticker = this.#tickLater();
  }

  /** Rejects with the network's Fault. */
  async open(at: Endpoint): Promise<void> {
    try {
      this.address = formatAddress(await this.#router.listen(at));
    } catch (thrown) {
      this.#ticker.cancel();
      throw thrown;
    }
  }

  /** See Transport.announceSilence. */
  announceSilence(until: number): void {
    for (const { channel } of this.#callers.values()) channel.announceSilence(until);
  }

  /** Replies that wait for credit. */
  get queued(): number {
    let queued = 0;
    for (const caller of this.#callers.values()) queued += caller.queued;
    return queued;
  }

  /** Bytes of the connections that stand. */
  get traffic(): { readonly received: number; readonly sent: number } {
    const sum = { received: 0, sent: 0 };
    for (const { connection } of this.#callers.values()) {
      sum.received += connection.traffic.received;
      sum.sent += connection.traffic.sent;
    }
    return sum;
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  /** Ends everything at once. */
  async destroy(): Promise<void> {
    this.#ticker.cancel();
    await this.#router.destroy();
    this.#whenEmpty?.();
  }

  async #drain(): Promise<void> {
    const { clock } = this.#env;
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
    const stopped = this.#router.stopListening();
    let lastDeadline = clock.now();
    for (const caller of this.#callers.values()) {
      lastDeadline = Math.max(lastDeadline, caller.lastDeadline);
      caller.drain();
    }
    const farewell = clock.after(this.#options.limits.farewellMs, () => {
      for (const caller of this.#callers.values()) caller.stopListening();
    });
    // Past its deadline nobody waits for a reply, whatever `receive` still does.
    const untilMs = Math.min(lastDeadline - clock.now() + GRACE_MS, LONGEST_MS);
    const end = clock.after(untilMs, () => void this.#router.close());
    if (this.#callers.size > 0) await empty;
    farewell.cancel();
    end.cancel();
    this.#ticker.cancel();
    await stopped;
  }

  #misfit(peer: PeerInfo): string | undefined {
    const found = misfit(peer);
    if (found === undefined) return undefined;
    count(this.#stats.refused, found.kind);
    return found.text;
  }

  #connected(peer: RouterPeer): void {
    const { limits, receive, silence } = this.#options;
    const caller = new Caller(peer.connection, peer.info, {
      clock: this.#env.clock,
      limits,
      stats: this.#stats,
      receive,
    });
    this.#callers.set(peer, caller);
    this.#stats.accepted++;
    caller.channel.tick();
    if (silence.until > this.#env.clock.now()) caller.channel.announceSilence(silence.until);
    if (this.#closing !== undefined) caller.drain();
  }

  #disconnected(peer: RouterPeer, fault: ZmtpFault): void {
    const caller = this.#callers.get(peer);
    if (caller === undefined) return;
    this.#callers.delete(peer);
    caller.lost();
    this.#stats.accepted--;
    this.#stats.bytesReceived += peer.connection.traffic.received;
    this.#stats.bytesSent += peer.connection.traffic.sent;
    count(this.#stats.ended, fault.reason);
    if (isGarbage(fault)) {
      this.#stats.garbage++;
      this.#log.refused(this.address, `${nameOf(peer.info)} at ${peer.connection.remote}`, fault);
    }
    if (this.#callers.size === 0) this.#whenEmpty?.();
  }

  #refused(fault: ZmtpFault, remote: string): void {
    // What this transport itself refused is counted with its own reason.
    if (fault.reason !== "refused") count(this.#stats.refused, fault.reason);
    this.#log.refused(this.address, remote, fault);
  }

  #tickLater(): Timer {
    return this.#env.clock.after(TICK_MS, () => {
      for (const caller of this.#callers.values()) caller.channel.tick();
      this.#ticker = this.#tickLater();
    });
  }
}

const LONGEST_MS = 2 ** 31 - 1;

/** What only a broken or hostile peer does. */
export function isGarbage(fault: ZmtpFault): boolean {
  return fault.code === "invalid";
}
