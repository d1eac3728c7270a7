// A transport that notes what leaves a process through it and what comes in.

import { type Envelope, Kind } from "../messages/envelope.ts";
import type { Address, Receive, Transport } from "../transports/transport.ts";
import type { EnvelopeKind, OutcomeCode, Trace } from "./trace.ts";
import { callNumber, codeOf, nameIn } from "./traced-calls.ts";

const KINDS: Readonly<Record<Kind, EnvelopeKind>> = {
  [Kind.UNKNOWN]: "other",
  [Kind.CALL]: "CALL",
  [Kind.MORE]: "MORE",
  [Kind.CANCEL]: "CANCEL",
  [Kind.REPLY]: "other",
};

/** What governors, containers and clients tell each other goes into the hash alone: there is much of it. */
const CONTROL = "unum.control.";
const DRAIN = "unum.control.v1.Container/Drain";

export function tracedTransport(inner: Transport, trace: Trace, process: string, now: () => number): Transport {
  const pass = (kind: "sent" | "received", address: Address, envelope: Envelope): number => {
    const event = {
      kind,
      at: now(),
      process,
      address,
      from: envelope.from[0] ?? "",
      id: envelope.id,
      envelope: KINDS[envelope.kind] ?? "other",
      call: callNumber(envelope.meta),
    };
    if (!envelope.to.startsWith(CONTROL)) return trace.add(event);
    trace.mix(event);
    if (envelope.to === DRAIN && kind === "sent") {
      trace.add({ kind: "drain told", at: now(), container: nameIn(address), by: process });
    } else if (envelope.to === DRAIN && envelope.kind === Kind.CALL) {
      trace.add({ kind: "draining", at: now(), process, graceMs: 0 });
    }
    return CONTROL_RECEIPT;
  };
  const replied = (receipt: number, code: OutcomeCode) => {
    const event = { kind: "replied", at: now(), process, receipt, code } as const;
    if (receipt === CONTROL_RECEIPT) trace.mix(event);
    else trace.add(event);
  };
  return {
    schemes: inner.schemes,
    send(to, request) {
      pass("sent", to, request);
      return inner.send(to, request);
    },
    listen(at, receive) {
      // With the port that was chosen, where that was left open.
      let address = at;
      const noted: Receive = (request) => {
        const receipt = pass("received", address, request);
        const reply = receive(request);
        reply.then(({ failure }) => replied(receipt, failure === undefined ? "ok" : codeOf(failure)));
        return reply;
      };
      return inner.listen(at, noted)?.then((listener) => {
        ({ address } = listener);
        return listener;
      });
    },
    close: () => inner.close(),
  };
}

const CONTROL_RECEIPT = -1;
