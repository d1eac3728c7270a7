// An operator's word that a program may run with the rights of its nodes' users: signed for one archive of one program of one
// machine, kept with the version, and looked at by controllers and nodes alike.
//
// Invariants
//   T1. What its manifest alone asks for is no trust: without an operator's word it is not loaded, and not served.
//   T2. The word is worth what its giver's role is now: taken back, ended or revoked, it counts no more, and what runs by it ends.

import { isSignedBy, keyIdOf, type SigningKey } from "../keys/signing-key.ts";
import { type Allowance, refusal } from "./roles.ts";

export interface Trusted {
  readonly machine: string;
  readonly program: string;
  /** Of the archive. */
  readonly digest: string;
}

export interface TrustWord {
  /** Public key, 32 bytes. */
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

const PURPOSE = "unum machine trust 1";

export function trustBy(key: SigningKey, trusted: Trusted): TrustWord {
  return { key: key.raw, signature: key.sign(bytesOf(trusted)) };
}

/** Words that were looked at: what runs is judged again and again, by its giver's role, and its signature is checked once. */
export class TrustWords {
  /** Of what each word, which is never changed, is known to be. */
  readonly #signed = new WeakMap<TrustWord, string>();

  /** Why the word does not count; undefined where it does. `allowance`: of a key's id, here and now. */
  distrusted(
    trusted: Trusted,
    word: TrustWord | undefined,
    allowance: (id: string) => Allowance | undefined,
  ): string | undefined {
    const way = "an operator loads it, or it is packed with 'trust: confined'";
    if (word === undefined)
      return `it asks for 'trust: operator', the rights of the nodes' users, and has no operator's word; ${way}`;
    const id = keyIdOf(word.key).toString("hex");
    if (!this.#isSigned(trusted, word))
      return `it asks for 'trust: operator', and what says so is not signed by key ${id}; ${way}`;
    const refused = refusal("trust", trusted.program, allowance(id));
    return refused === undefined ? undefined : `it asks for 'trust: operator', and key ${id}: ${refused}; ${way}`;
  }

  #isSigned(trusted: Trusted, word: TrustWord): boolean {
    const text = textOf(trusted);
    if (this.#signed.get(word) === text) return true;
    if (!isSignedBy({ raw: word.key }, bytesOf(trusted), word.signature)) return false;
    this.#signed.set(word, text);
    return true;
  }
}

/** Whether it is the same word, of the same giver. */
export function isSameWord(one: TrustWord | undefined, other: TrustWord | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.compare(one.key, other.key) === 0 && Buffer.compare(one.signature, other.signature) === 0;
}

function bytesOf(trusted: Trusted): Uint8Array {
  return Buffer.from(textOf(trusted));
}

function textOf({ machine, program, digest }: Trusted): string {
  return [PURPOSE, machine, program, digest].join("\n");
}
