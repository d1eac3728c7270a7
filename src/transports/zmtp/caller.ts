// One caller at a listener: its requests go to `receive`, its replies wait for its credit.
//
// Hot path (bench/zmtp-loopback.ts).
//
// Invariants
//   S1. Every request that was read gets one reply, or its connection ends.
//   S2. A request whose time to live had run out when it arrived, its age counted in, is never handed on.
//   S3. A caller that does not take its replies gets no further credit, and past a limit is cut off.

import type { Clock } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import { type Envelope, envelope, Kind, refuse } from "../../messages/envelope.ts";
import { decodeEnvelope, readEnvelopeId } from "../../messages/envelope-decoder.ts";
import { encodeEnvelope } from "../../messages/envelope-encoder.ts";
import { type Connection, type PeerInfo, ZmtpFault } from "../../zmtp/index.ts";
import { type ReplyReader, readReply } from "../pending-reply.ts";
import type { Receive } from "../transport.ts";
import { Channel } from "./channel.ts";
import { HEAD_BYTES } from "./frames.ts";
import type { ZmtpTransportLimits } from "./settings.ts";
import type { ZmtpTransportStats } from "./stats.ts";

/** A reply that waits for credit. */
interface Waiting {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  readonly isRefusal: boolean;
  /** After it nobody waits for the reply. */
  readonly deadline: number;
}

export interface CallerOptions {
  readonly clock: Clock;
  readonly limits: ZmtpTransportLimits;
  readonly stats: ZmtpTransportStats;
  readonly receive: Receive;
}

export class Caller {
  readonly connection: Connection;
  readonly channel: Channel;
  readonly #options: CallerOptions;
  readonly #clock: Clock;
  readonly #stats: ZmtpTransportStats;
  readonly #waiting = new Set<Waiting>();
  #waitingBytes = 0;
  /** Requests handed on and not answered. */
  #open = 0;
  /** After it no request that was handed on can still want its reply. */
  #lastDeadline = 0;
  #draining = false;
  #saidBye = false;

  constructor(connection: Connection, peer: PeerInfo, options: CallerOptions) {
    this.connection = connection;
    this.#options = options;
    this.#clock = options.clock;
    this.#stats = options.stats;
    const window = { messages: options.limits.windowMessages, bytes: options.limits.windowBytes };
    this.channel = new Channel(
      connection,
      peer,
      { clock: options.clock, side: "listener", window },
      {
        envelope: (sequence, sentAt, frame) => this.#request(sequence, sentAt, frame),
        refusal: () => {},
        cancel: (sentAt, bytes) => this.#cancel(sentAt, bytes),
        credit: () => this.#drain(),
        bye: () => {
          this.#saidBye = true;
          this.#endWhenDone();
        },
      },
    );
  }

  /** When the last of its requests that were handed on has expired. */
  get lastDeadline(): number {
    return this.#lastDeadline;
  }

  /** Replies that wait for credit. */
  get queued(): number {
    return this.#waiting.size;
  }

  /** Takes no further requests. Ends the connection when the caller has said that none follows and has its replies. */
  drain(): void {
    this.#draining = true;
    this.channel.sendBye();
    this.#endWhenDone();
  }

  /** The caller never said it; what was under way from it is lost, what it waits for is not. */
  stopListening(): void {
    this.#saidBye = true;
    this.#endWhenDone();
  }

  /** Its connection has ended. */
  lost(): void {
    this.#stats.lostReplies += this.#waiting.size;
    this.#waiting.clear();
    this.#waitingBytes = 0;
  }

  #request(sequence: number, sentAt: number, frame: Uint8Array): void {
    const arrivedAt = this.connection.heardAt;
    this.#stats.requestsReceived++;
    let request: Envelope;
    try {
      request = decodeEnvelope(frame, arrivedAt - this.channel.age(sentAt, arrivedAt), HEAD_BYTES);
    } catch (thrown) {
      return this.#unreadable(sequence, frame.subarray(HEAD_BYTES), asError(thrown));
    }
    const refusal = this.#refusal(request, arrivedAt);
    if (refusal === undefined) this.#handOn(sequence, request);
    else this.#reply(sequence, request, refuse(request, refusal), true);
  }

  #refusal(request: Envelope, arrivedAt: number): Fault | undefined {
    if (request.kind !== Kind.CALL && request.kind !== Kind.MORE) {
      return new Fault("invalid", `a request of kind ${request.kind}, expected CALL or MORE`);
    }
    if (this.#draining) return new Fault("undeliverable", "draining: no further calls are taken here");
    if (request.deadline <= arrivedAt) {
      this.#stats.stale++;
      return new Fault("expired", "the time to live ran out on the way");
    }
    return undefined;
  }

  #handOn(sequence: number, request: Envelope): void {
    this.#open++;
    if (request.deadline > this.#lastDeadline) this.#lastDeadline = request.deadline;
    readReply(this.#options.receive(request, this.connection.name), new HandedOn(this, sequence, request));
  }

  /** For HandedOn's own use. */
  answered(sequence: number, request: Envelope, reply: Envelope): void {
    this.#open--;
    this.#reply(sequence, request, reply);
    if (this.#draining) this.#endWhenDone();
  }

  #reply(sequence: number, request: Envelope, reply: Envelope, isRefusal = false): void {
    if (!this.connection.open) {
      this.#stats.lostReplies++;
      return;
    }
    const now = this.#clock.now();
    const bytes = this.#encode(request, reply, now);
    if (this.#waiting.size === 0 && this.channel.fits(bytes.length)) return this.#send(sequence, bytes, isRefusal, now);
    this.#waiting.add({ sequence, bytes, isRefusal, deadline: request.deadline });
    this.#waitingBytes += bytes.length;
    this.#watchWaiting();
  }

  #encode(request: Envelope, reply: Envelope, now: number): Uint8Array {
    try {
      return encodeEnvelope(reply, now);
    } catch (thrown) {
      const why = new Fault("internal", `the reply cannot be sent: ${asError(thrown).message}`, { cause: thrown });
      return encodeEnvelope(refuse(request, why), now);
    }
  }

  #send(sequence: number, bytes: Uint8Array, isRefusal: boolean, now: number): void {
    this.#stats.repliesSent++;
    if (isRefusal) this.channel.sendRefusal(sequence, bytes, now);
    else this.channel.send(sequence, bytes, now);
  }

  #drain(): void {
    const now = this.#clock.now();
    for (const reply of this.#waiting) {
      const late = reply.deadline <= now;
      if (!late && !this.channel.fits(reply.bytes.length)) break;
      this.#waiting.delete(reply);
      this.#waitingBytes -= reply.bytes.length;
      if (late) this.#stats.lostReplies++;
      else this.#send(reply.sequence, reply.bytes, reply.isRefusal, now);
    }
    this.#watchWaiting();
    if (this.#draining) this.#endWhenDone();
  }

  /** S3 */
  #watchWaiting(): void {
    const { windowMessages, windowBytes, replyBytes } = this.#options.limits;
    this.channel.holdCredit(this.#waiting.size >= windowMessages || this.#waitingBytes >= windowBytes);
    if (this.#waitingBytes <= replyBytes) return;
    this.connection.destroy(
      new ZmtpFault(
        "too-many-bytes",
        `${this.#waitingBytes} bytes of replies wait for their caller, the limit is ${replyBytes}`,
      ),
    );
  }

  #cancel(sentAt: number, bytes: Uint8Array): void {
    const now = this.#clock.now();
    this.#stats.cancelsReceived++;
    try {
      const cancel = decodeEnvelope(bytes, now - this.channel.age(sentAt, now));
      if (cancel.kind !== Kind.CANCEL) throw new Fault("invalid", `a CANCEL of kind ${cancel.kind}`);
      // Has no reply; what is answered is dropped.
      this.#options.receive(cancel, this.connection.name).catch(() => {});
    } catch (thrown) {
      this.#garbage(asError(thrown));
    }
  }

  /** Even an envelope that cannot be read gets its answer, where it can be said what it answers. */
  #unreadable(sequence: number, bytes: Uint8Array, why: Error): void {
    const id = readEnvelopeId(bytes);
    if (id === undefined) return this.#garbage(why);
    const request = envelope({ kind: Kind.CALL, id, deadline: Number.POSITIVE_INFINITY });
    this.#reply(sequence, request, refuse(request, new Fault("invalid", why.message)), true);
  }

  #garbage(why: Error): void {
    this.connection.destroy(
      new ZmtpFault("malformed", `an envelope that cannot be read: ${why.message}`, { cause: why }),
    );
  }

  #endWhenDone(): void {
    if (this.#saidBye && this.#open === 0 && this.#waiting.size === 0) this.connection.end("drained");
  }
}

/** A request that waits for its reply, of which its receiver needs not know where it goes. */
class HandedOn implements ReplyReader {
  readonly #caller: Caller;
  readonly #sequence: number;
  readonly #request: Envelope;

  constructor(caller: Caller, sequence: number, request: Envelope) {
    this.#caller = caller;
    this.#sequence = sequence;
    this.#request = request;
  }

  replied(reply: Envelope): void {
    this.#caller.answered(this.#sequence, this.#request, reply);
  }

  /** It promised never to reject; the caller is told all the same. */
  failed(failure: Error): void {
    this.replied(refuse(this.#request, new Fault("internal", failure.message)));
  }
}
