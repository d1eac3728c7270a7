// One ZMTP connection on a stream: the engine, and what needs time: handshake deadline, heartbeats, gathered writes.
//
// Invariants
//   I1. `closed` comes once, at once when either side ends it; `released` once, when the stream is gone too.
//   I2. What one turn sends goes out when its work is done, in as few writes as it fits in.
//   I3. A side that has said how long its loop may not turn is not given up within that time, by its peer or by itself.
//   I4. A peer that never reads cannot make this side hold answers for it: PONGs are left out while the stream is blocked.

import type { Clock, Timer } from "../base/clock.ts";
import { asError } from "../base/fault.ts";
import type { ByteStream } from "../base/network.ts";
import { Engine, type EngineEvents, type EngineOptions, type PeerInfo } from "./engine.ts";
import type { Heartbeat } from "./limits.ts";
import { ZmtpFault, type ZmtpReason } from "./zmtp-fault.ts";

export interface ConnectionOptions extends EngineOptions {
  readonly clock: Clock;
  readonly heartbeat: Heartbeat;
}

export interface ConnectionHandlers {
  /** The handshake is done; messages may be sent. */
  ready(peer: PeerInfo, connection: Connection): void;
  message(parts: Uint8Array[], connection: Connection): void;
  /** The stream takes more after `writable` was false. */
  drained?(connection: Connection): void;
  /** Nothing is received any more; what was sent may or may not have arrived. */
  closed(fault: ZmtpFault, connection: Connection): void;
  released?(connection: Connection): void;
}

/** How long the last bytes may take to leave after the connection ended. */
const LINGER_MS = 2_000;
const GRACE_MS = 20;
/** How often deadlines are looked at where there are no heartbeats. */
const WATCH_MS = 1_000;
/** A loop that turns runs its timers no later than this. */
const LATE_MS = 1_000;
/** After these the peer is told why, so the stream must not be torn down at once. */
const TOLD: ReadonlySet<ZmtpReason> = new Set(["refused", "socket-type", "identity"]);

export class Connection implements EngineEvents {
  readonly #stream: ByteStream;
  readonly #clock: Clock;
  readonly #options: ConnectionOptions;
  readonly #handlers: ConnectionHandlers;
  readonly #engine: Engine;
  readonly #startedAt: number;
  #timer: Timer;
  #peer: PeerInfo | undefined;
  #blocked = false;
  #flushScheduled = false;
  #heardAt: number;
  #watchedAt: number;
  #peerTtlMs = Number.POSITIVE_INFINITY;
  /** Until then silence is no sign of death: the peer's, and this side's own. */
  #peerSilentUntil = Number.NEGATIVE_INFINITY;
  #ownSilentUntil = Number.NEGATIVE_INFINITY;
  #messages = 0;
  #partialSince = 0;
  #partialMessages = -1;
  #received = 0;
  #sent = 0;
  readonly #flush = (): void => {
    this.#flushScheduled = false;
    this.#engine.flush();
  };

  /** To be called in the turn in which the stream was handed over. */
  constructor(stream: ByteStream, options: ConnectionOptions, handlers: ConnectionHandlers) {
    this.#stream = stream;
    this.#clock = options.clock;
    this.#options = options;
    this.#handlers = handlers;
    this.#engine = new Engine(options, this);
    this.#startedAt = this.#heardAt = this.#watchedAt = options.clock.now();
    stream.onData = (bytes) => this.#onData(bytes);
    stream.onDrain = () => this.#onDrain();
    stream.onClose = (cause) => this.#onClose(cause);
    this.#timer = this.#clock.after(options.limits.handshakeMs, () => this.#handshakeDue());
    this.#engine.start();
  }

  get open(): boolean {
    return this.#engine.phase === "open";
  }

  /** Undefined until the handshake is done. */
  get peer(): PeerInfo | undefined {
    return this.#peer;
  }

  /** Where the peer is, for logs. */
  get remote(): string {
    return this.#stream.peer;
  }

  /** The common name of the certificate that the peer has shown; undefined where it has shown none. */
  get name(): string | undefined {
    return this.#stream.name;
  }

  /** The clock's time when the stream stood and the greeting went out. */
  get startedAt(): number {
    return this.#startedAt;
  }

  /** The clock's time when the bytes at hand came in, or the last ones did. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** False while the stream's buffer is past its mark; sending is still possible, and held in memory. */
  get writable(): boolean {
    return !this.#blocked && this.open;
  }

  /** Bytes sent and not yet taken by the system. */
  get buffered(): number {
    return this.#stream.buffered + this.#engine.waiting;
  }

  /** Bytes that came in and went out so far, handshake included. */
  get traffic(): { readonly received: number; readonly sent: number } {
    return { received: this.#received, sent: this.#sent };
  }

  /** Takes ownership of the parts. Throws the ZmtpFault `closed` where it is not open. */
  send(parts: readonly Uint8Array[]): void {
    this.#engine.send(parts);
    this.#flushSoon();
  }

  /** A message of one part, `front` followed by `back`, without joining them. Copies `front`, which must be small; takes ownership of `back`. */
  sendJoined(front: Uint8Array, back: Uint8Array): void {
    this.#engine.sendJoined(front, back);
    this.#flushSoon();
  }

  /** No further messages are handed over until resume, except those of the chunk at hand. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** The peer has said that it may be silent until then. An earlier time takes back a later one. */
  peerMayBeSilentUntil(at: number): void {
    this.#peerSilentUntil = at;
  }

  /** This side may stand still until then; the peer has been told. Puts out what was sent, since nothing may leave after this turn for long. */
  mayStandStillUntil(at: number): void {
    // Who takes it back has just come to turn again: what lay in the kernel meanwhile was not its peer's fault.
    if (this.#standsAnnounced(this.#clock.now())) this.#heardAt = this.#watchedAt = this.#clock.now();
    this.#ownSilentUntil = at;
    this.#engine.flush();
  }

  /** Sends what was sent, then closes. */
  end(reason = "closed on this side"): void {
    this.#engine.flush();
    this.#linger();
    this.#engine.stop(new ZmtpFault("closed", reason));
  }

  /** Tells the peer in at most 255 characters why it is not wanted, then closes. */
  refuse(reason: string): void {
    this.#engine.sendError(reason);
    this.#engine.stop(new ZmtpFault("refused", reason));
  }

  /** Closes at once; what is unsent or unread is lost. */
  destroy(fault: ZmtpFault = new ZmtpFault("closed", "closed on this side")): void {
    this.#engine.stop(fault);
    this.#stream.destroy();
  }

  /** @internal Of the engine. */
  output(bytes: Uint8Array): void {
    this.#sent += bytes.length;
    if (!this.#stream.write(bytes)) this.#blocked = true;
  }

  /** @internal Of the engine. */
  ready(peer: PeerInfo): void {
    this.#peer = peer;
    this.#timer.cancel();
    this.#watchSoon();
    this.#handlers.ready(peer, this);
  }

  /** @internal Of the engine. */
  message(parts: Uint8Array[]): void {
    this.#messages++;
    this.#handlers.message(parts, this);
  }

  /** @internal Of the engine. */
  pinged(ttlMs: number, context: Uint8Array): void {
    if (ttlMs > 0) this.#peerTtlMs = ttlMs;
    if (this.#blocked) return;
    this.#engine.pong(context);
    this.#flushSoon();
  }

  /** @internal Of the engine. */
  over(fault: ZmtpFault): void {
    this.#timer.cancel();
    if (TOLD.has(fault.reason)) this.#linger();
    else if (fault.reason !== "closed") this.#stream.destroy();
    this.#handlers.closed(fault, this);
  }

  #onData(bytes: Uint8Array): void {
    const now = this.#clock.now();
    // Bytes that waited in the kernel while this process stood still are read before any timer runs.
    if (this.#stoodStill(now)) return;
    this.#heardAt = now;
    this.#received += bytes.length;
    this.#engine.push(bytes);
  }

  #onDrain(): void {
    this.#blocked = false;
    this.#handlers.drained?.(this);
  }

  #onClose(cause: Error | undefined): void {
    this.#timer.cancel();
    const why =
      cause === undefined ? "the peer closed the connection" : `the connection broke: ${asError(cause).message}`;
    this.#engine.stop(new ZmtpFault("lost", why, cause === undefined ? {} : { cause }));
    // The stream may have closed while it lingered.
    this.#timer.cancel();
    this.#handlers.released?.(this);
  }

  #flushSoon(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#clock.soon(this.#flush);
  }

  #linger(): void {
    this.#stream.end();
    this.#timer.cancel();
    this.#timer = this.#clock.after(LINGER_MS, () => this.#stream.destroy());
  }

  /** A busy process runs its timers before it reads what came in time; it reads once more before it judges. */
  #handshakeDue(): void {
    this.#timer = this.#clock.after(GRACE_MS, () => this.#handshakeLate());
  }

  #handshakeLate(): void {
    const { handshakeMs } = this.#options.limits;
    this.#engine.stop(
      new ZmtpFault("handshake-timeout", `no handshake within ${handshakeMs} ms (in phase '${this.#engine.phase}')`),
    );
  }

  #watchSoon(): void {
    const everyMs = this.#options.heartbeat.intervalMs || WATCH_MS;
    this.#watchedAt = this.#clock.now();
    this.#timer = this.#clock.after(everyMs, () => this.#watch());
  }

  #watch(): void {
    const now = this.#clock.now();
    if (this.#stoodStill(now)) return;
    const { intervalMs, timeoutMs } = this.#options.heartbeat;
    const patienceMs = Math.min(intervalMs > 0 ? timeoutMs : Number.POSITIVE_INFINITY, this.#peerTtlMs);
    const silentMs = now - this.#heardAt;
    if (silentMs > patienceMs && now > this.#peerSilentUntil) {
      return this.#engine.stop(
        new ZmtpFault(
          "heartbeat-timeout",
          `nothing from the peer for ${Math.round(silentMs)} ms, the limit is ${patienceMs}`,
        ),
      );
    }
    if (this.#messageLate(now)) {
      const { messageMs } = this.#options.limits;
      return this.#engine.stop(
        new ZmtpFault("message-timeout", `a message began and did not end within ${messageMs} ms`),
      );
    }
    // PING's own time to live asks the peer to notice this side's death as soon as this side notices its.
    if (intervalMs > 0 && !this.#blocked && this.#engine.ping(timeoutMs)) this.#flushSoon();
    this.#watchSoon();
  }

  /** Whether one and the same message has been arriving for too long. */
  #messageLate(now: number): boolean {
    if (!this.#engine.partial) {
      this.#partialMessages = -1;
      return false;
    }
    if (this.#partialMessages !== this.#messages) {
      this.#partialMessages = this.#messages;
      this.#partialSince = now;
      return false;
    }
    return now - this.#partialSince >= this.#options.limits.messageMs;
  }

  /** After a pause longer than the peer's patience, unread bytes are of a time that is over. */
  #stoodStill(now: number): boolean {
    const { intervalMs, timeoutMs } = this.#options.heartbeat;
    if (intervalMs === 0 || this.#peer === undefined) return false;
    const stillMs = now - this.#watchedAt;
    if (this.#standsAnnounced(now)) this.#heardAt = this.#watchedAt = now;
    else if (stillMs > intervalMs + timeoutMs) return this.#paused(stillMs - intervalMs);
    return false;
  }

  /** Whether the loop has just not turned for long, as it had said. */
  #standsAnnounced(now: number): boolean {
    const { intervalMs } = this.#options.heartbeat;
    return now <= this.#ownSilentUntil + LATE_MS && now - this.#watchedAt > intervalMs + LATE_MS;
  }

  #paused(stillMs: number): true {
    this.#engine.stop(new ZmtpFault("paused", `this process stood still for ${Math.round(stillMs)} ms`));
    return true;
  }
}
