// Join tokens: what a computer shows to be let in once, and by what it knows the machine that lets it in.
//
//   ID.SECRET.ROOT      ROOT: the hash of the machine's root certificate

import { createHash, timingSafeEqual } from "node:crypto";
import { Fault } from "../../base/fault.ts";

export interface JoinToken {
  readonly id: string;
  readonly secret: string;
  readonly root: string;
}

const TOKEN = /^([a-z0-9]{4,32})\.([A-Za-z0-9_-]{22,64})\.([A-Za-z0-9_-]{43})$/;

export function tokenText({ id, secret, root }: JoinToken): string {
  return `${id}.${secret}.${root}`;
}

/** Throws the Fault `invalid` where the text is none. */
export function readToken(text: string): JoinToken {
  const [, id, secret, root] = TOKEN.exec(text.trim()) ?? [];
  if (id === undefined || secret === undefined || root === undefined) {
    throw new Fault("invalid", `'${text.slice(0, 20)}' is no join token; 'unum token' at a controller prints one`);
  }
  return { id, secret, root };
}

export function secretHash(secret: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(secret).digest());
}

/** In the same time whether or not it is. */
export function isSecretOf(hash: Uint8Array, secret: string): boolean {
  const given = secretHash(secret);
  return hash.length === given.length && timingSafeEqual(hash, given);
}
