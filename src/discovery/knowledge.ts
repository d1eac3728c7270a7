// All that is known of one node, in four parts that are told, lost and renewed independently of each other.
//
// The fourth is the status (status.ts). Each part has a total order of its own in which the greater counts, so that
// together they merge associatively, commutatively and idempotently: a product of semilattices (table.test.ts).

import type { DatagramAddress } from "../base/datagrams.ts";

/** Where a node is reached. Fixed within an incarnation. */
export interface Contact {
  readonly incarnation: number;
  readonly address: DatagramAddress;
  /** Its control addresses, as transports read them. */
  readonly doors: readonly string[];
}

/** What a node has to offer: an encoded Entry. */
export interface Content {
  readonly incarnation: number;
  /** Counted by the node within the incarnation, from 1. */
  readonly version: number;
  readonly entry: Uint8Array;
}

/** The numbers in the entry that change with every call. */
export interface Load {
  readonly incarnation: number;
  /** The version of the content whose containers are meant. */
  readonly of: number;
  /** Counted within that. */
  readonly version: number;
  /** Spares, then waiting, running, free of each container in the entry's order. */
  readonly numbers: readonly number[];
}

/** Two of one incarnation can only be of two nodes with one id; then the text decides, so that all agree on one. */
export function compareContact(a: Contact, b: Contact): number {
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation;
  return (
    compareTexts(a.address.host, b.address.host) ||
    a.address.port - b.address.port ||
    compareLists(a.doors, b.doors, compareTexts)
  );
}

export function compareContent(a: Content, b: Content): number {
  return compareContentVersion(a, b) || Buffer.compare(a.entry, b.entry);
}

export function compareContentVersion(a: Pick<Content, "incarnation" | "version">, b: typeof a): number {
  return a.incarnation - b.incarnation || a.version - b.version;
}

export function compareLoad(a: Load, b: Load): number {
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation;
  return a.of - b.of || a.version - b.version || compareLists(a.numbers, b.numbers, (one, other) => one - other);
}

function compareLists<T>(a: readonly T[], b: readonly T[], compare: (a: T, b: T) => number): number {
  for (const [place, one] of a.entries()) {
    const other = b[place];
    if (other === undefined) return 1;
    const order = compare(one, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
