// An envelope between two processes of the pretended network: its time to live counted down, its bytes real where asked.

import type { Envelope } from "../../messages/envelope.ts";
import { decodeEnvelope } from "../../messages/envelope-decoder.ts";
import { encodeEnvelope } from "../../messages/envelope-encoder.ts";

/** Bytes as on a real wire, or a copy whose deadline is what is left of its time to live. Unpacked once. */
export type Parcel = Uint8Array | Envelope;

/** `encode`: through the codec, which refuses what a wire would refuse. Throws the Fault `invalid`. */
export function pack(envelope: Envelope, now: number, encode: boolean): Parcel {
  if (encode) return encodeEnvelope(envelope, now);
  const copy = { ...envelope };
  copy.deadline -= now;
  return copy;
}

/** `ageMs`: how much longer it took than the receiver knows of. Taken off the time to live. */
export function unpack(parcel: Parcel, now: number, ageMs: number): Envelope {
  if (parcel instanceof Uint8Array) {
    const envelope = decodeEnvelope(parcel, now);
    envelope.deadline -= ageMs;
    return envelope;
  }
  parcel.deadline += now - ageMs;
  return parcel;
}
