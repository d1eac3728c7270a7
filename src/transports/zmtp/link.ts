// The caller's side of one remote address: dials at first use, sends what fits, keeps the rest in order, matches replies.
//
//   call ──▶ room? ──▶ sent, waits for its reply ──▶ reply, or the connection's end
//              └─────▶ queue ──▶ credit or connection ──▶ sent …
//                        └─────▶ nobody there, expired, or withdrawn
//
// Hot path (bench/zmtp-loopback.ts).
//
// Invariants
//   L1. A call is sent at most once. Sent and its connection lost: `unknown`. Never sent: a code that says so.
//   L2. Calls are sent in the order they were made; nobody overtakes the queue.
//   L3. What is sent has its time to live written when it is handed to the socket; what expired before that is not sent.
//   L4. Table and queue have limits, met with `overloaded` at once.
//   L5. Where the other side has ended, nothing is kept of the link a second or two after nothing is wanted of it any more.

import type { Timer } from "../../base/clock.ts";
import type { Env } from "../../base/env.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Endpoint } from "../../base/network.ts";
import { type Envelope, Kind } from "../../messages/envelope.ts";
import { decodeEnvelope } from "../../messages/envelope-decoder.ts";
import { encodeEnvelope } from "../../messages/envelope-encoder.ts";
import { type Connection, type ConnectionOptions, type PeerInfo, ZmtpFault } from "../../zmtp/index.ts";
import type { Address } from "../transport.ts";
import { CallQueue } from "./call-queue.ts";
import { type Call, Calls } from "./calls.ts";
import { Channel } from "./channel.ts";
import { Dialling } from "./dialling.ts";
import { HEAD_BYTES } from "./frames.ts";
import type { Silence, ZmtpTransportLimits } from "./settings.ts";
import { count, type ZmtpTransportStats } from "./stats.ts";

export interface LinkOptions {
  readonly env: Env;
  readonly address: Address;
  readonly endpoint: Endpoint;
  readonly limits: ZmtpTransportLimits;
  readonly connection: ConnectionOptions;
  readonly stats: ZmtpTransportStats;
  readonly silence: Silence;
  /** It has had nothing to do for long; the next call makes a new one. */
  readonly onIdle: () => void;
}

const SWEEP_MS = 1_000;

export class Link {
  readonly #options: LinkOptions;
  readonly #env: Env;
  readonly #stats: ZmtpTransportStats;
  readonly #dialling: Dialling;
  readonly #calls = new Calls();
  readonly #queue: CallQueue;
  /** Every connection that stands. */
  readonly #channels = new Map<Connection, Channel>();
  /** The one that takes calls; others only bring replies. */
  #channel: Channel | undefined;
  /** Who was last there. */
  #hasEnded = false;
  #usedAt: number;
  #sweeper: Timer;

  constructor(options: LinkOptions) {
    const { env, address, endpoint, connection, limits } = options;
    this.#options = options;
    this.#env = env;
    this.#stats = options.stats;
    this.#queue = new CallQueue(limits);
    this.#dialling = new Dialling({
      env,
      address,
      endpoint,
      timeoutMs: limits.handshakeMs,
      redialMs: endpoint.kind === "ipc" ? limits.redialHereMs : limits.redialMs,
      connection,
      handlers: {
        ready: (peer, self) => this.#ready(peer, self),
        message: (parts, self) => this.#channels.get(self)?.receive(parts),
        closed: (fault, self) => this.#lost(fault, self),
      },
      onFailed: (fault) => this.#failed(fault),
    });
    this.#usedAt = env.clock.now();
    this.#sweeper = this.#sweepLater();
  }

  /** See Transport.send. */
  send(request: Envelope): Promise<Envelope> {
    if (this.#calls.size >= this.#options.limits.pendingCalls) {
      return Promise.reject(this.#overloaded(`${this.#calls.size} calls wait for their replies`));
    }
    const now = this.#env.clock.now();
    this.#usedAt = now;
    const refusal = this.#channel === undefined ? this.#dialling.ask(now) : undefined;
    if (refusal !== undefined) return Promise.reject(refusal);
    const call = this.#calls.add(request);
    if (this.#queue.size > 0 || !this.#trySend(call, now)) this.#enqueue(call);
    return call;
  }

  /** Nothing is kept of the call that this CANCEL is about. Tells the other side where the call was sent. */
  cancel(cancel: Envelope): void {
    const call = this.#calls.find(cancel);
    if (call === undefined) return;
    this.#settle(call);
    if (call.channel === undefined || !call.channel.connection.open) return;
    const bytes = this.#encoded(cancel, this.#env.clock.now());
    if (bytes instanceof Fault) return;
    call.channel.sendCancel(bytes);
    this.#stats.cancelsSent++;
  }

  /** See Transport.announceSilence. */
  announceSilence(until: number): void {
    for (const channel of this.#channels.values()) channel.announceSilence(until);
  }

  /** Calls that wait for a connection or for credit. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Bytes of the connections that stand. */
  get traffic(): { readonly received: number; readonly sent: number } {
    const sum = { received: 0, sent: 0 };
    for (const { traffic } of this.#channels.keys()) {
      sum.received += traffic.received;
      sum.sent += traffic.sent;
    }
    return sum;
  }

  /** Ends every connection; calls reject as if the network were lost. */
  close(): void {
    this.#sweeper.cancel();
    this.#dialling.close();
    for (const connection of [...this.#channels.keys()]) connection.destroy();
    this.#failQueue("this transport was closed");
  }

  /** False where it must wait. What cannot be sent at all is settled, and counts as done. */
  #trySend(call: Call, now: number): boolean {
    const channel = this.#channel;
    // Without room for its known size it is not encoded in vain.
    if (channel === undefined || !channel.fits(call.queuedBytes)) return false;
    if (call.request.deadline <= now) {
      this.#expire(call);
      return true;
    }
    const bytes = this.#encoded(call.request, now);
    if (bytes instanceof Fault) {
      this.#settle(call).reject(bytes);
      return true;
    }
    if (!channel.fits(bytes.length)) return false;
    call.channel = channel;
    this.#stats.requestsSent++;
    channel.send(call.sequence, bytes, now);
    return true;
  }

  #encoded(request: Envelope, now: number): Uint8Array | Fault {
    try {
      return encodeEnvelope(request, now);
    } catch (thrown) {
      return thrown instanceof Fault ? thrown : new Fault("invalid", asError(thrown).message, { cause: thrown });
    }
  }

  #enqueue(call: Call): void {
    const { size, bytes } = this.#queue;
    try {
      if (this.#queue.push(call)) return;
      this.#settle(call).reject(this.#overloaded(`${size} calls with ${bytes} bytes wait to be sent`));
    } catch (cause) {
      const message = `a body cannot be encoded: ${asError(cause).message}`;
      this.#settle(call).reject(new Fault("invalid", message, { cause }));
    }
  }

  #drain(): void {
    const now = this.#env.clock.now();
    for (const call of this.#queue) {
      if (!this.#trySend(call, now)) return;
      this.#queue.remove(call);
    }
  }

  /** Nothing is kept of it here; the caller of this says how it ended. */
  #settle(call: Call): Call {
    this.#calls.remove(call);
    this.#queue.remove(call);
    return call;
  }

  #expire(call: Call): void {
    this.#stats.expiredUnsent++;
    const message = `the call expired before it could be sent to ${this.#options.address}`;
    this.#settle(call).reject(new Fault("expired", message));
  }

  #ready(peer: PeerInfo, connection: Connection): void {
    this.#dialling.succeeded();
    this.#hasEnded = false;
    this.#stats.dialled++;
    const { windowMessages, windowBytes } = this.#options.limits;
    const window = { messages: windowMessages, bytes: windowBytes };
    const channel = new Channel(
      connection,
      peer,
      { clock: this.#env.clock, side: "caller", window },
      {
        envelope: (sequence, _sentAt, frame) => this.#reply(sequence, frame, false),
        refusal: (sequence, frame) => this.#reply(sequence, frame, true),
        cancel: () => {},
        credit: () => this.#drain(),
        bye: () => this.#retire(channel),
      },
    );
    this.#channels.set(connection, channel);
    this.#channel = channel;
    if (this.#options.silence.until > this.#env.clock.now()) channel.announceSilence(this.#options.silence.until);
    this.#drain();
  }

  #reply(sequence: number, frame: Uint8Array, isRefusal: boolean): void {
    const call = this.#calls.get(sequence);
    if (call?.channel === undefined) {
      this.#stats.lateReplies++;
      return;
    }
    this.#settle(call);
    this.#stats.repliesReceived++;
    const { address } = this.#options;
    try {
      const reply = decodeEnvelope(frame, call.channel.connection.heardAt, HEAD_BYTES);
      if (isRefusal && reply.failure instanceof Fault) return call.reject(reply.failure);
      if (reply.kind === Kind.REPLY && reply.id === call.request.id) return call.resolve(reply);
      call.reject(new Fault("unknown", `${address} answered call ${call.request.id} with something else`));
    } catch (cause) {
      const message = `the reply of ${address} cannot be read: ${asError(cause).message}`;
      call.reject(new Fault("unknown", message, { cause }));
    }
  }

  /** The other side takes no further calls here. It learns that none follows, and what is under way comes to its end. */
  #retire(channel: Channel): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    channel.sendBye();
    this.#askForWaiting();
  }

  /** A connection ended, before its handshake was done or after. */
  #lost(fault: ZmtpFault, connection: Connection): void {
    const { address } = this.#options;
    this.#stats.bytesReceived += connection.traffic.received;
    this.#stats.bytesSent += connection.traffic.sent;
    const channel = this.#channels.get(connection);
    if (channel === undefined) return this.#failed(fault);
    this.#channels.delete(connection);
    const tookCalls = this.#channel === channel;
    this.#hasEnded = isEnd(fault, this.#options.endpoint);
    // Before anybody hears of it: who does may call again at once.
    if (tookCalls) this.#channel = undefined;
    this.#stats.dialled--;
    count(this.#stats.ended, fault.reason);
    if (fault.code === "invalid") this.#stats.garbage++;
    for (const call of this.#calls.all()) {
      if (call.channel !== channel) continue;
      const message = `sent to ${address}, then the connection ended: ${fault.message}`;
      this.#settle(call).reject(new Fault("unknown", message, { cause: fault }));
    }
    if (tookCalls) {
      this.#env.log.write("info", "connection ended", { to: address, reason: fault.reason, why: fault.message });
      this.#askForWaiting();
    }
  }

  #endUnused(): void {
    if (this.#channels.size > 0) return;
    this.close();
    this.#options.onIdle();
  }

  #askForWaiting(): void {
    if (this.#queue.size > 0) this.#dialling.ask(this.#env.clock.now());
  }

  /** An attempt to connect came to nothing. */
  #failed(fault: Fault): void {
    if (fault instanceof ZmtpFault && fault.reason !== "refused") count(this.#stats.refused, fault.reason);
    if (this.#dialling.failed(fault, this.#queue.size > 0)) return;
    this.#failQueue(this.#dialling.lastFailure, fault);
  }

  #failQueue(why: string, cause?: Fault): void {
    for (const call of [...this.#queue]) {
      this.#settle(call).reject(new Fault("undeliverable", why, cause === undefined ? {} : { cause }));
    }
  }

  #sweepLater(): Timer {
    return this.#env.clock.after(SWEEP_MS, () => {
      this.#sweeper = this.#sweepLater();
      this.#sweep();
    });
  }

  /** Whoever made a call gives it up at its deadline; this is for those who forget to say so. */
  #sweep(): void {
    const now = this.#env.clock.now();
    for (const call of this.#calls.all()) {
      if (call.request.deadline > now) continue;
      if (call.channel === undefined) this.#expire(call);
      else {
        const message = `sent to ${this.#options.address}, and no reply came before the deadline`;
        this.#settle(call).reject(new Fault("unknown", message));
      }
    }
    this.#calls.tidy();
    if (this.#calls.size > 0) this.#usedAt = now;
    else if (now - this.#usedAt >= this.#options.limits.idleMs) this.#endIdle();
    else if (now - this.#usedAt >= SWEEP_MS && (this.#hasEnded || this.#dialling.isRefused)) this.#endUnused();
  }

  #endIdle(): void {
    for (const connection of [...this.#channels.keys()]) connection.end("nothing was called for long");
    this.close();
    this.#options.onIdle();
  }

  #overloaded(what: string): Fault {
    this.#stats.overloaded++;
    return new Fault("overloaded", `${what} at ${this.#options.address}; that is the limit of this process`);
  }
}

/**
 * The other side said goodbye, or its system closed the connection, as it does for a process that ended. What broke between
 * two computers is no end: calls that come meanwhile wait for a network that may come back.
 */
function isEnd({ reason, cause }: ZmtpFault, { kind }: Endpoint): boolean {
  return reason === "peer-refused" || (reason === "lost" && (cause === undefined || kind === "ipc"));
}
