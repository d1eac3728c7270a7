// What moves an envelope from who sends it to who receives it.

import type { Envelope } from "../messages/envelope.ts";

/** A URL: `direct://NAME`, `memory://NAME`, `ipc:///PATH`, `tcp://HOST:PORT`, `tls://HOST:PORT`. */
export type Address = string;

/**
 * Always answers with a reply; a failure travels inside it. Never rejects.
 * A CANCEL has no reply; what is answered to it is dropped.
 * `peer`: the common name of the certificate that its sender has shown; undefined where none was asked for.
 */
export type Receive = (request: Envelope, peer?: string) => Promise<Envelope>;

export interface Listener {
  /** The address under which others reach it, with the port or path that was chosen. */
  readonly address: Address;
  /** Takes no further requests; replies to those it took are still sent. Settles when none is left or the network is gone. */
  close(): Promise<void>;
}

export interface Transport {
  /** The address schemes it serves, for error messages. */
  readonly schemes: readonly string[];

  /**
   * Brings the request to the address and answers with the reply.
   * Answers undefined when the address is not of a kind it serves, so that the next may try.
   *
   * Rejects with a Fault: `undeliverable` where the receiver certainly did not get it, `overloaded` where a queue of this
   * transport is full, `unknown` where it was sent and the connection ended, `invalid` where it is too large.
   * Keeps no time: the caller stops waiting at the deadline and says so with a CANCEL of the same id,
   * after which the reply is no longer wanted and nothing is kept of the call; the promise then may stay pending.
   * A CANCEL settles at once, whether it arrives or not.
   * What it answers may be a PendingReply: that tells who reads it in the turn in which it settles, and may have settled already.
   * Requests from one sender to one address arrive in the order they were sent, or not at all.
   */
  send(to: Address, request: Envelope): Promise<Envelope> | undefined;

  /** Hands requests that come in at `at` to `receive`. Undefined where the address is not of a kind it serves. */
  listen(at: Address, receive: Receive): Promise<Listener> | undefined;

  /**
   * This process may not answer anybody until then, on its clock; peers are told before it returns, as far as bytes can leave
   * at once, and do not take its silence for its death. A time that has passed takes it back. Absent where silence ends nothing.
   */
  announceSilence?(until: number): void;

  /** Ends every connection; calls under way reject as if the network were lost. */
  close(): Promise<void>;
}
