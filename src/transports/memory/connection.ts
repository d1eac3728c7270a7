// One connection of the pretended network, from the process that calls to the one that listens. Both ends are in here.
//
//   caller                                              listener
//   send ──▶ unsent, until connected ──▶ lane there ──▶ place.take
//   promise ◀── settle ◀─────────────── lane back ◀──── reply
//
// Invariants
//   C1. A call settles once: by its reply, by the break, or never after it was cancelled.
//   C2. What has not left when the connection fails is `undeliverable`; what has left is `unknown`.
//   C3. Each end learns of a break in its own time; until then it goes on sending into the void.

import { asError, Fault } from "../../base/fault.ts";
import { type Envelope, Kind, refuse } from "../../messages/envelope.ts";
import { PendingReply, readReply } from "../pending-reply.ts";
import type { Address } from "../transport.ts";
import type { MemoryLimits } from "./conditions.ts";
import { Lane, type Link, type Wire } from "./lane.ts";
import { type Parcel, pack, unpack } from "./parcel.ts";
import type { Place } from "./place.ts";
import type { MemoryProcess } from "./process.ts";

/** The rest of the network, as a connection needs it. */
export interface Surroundings extends Wire {
  readonly limits: MemoryLimits;
  readonly encode: boolean;
  /** Undefined where nobody listens now. */
  placeAt(address: Address): Place | undefined;
  /** The process at an address: who listens, or who last did, or the address's own name. */
  processAt(address: Address): MemoryProcess;
  linkBetween(from: MemoryProcess, to: MemoryProcess): Link;
}

/** Who calls. */
export interface Calling {
  readonly process: MemoryProcess;
  /** The name of its certificate; undefined where it has none to show. */
  readonly shows: string | undefined;
}

/** A call without its reply, which is what its caller reads. */
class Pending extends PendingReply {
  readonly request: Envelope;
  /** Where it stands among those sent; -1 when it is not among them. */
  place = -1;

  constructor(request: Envelope) {
    super();
    this.request = request;
  }
}

type State = "connecting" | "open" | "broken";

export class Connection {
  readonly caller: MemoryProcess;
  readonly listener: MemoryProcess;
  readonly #shows: string | undefined;
  readonly #around: Surroundings;
  readonly #address: Address;
  readonly #there: Lane;
  readonly #back: Lane;
  readonly #forgotten: () => void;
  #state: State = "connecting";
  #place: Place | undefined;
  #unsent: Pending[] = [];
  /** Sent, without a reply. Each knows its place: a Set makes a new table again and again when few come and go. */
  readonly #pending: Pending[] = [];
  /** Requests taken and not answered. */
  #taken = 0;

  /** `forgotten`: the caller's end is gone; the next call needs another connection. */
  constructor(around: Surroundings, { process: caller, shows }: Calling, address: Address, forgotten: () => void) {
    this.#around = around;
    this.caller = caller;
    this.#shows = shows;
    this.listener = around.processAt(address);
    this.#address = address;
    this.#forgotten = forgotten;
    this.#there = new Lane(around, around.linkBetween(caller, this.listener), this.listener);
    this.#back = new Lane(around, around.linkBetween(this.listener, caller), caller);
    this.#shakeHands();
  }

  /** Whether both directions pass. */
  get whole(): boolean {
    return !this.#there.cut && !this.#back.cut;
  }

  get open(): boolean {
    return this.#state === "open";
  }

  /** Where it leads, once the listener has taken it. */
  get place(): Place | undefined {
    return this.#place;
  }

  call(request: Envelope): Promise<Envelope> {
    const { calls } = this.#around.limits;
    const held = this.#pending.length + this.#unsent.length;
    if (held >= calls) {
      const why = `${held} calls to ${this.#address} have no reply, the limit is ${calls}; wait for some to end`;
      return Promise.reject(new Fault("overloaded", why));
    }
    const pending = new Pending(request);
    if (this.#state === "connecting") this.#unsent.push(pending);
    else this.#send(pending);
    return pending;
  }

  /** Forgets the call with the sender and id of `cancel`, and tells the listener where it has left. */
  cancel(cancel: Envelope): void {
    this.#unsent = this.#unsent.filter(({ request }) => !isOf(cancel, request));
    let sent = false;
    for (const pending of [...this.#pending]) {
      if (isOf(cancel, pending.request) && this.#settle(pending)) sent = true;
    }
    if (sent || this.#state === "open") this.#sendCancel(cancel);
  }

  leaveAsCaller(): void {
    this.lostCaller("this end was closed");
    this.#onCallerTold("this end was closed");
  }

  leaveAsListener(): void {
    this.lostListener("the other end was closed");
    this.#onListenerTold();
  }

  /** The listener's process is gone; its computer answers for it, and still sends what it was given to send. */
  lostListener(why: string): void {
    if (this.#state === "broken") return;
    if (this.#back.cut) return this.break(why, { callerMs: this.#around.limits.silenceMs });
    this.#state = "broken";
    this.#there.break();
    this.#back.end(() => this.#onCallerTold(why));
  }

  /** The caller's process is gone. What it sent before still arrives. */
  lostCaller(why: string): void {
    if (this.#state === "broken") return;
    if (this.#there.cut) return this.break(why, { listenerMs: this.#around.limits.silenceMs });
    this.#state = "broken";
    this.#back.break();
    this.#there.end(() => this.#onListenerTold());
  }

  /** Nothing more passes. Each end is told after the delay given; undefined: it is not, because it knows or is gone. */
  break(why: string, tell: { callerMs?: number; listenerMs?: number }): void {
    if (this.#state === "broken") return;
    const wasOpen = this.#state === "open";
    this.#state = "broken";
    this.#there.break();
    this.#back.break();
    const { clock } = this.#around;
    const { callerMs, listenerMs } = tell;
    if (callerMs !== undefined) clock.after(callerMs, () => this.caller.deliver(() => this.#onCallerTold(why)));
    if (wasOpen && listenerMs !== undefined) {
      clock.after(listenerMs, () => this.listener.deliver(() => this.#onListenerTold()));
    }
  }

  // --- the caller's end

  #shakeHands(): void {
    const { clock, limits } = this.#around;
    const late = clock.after(limits.connectMs, () =>
      this.break(`${this.#address} did not answer within ${limits.connectMs} ms`, { callerMs: 0 }),
    );
    this.#there.send(() => {
      const place = this.#around.placeAt(this.#address);
      // Nobody's process, or one that stopped listening: its computer refuses.
      if (place === undefined || place.process !== this.listener) {
        late.cancel();
        return this.lostListener(`nobody listens at ${this.#address}`);
      }
      this.#place = place;
      this.#back.send(() => {
        late.cancel();
        this.#state = "open";
        for (const pending of this.#unsent.splice(0)) this.#send(pending);
      }, true);
    }, true);
  }

  #send(pending: Pending): void {
    const parcel = this.#packed(pending.request);
    if (parcel instanceof Fault) return pending.reject(parcel);
    pending.place = this.#pending.push(pending) - 1;
    this.#there.send((ageMs) => this.#onRequest(parcel, ageMs, pending));
  }

  #sendCancel(cancel: Envelope): void {
    const parcel = this.#packed(cancel);
    if (parcel instanceof Fault) return;
    this.#there.send((ageMs) => void this.#place?.take(unpack(parcel, this.listener.clock.now(), ageMs), this.#shows));
  }

  #packed(request: Envelope): Parcel | Fault {
    try {
      return pack(request, this.caller.clock.now(), this.#around.encode);
    } catch (error) {
      return error instanceof Fault ? error : new Fault("invalid", asError(error).message, { cause: error });
    }
  }

  /** Takes it from those sent; false where it was not among them. */
  #settle(pending: Pending): boolean {
    const { place } = pending;
    if (place < 0) return false;
    pending.place = -1;
    const last = this.#pending.pop();
    if (last !== undefined && last !== pending) {
      last.place = place;
      this.#pending[place] = last;
    }
    return true;
  }

  #onReply(pending: Pending, parcel: Parcel, ageMs: number): void {
    if (this.#settle(pending)) pending.resolve(unpack(parcel, this.caller.clock.now(), ageMs));
  }

  #onCallerTold(why: string): void {
    // Before anybody hears of it: who does may call again at once.
    this.#forgotten();
    for (const pending of this.#unsent.splice(0)) pending.reject(new Fault("undeliverable", why));
    for (const pending of this.#pending.splice(0)) {
      pending.place = -1;
      const { to } = pending.request;
      pending.reject(new Fault("unknown", `${to} was sent to ${this.#address} and the connection ended: ${why}`));
    }
  }

  // --- the listener's end

  #onRequest(parcel: Parcel, ageMs: number, pending: Pending): void {
    const place = this.#place;
    if (place === undefined || this.#around.placeAt(this.#address) !== place) {
      const why = new Fault("undeliverable", `${this.#address} takes no further requests`);
      return this.#back.send(() => {
        if (this.#settle(pending)) pending.reject(why);
      });
    }
    const request = unpack(parcel, this.listener.clock.now(), ageMs);
    this.#taken++;
    place.began();
    const replied = (reply: Envelope) => {
      if (this.#state === "broken") return;
      this.#taken--;
      this.#sendReply(request, reply, pending);
      place.ended(1);
    };
    // It promised never to reject; the caller is told all the same.
    const failed = ({ message }: Error) => replied(refuse(request, new Fault("internal", message)));
    readReply(place.take(request, this.#shows), { replied, failed });
  }

  #sendReply(request: Envelope, reply: Envelope, pending: Pending): void {
    const parcel = this.#packedReply(request, reply);
    this.#back.send((ageMs) => this.#onReply(pending, parcel, ageMs));
  }

  #packedReply(request: Envelope, reply: Envelope): Parcel {
    const now = this.listener.clock.now();
    try {
      return pack(reply, now, this.#around.encode);
    } catch (error) {
      const why = new Fault("internal", `the reply to ${request.to} cannot be sent: ${asError(error).message}`);
      return pack(refuse(request, why), now, this.#around.encode);
    }
  }

  #onListenerTold(): void {
    const taken = this.#taken;
    this.#taken = 0;
    this.#place?.ended(taken);
  }
}

function isOf(cancel: Envelope, request: Envelope): boolean {
  return request.id === cancel.id && request.from[0] === cancel.from[0] && request.kind !== Kind.CANCEL;
}
