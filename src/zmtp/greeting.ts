// The first 64 bytes each side sends: that it speaks ZMTP, which version, which security mechanism.
//
//   FF · 8 bytes of padding · 7F │ major · minor │ mechanism, 20 bytes │ as-server │ 31 bytes of filler
//
// RFC 37/ZMTP 3.1, and 23/ZMTP 3.0, which has the same greeting. Only the NULL mechanism is spoken.

import { ZmtpFault } from "./zmtp-fault.ts";

export const GREETING_BYTES = 64;

const MAJOR = 3;
const MINOR = 1;
const MECHANISM = "NULL";
const MECHANISM_AT = 12;
const MECHANISM_BYTES = 20;

/** Sent by both sides as soon as the stream stands. */
export function greeting(): Uint8Array {
  const bytes = new Uint8Array(GREETING_BYTES);
  bytes[0] = 0xff;
  // Read as a ZMTP 1.0 frame the padding is a length of 1, which is what libzmq sends too.
  bytes[8] = 0x01;
  bytes[9] = 0x7f;
  bytes[10] = MAJOR;
  bytes[11] = MINOR;
  for (let i = 0; i < MECHANISM.length; i++) bytes[MECHANISM_AT + i] = MECHANISM.charCodeAt(i);
  return bytes;
}

/** What is wrong with the first `length` bytes of a greeting, as soon as it can be seen. */
export function greetingFault(bytes: Uint8Array, length: number): ZmtpFault | undefined {
  if (length > 0 && bytes[0] !== 0xff) {
    return new ZmtpFault(
      "not-zmtp",
      `the first byte is ${hex(bytes[0])}, expected 0xff: the peer does not speak ZMTP 2 or later`,
    );
  }
  // ZMTP 2.0 and later have an odd byte here; in ZMTP 1.0 it is the flags of the identity frame.
  if (length > 9 && bytes[9] !== 0x7f) {
    return new ZmtpFault(
      "not-zmtp",
      `byte 9 is ${hex(bytes[9])}, expected 0x7f: the peer does not speak ZMTP 2 or later`,
    );
  }
  const major = bytes[10] ?? 0;
  if (length > 10 && major < MAJOR) {
    // ZMTP 2.0 sends its revision, 1, where later versions send their major number.
    return new ZmtpFault("version", `the peer speaks ZMTP ${major <= 1 ? "2.0" : `${major}.x`}, expected 3.0 or later`);
  }
  if (length >= MECHANISM_AT + MECHANISM_BYTES) {
    const mechanism = mechanismOf(bytes);
    if (mechanism !== MECHANISM) {
      return new ZmtpFault("mechanism", `the peer asks for security mechanism '${mechanism}', expected '${MECHANISM}'`);
    }
  }
  return undefined;
}

/** Of a whole greeting: the version both sides speak from now on, 0 or 1 after the 3. */
export function minorOf(bytes: Uint8Array): number {
  return bytes[10] === MAJOR ? Math.min(bytes[11] ?? 0, MINOR) : MINOR;
}

function mechanismOf(bytes: Uint8Array): string {
  let name = "";
  for (let i = MECHANISM_AT; i < MECHANISM_AT + MECHANISM_BYTES && bytes[i] !== 0; i++) {
    const code = bytes[i] ?? 0;
    name += code > 0x20 && code < 0x7f ? String.fromCharCode(code) : "?";
  }
  // Whatever follows the first zero byte must be zero too.
  for (let i = MECHANISM_AT + name.length; i < MECHANISM_AT + MECHANISM_BYTES; i++)
    if (bytes[i] !== 0) return `${name}?`;
  return name;
}

function hex(byte: number | undefined): string {
  return `0x${(byte ?? 0).toString(16).padStart(2, "0")}`;
}
