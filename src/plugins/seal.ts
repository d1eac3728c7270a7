// The kind `security`: bodies sealed from the caller to the container and back, without component or caller noticing.
//
//   caller ──▶ value, state sealed ──▶ any transport ──▶ opened ──▶ container ──▶ items, value, state sealed ──▶ …
//
// It is a transport around another, so who has no seal pays nothing. On the way a sealed call is addressed to
// `CONTRACT/METHOD;seal=NAME`: a container without the seal serves no such method and says so, instead of reading noise.
//
// Invariants
//   S1. A listener that seals hands on nothing that was not sealed with its seal for this very call: else `denied`.
//   S2. What is sealed once opens nowhere else: path, caller, id and direction are told to the seal, which binds them in.
//
// Not sealed: the headers (path, ids, times, meta, idempotency key), what failures say, and the control plane (`unum.control…`),
// which governors and commands speak without keys.

import { asError, Fault } from "../base/fault.ts";
import { bodyBytes } from "../messages/body.ts";
import { type Envelope, refuse } from "../messages/envelope.ts";
import type { Address, Listener, Receive, Transport } from "../transports/transport.ts";

export interface Seal {
  /** Names method and key, so that two that differ are told apart: letters, digits, dots, dashes. */
  readonly name: string;
  /** The same bytes never give the same result twice. `about` is to be bound in, and need not be kept secret. */
  seal(plain: Uint8Array, about: string): Uint8Array;
  /** Throws where the bytes are not what `seal` made of anything about the same. */
  open(sealed: Uint8Array, about: string): Uint8Array;
  close?(): void | Promise<void>;
}

export function sealing(transport: Transport, seal: Seal): Transport {
  const mark = `;seal=${seal.name}`;
  const { announceSilence } = transport;
  return {
    schemes: transport.schemes,
    send: (to, request) => send(transport, seal, mark, to, request),
    listen: (at, receive): Promise<Listener> | undefined => transport.listen(at, receiveSealed(receive, seal, mark)),
    ...(announceSilence === undefined ? {} : { announceSilence: (until) => announceSilence.call(transport, until) }),
    close: () => transport.close(),
  };
}

const CONTROL = "unum.control.";

function send(
  transport: Transport,
  seal: Seal,
  mark: string,
  to: Address,
  request: Envelope,
): Promise<Envelope> | undefined {
  if (request.to.startsWith(CONTROL)) return transport.send(to, request);
  const about = aboutOf(request);
  let sealed: Envelope;
  try {
    const { value, state } = request;
    sealed = {
      ...request,
      to: `${request.to}${mark}`,
      value: value && seal.seal(bodyBytes(value), `call ${about}`),
      state: state && seal.seal(state, `call state ${about}`),
    };
  } catch (cause) {
    const why = `${request.to} cannot be sealed with ${seal.name}: ${asError(cause).message}`;
    return Promise.reject(new Fault("invalid", why, { cause }));
  }
  return transport.send(to, sealed)?.then((reply) => openedReply(reply, seal, about, to));
}

function openedReply(reply: Envelope, seal: Seal, about: string, address: Address): Envelope {
  const { value, state, items } = reply;
  try {
    return {
      ...reply,
      value: value && seal.open(bodyBytes(value), `reply ${about}`),
      items: items.map((item) => seal.open(bodyBytes(item), `item ${about}`)),
      state: state && seal.open(state, `reply state ${about}`),
    };
  } catch (cause) {
    const why = `the answer of ${address} was not sealed with ${seal.name} for this call: ${asError(cause).message}`;
    // It has run, for all that is known.
    throw new Fault("unknown", why, { cause });
  }
}

function receiveSealed(receive: Receive, seal: Seal, mark: string): Receive {
  return async (sealed, peer) => {
    if (sealed.to.startsWith(CONTROL)) return receive(sealed, peer);
    const request = openedRequest(sealed, seal, mark);
    if (request instanceof Fault) return refuse(sealed, request);
    const reply = await receive(request, peer);
    const about = aboutOf(request);
    const { value, state, items } = reply;
    return {
      ...reply,
      value: value && seal.seal(bodyBytes(value), `reply ${about}`),
      items: items.map((item) => seal.seal(bodyBytes(item), `item ${about}`)),
      state: state && seal.seal(state, `reply state ${about}`),
    };
  };
}

/** S1 */
function openedRequest(sealed: Envelope, seal: Seal, mark: string): Envelope | Fault {
  if (!sealed.to.endsWith(mark)) {
    return new Fault("denied", `${sealed.to} takes only calls sealed with ${seal.name}; give the caller that plugin`);
  }
  const request = { ...sealed, to: sealed.to.slice(0, -mark.length) };
  const about = aboutOf(request);
  try {
    const { value, state } = sealed;
    request.value = value && seal.open(bodyBytes(value), `call ${about}`);
    request.state = state && seal.open(state, `call state ${about}`);
    return request;
  } catch (cause) {
    const why = `${request.to} was not sealed with ${seal.name} for this call: ${asError(cause).message}`;
    return new Fault("denied", why, { cause });
  }
}

/** S2. A call that is sent again is the same call. */
function aboutOf({ to, from, id }: Envelope): string {
  return `${to} ${from[0] ?? ""} ${id}`;
}
