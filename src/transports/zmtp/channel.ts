// One connection between two processes that speak Unum: credit both ways, the other side's clock, frames in and out.
//
// Hot path (bench/zmtp-loopback.ts).
//
// Invariants
//   C1. What breaks the rules of the wire ends this connection and no other.
//   C2. A frame's time of sending is taken when it is handed to the socket, so waiting here before that never counts as less.

import type { Clock } from "../../base/clock.ts";
import { type Connection, type PeerInfo, ZmtpFault } from "../../zmtp/index.ts";
import { ageOf, better, type ClockOffset, measure } from "./clock-offset.ts";
import { ReceiveCredit, SendCredit, type Window } from "./credit.ts";
import { FRAME, HEAD_BYTES, readNumber, writeHead, writeNumber } from "./frames.ts";
import { firstOffset, windowOf } from "./handshake.ts";

/** No function declares more; what a peer says beyond it is cut to it. */
const LONGEST_SILENCE_MS = 24 * 3_600_000;

/** How long a TICK may go unanswered before the next. */
const PATIENCE_US = 5_000_000;

export interface ChannelHandlers {
  /** A REQUEST at a listener, a REPLY at a caller; the envelope begins at HEAD_BYTES. Held elsewhere or not at all when it returns. */
  envelope(sequence: number, sentAt: number, frame: Uint8Array): void;
  /** A REFUSAL at a caller. The same holds. */
  refusal(sequence: number, frame: Uint8Array): void;
  /** A CANCEL at a listener. */
  cancel(sentAt: number, bytes: Uint8Array): void;
  /** More may be sent. */
  credit(): void;
  bye(): void;
}

export interface ChannelOptions {
  readonly clock: Clock;
  readonly side: "caller" | "listener";
  /** What this side takes, as it said in READY. */
  readonly window: Window;
}

export class Channel {
  readonly connection: Connection;
  readonly #clock: Clock;
  readonly #handlers: ChannelHandlers;
  readonly #sends: number;
  readonly #receives: number;
  readonly #sendCredit: SendCredit;
  readonly #receiveCredit: ReceiveCredit;
  readonly #head = new Uint8Array(HEAD_BYTES);
  #offset: ClockOffset | undefined;
  /** The TICK that is not answered, in whole microseconds as it travels. */
  #tickedUs: number | undefined;
  /** Whether the other side sent something since the last TICK; at first because the handshake is a poor sample. */
  #active = true;

  /** Called with the peer's READY. */
  constructor(connection: Connection, peer: PeerInfo, options: ChannelOptions, handlers: ChannelHandlers) {
    this.connection = connection;
    this.#clock = options.clock;
    this.#handlers = handlers;
    this.#sends = options.side === "caller" ? FRAME.request : FRAME.reply;
    this.#receives = options.side === "caller" ? FRAME.reply : FRAME.request;
    // The handshake refused peers without a window.
    this.#sendCredit = new SendCredit(windowOf(peer) ?? { messages: 1, bytes: 1 });
    this.#receiveCredit = new ReceiveCredit(options.window);
    this.#offset = firstOffset(peer, connection.startedAt, options.clock.now());
  }

  /** Whether an envelope of so many bytes may be sent now. */
  fits(bytes: number): boolean {
    return this.#sendCredit.fits(bytes);
  }

  /** A REQUEST from a caller, a REPLY from a listener. Only what fits. Takes ownership of the bytes. `now`: as it has just been read. */
  send(sequence: number, bytes: Uint8Array, now: number): void {
    this.#send(this.#sends, sequence, bytes, now);
  }

  /** Instead of a REPLY: the request was never handed on. Only what fits. Takes ownership of the bytes. */
  sendRefusal(sequence: number, bytes: Uint8Array, now: number): void {
    this.#send(FRAME.refusal, sequence, bytes, now);
  }

  /** Outside of credit: a CANCEL follows a REQUEST that had it, so there are never more of them. */
  sendCancel(bytes: Uint8Array): void {
    writeHead(this.#head, FRAME.cancel, this.#nowUs(), 0);
    this.connection.sendJoined(this.#head, bytes);
  }

  sendBye(): void {
    if (this.connection.open) this.connection.send([new Uint8Array([FRAME.bye])]);
  }

  /** This process may not answer until then: the other side hears it before anything may keep it from being sent. */
  announceSilence(until: number): void {
    if (!this.connection.open) return;
    const frame = new Uint8Array(9);
    frame[0] = FRAME.silence;
    const forMs = Math.min(LONGEST_SILENCE_MS, Math.max(0, until - this.#clock.now()));
    writeNumber(frame, 1, Math.ceil(forMs * 1000));
    this.connection.send([frame]);
    this.connection.mayStandStillUntil(until);
  }

  /** Asks for the other side's clock, where something came since the last time. */
  tick(): void {
    const nowUs = this.#nowUs();
    const asking = this.#tickedUs !== undefined && nowUs - this.#tickedUs < PATIENCE_US;
    if (!this.#active || asking || !this.connection.writable) return;
    this.#active = false;
    this.#tickedUs = nowUs;
    const frame = new Uint8Array(9);
    frame[0] = FRAME.tick;
    writeNumber(frame, 1, this.#tickedUs);
    this.connection.send([frame]);
  }

  /** While true the other side gets no further credit. */
  holdCredit(held: boolean): void {
    if (this.#receiveCredit.held === held) return;
    this.#receiveCredit.held = held;
    if (!held) this.#giveBack();
  }

  /** How old a message is that the other side sent at this time of its clock; without a clock to go by, no age. */
  age(sentAt: number, now: number): number {
    return this.#offset === undefined ? 0 : ageOf(this.#offset, sentAt, now);
  }

  /** What is known of the other side's clock. */
  get offset(): ClockOffset | undefined {
    return this.#offset;
  }

  /** One message of the connection. */
  receive(parts: Uint8Array[]): void {
    // The limit of one part is kept below.
    const frame = parts[0] as Uint8Array;
    const type = frame[0];
    if (type === this.#receives) {
      if (frame.length < HEAD_BYTES) return this.#garbage(`a frame of type ${type} with ${frame.length} bytes`);
      const bytes = frame.length - HEAD_BYTES;
      if (!this.#receiveCredit.arrived(bytes)) return this.#garbage("more messages or bytes than there was credit for");
      this.#active = true;
      this.#handlers.envelope(readNumber(frame, 9), readNumber(frame, 1) / 1000, frame);
      return this.#done(bytes);
    }
    this.#rare(frame, type);
  }

  #send(type: number, sequence: number, bytes: Uint8Array, now: number): void {
    this.#sendCredit.spend(bytes.length);
    writeHead(this.#head, type, Math.floor(now * 1000), sequence);
    this.connection.sendJoined(this.#head, bytes);
  }

  /** Ends the connection because of what came over it. */
  #garbage(what: string): void {
    this.connection.destroy(new ZmtpFault("malformed", `${what}: not the wire of Unum`));
  }

  #rare(frame: Uint8Array, type: number | undefined): void {
    switch (type) {
      case FRAME.refusal:
        if (this.#receives !== FRAME.reply || frame.length < HEAD_BYTES) break;
        if (!this.#receiveCredit.arrived(frame.length - HEAD_BYTES)) break;
        this.#handlers.refusal(readNumber(frame, 9), frame);
        return this.#done(frame.length - HEAD_BYTES);
      case FRAME.cancel:
        if (this.#receives !== FRAME.request || frame.length < HEAD_BYTES) break;
        return this.#handlers.cancel(readNumber(frame, 1) / 1000, frame.subarray(HEAD_BYTES));
      case FRAME.credit:
        if (frame.length !== 17 || !this.#sendCredit.back(readNumber(frame, 1), readNumber(frame, 9))) break;
        return this.#handlers.credit();
      case FRAME.tick:
        if (frame.length !== 9) break;
        return this.#tock(frame);
      case FRAME.tock:
        if (frame.length !== 17) break;
        return this.#sample(readNumber(frame, 1), readNumber(frame, 9) / 1000);
      case FRAME.silence:
        if (frame.length !== 9) break;
        return this.#mayBeSilent(readNumber(frame, 1) / 1000);
      case FRAME.bye:
        if (frame.length !== 1) break;
        return this.#handlers.bye();
      default:
    }
    this.#garbage(`a frame of type ${type ?? "none"} with ${frame.length} bytes`);
  }

  #tock(tick: Uint8Array): void {
    // Whoever asks without reading answers is not answered.
    if (!this.connection.writable) return;
    const frame = new Uint8Array(17);
    frame[0] = FRAME.tock;
    frame.set(tick.subarray(1, 9), 1);
    writeNumber(frame, 9, this.#nowUs());
    this.connection.send([frame]);
  }

  #sample(askedUs: number, theirTime: number): void {
    // The answer to a question that was given up.
    if (askedUs !== this.#tickedUs) return;
    this.#tickedUs = undefined;
    const sample = measure({ askedAt: askedUs / 1000, theirTime, answeredAt: this.#clock.now() });
    this.#offset = this.#offset === undefined ? sample : better(this.#offset, sample);
  }

  #mayBeSilent(forMs: number): void {
    this.connection.peerMayBeSilentUntil(this.#clock.now() + Math.min(forMs, LONGEST_SILENCE_MS));
  }

  /** An envelope of so many bytes is held no longer here; gives credit back when enough has come together. */
  #done(bytes: number): void {
    this.#receiveCredit.done(bytes);
    this.#giveBack();
  }

  #giveBack(): void {
    const back = this.#receiveCredit.take();
    if (back === undefined || !this.connection.open) return;
    const frame = new Uint8Array(17);
    writeHead(frame, FRAME.credit, back.messages, back.bytes);
    this.connection.send([frame]);
  }

  #nowUs(): number {
    return Math.floor(this.#clock.now() * 1000);
  }
}
