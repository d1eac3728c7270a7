// What travels above ZMTP: each message is one frame, a type and its content.
//
//   REQUEST  type │ sent at, 8 bytes │ sequence, 8 bytes │ envelope      the caller's side to the listener's
//   REPLY    type │ sent at          │ sequence          │ envelope      back, with the sequence of its request
//   REFUSAL  type │ sent at          │ sequence          │ envelope      instead of a REPLY: it was never handed on, and why
//   CANCEL   type │ sent at          │ sequence          │ envelope      needs no credit and has no reply
//   CREDIT   type │ messages         │ bytes                            so much more may be sent
//   TICK     type │ own time                                            what does your clock say?
//   TOCK     type │ the TICK's time  │ own time
//   BYE      type                                                       no REQUEST follows; or: send none any more
//   SILENCE  type │ for so long, 8 bytes                                until then my silence is no sign of my death; 0: it is again
//
// Numbers are whole, least significant byte first, at most 2^53 - 1. Times are microseconds of the sender's Clock.
// Hot path (bench/zmtp-loopback.ts).

export const FRAME = {
  request: 1,
  reply: 2,
  refusal: 3,
  cancel: 4,
  credit: 5,
  tick: 6,
  tock: 7,
  bye: 8,
  silence: 9,
} as const;

/** Bytes before the envelope. */
export const HEAD_BYTES = 17;

/** Type and two numbers, into `into`, which has HEAD_BYTES. */
export function writeHead(into: Uint8Array, type: number, first: number, second: number): void {
  into[0] = type;
  writeNumber(into, 1, first);
  writeNumber(into, 9, second);
}

export function writeNumber(into: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32);
  const low = value >>> 0;
  into[at] = low;
  into[at + 1] = low >>> 8;
  into[at + 2] = low >>> 16;
  into[at + 3] = low >>> 24;
  into[at + 4] = high;
  into[at + 5] = high >>> 8;
  into[at + 6] = high >>> 16;
  into[at + 7] = high >>> 24;
}

/** The caller has seen that eight bytes are there. What is above 2^53 comes out as some number above 2^53. */
export function readNumber(from: Uint8Array, at: number): number {
  return word(from, at) + word(from, at + 4) * 2 ** 32;
}

function word(from: Uint8Array, at: number): number {
  return (
    ((from[at] as number) |
      ((from[at + 1] as number) << 8) |
      ((from[at + 2] as number) << 16) |
      ((from[at + 3] as number) << 24)) >>>
    0
  );
}
