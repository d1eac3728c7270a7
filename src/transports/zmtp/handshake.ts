// What two sides tell each other in READY: that they speak Unum, which wire version, how much they take, what time it is.

import type { Clock } from "../../base/clock.ts";
import { type PeerInfo, type Properties, textBytes, textProperty } from "../../zmtp/index.ts";
import { type ClockOffset, measure } from "./clock-offset.ts";
import type { Window } from "./credit.ts";

/** Raised when a peer of the older version could misread a frame. */
export const WIRE_VERSION = "2";

const WIRE = "X-Unum-Wire";
const NAME = "X-Unum-Name";
const WINDOW_MESSAGES = "X-Unum-Window-Messages";
const WINDOW_BYTES = "X-Unum-Window-Bytes";
const TIME = "X-Unum-Time";

export function introduction(self: { name: string | undefined; window: Window; clock: Clock }): Properties {
  const properties = new Map<string, Uint8Array>();
  const set = (name: string, value: string | number) => properties.set(name, textBytes(String(value)));
  set(WIRE, WIRE_VERSION);
  if (self.name !== undefined) set(NAME, self.name);
  set(WINDOW_MESSAGES, self.window.messages);
  set(WINDOW_BYTES, self.window.bytes);
  set(TIME, Math.floor(self.clock.now() * 1000));
  return properties;
}

export type Misfit = "no-wire" | "wire-version" | "bad-window";

/** Why this peer cannot be spoken to, as a key to count by and a text to tell it; undefined where it can. */
export function misfit(peer: PeerInfo): { readonly kind: Misfit; readonly text: string } | undefined {
  const version = textProperty(peer.properties, WIRE);
  if (version === undefined) {
    return {
      kind: "no-wire",
      text: `this is a socket of Unum, wire version ${WIRE_VERSION}; a plain ZeroMQ peer cannot speak to it`,
    };
  }
  if (version !== WIRE_VERSION) {
    const named = version.replace(/[^0-9A-Za-z.-]/g, "?").slice(0, 20);
    return {
      kind: "wire-version",
      text: `wire version ${named}; this side speaks ${WIRE_VERSION}: bring both to the same release of Unum`,
    };
  }
  if (windowOf(peer) === undefined) {
    return { kind: "bad-window", text: `${WINDOW_MESSAGES} and ${WINDOW_BYTES} are to be whole numbers above zero` };
  }
  return undefined;
}

/** What the peer takes. Undefined where it does not say it properly. */
export function windowOf(peer: PeerInfo): Window | undefined {
  const messages = wholeNumber(peer, WINDOW_MESSAGES);
  const bytes = wholeNumber(peer, WINDOW_BYTES);
  return messages !== undefined && bytes !== undefined && messages > 0 && bytes > 0 ? { messages, bytes } : undefined;
}

/** The first sample of the peer's clock: it wrote READY after it had our greeting, and before we got it. */
export function firstOffset(peer: PeerInfo, greetedAt: number, now: number): ClockOffset | undefined {
  const time = wholeNumber(peer, TIME);
  return time === undefined ? undefined : measure({ askedAt: greetedAt, theirTime: time / 1000, answeredAt: now });
}

/** The name the peer goes by in logs. */
export function nameOf(peer: PeerInfo): string {
  return (textProperty(peer.properties, NAME) ?? "").replace(/[^\x20-\x7e]/g, "?").slice(0, 64);
}

function wholeNumber(peer: PeerInfo, name: string): number | undefined {
  const text = textProperty(peer.properties, name);
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
