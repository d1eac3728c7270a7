// One statement about one node, as it travels: Rumour of membership.proto, by hand since every datagram has many.
//
// What enters is not believed: names, numbers and lengths have limits, and what breaks one is the Fault `invalid`.
// The generated code is the oracle in packet.test.ts.

import { addressText, type DatagramAddress, isIpAddress, readAddress } from "../base/datagrams.ts";
import { WIRE, WireReader } from "../messages/wire-reader.ts";
import { WireWriter } from "../messages/wire-writer.ts";
import { ACCUSERS, NOBODY, STATES, type State } from "./status.ts";

export type Statement = StatusStatement | ContentStatement | LoadStatement;

export interface StatusStatement {
  readonly kind: "status";
  readonly id: string;
  readonly incarnation: number;
  readonly state: State;
  /** Of the dead and those who left: how long they are still to be remembered. */
  readonly lifetimeMs: number;
  readonly accusers: readonly string[];
  readonly contact: { readonly address: DatagramAddress; readonly doors: readonly string[] } | undefined;
}

export interface ContentStatement {
  readonly kind: "content";
  readonly id: string;
  readonly incarnation: number;
  readonly version: number;
  /** Undefined: it is too large for a datagram and waits to be fetched. */
  readonly entry: Uint8Array | undefined;
}

export interface LoadStatement {
  readonly kind: "load";
  readonly id: string;
  readonly incarnation: number;
  readonly of: number;
  readonly version: number;
  readonly numbers: readonly number[];
}

/** What one rumour may hold. */
export const RUMOUR_LIMITS = {
  /** Wall-clock milliseconds as a start, and room to count for ever. */
  incarnation: 2 ** 50,
  doors: 4,
  doorBytes: 160,
  loads: 3 * 4_096 + 2,
  entryBytes: 512 * 1024,
} as const;

/** A node's name: short, and safe in logs, file names and terminals. */
export function isNodeId(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,64}$/.test(text);
}

const KINDS = ["status", "content", "load"] as const;

const TAG = {
  id: (1 << 3) | WIRE.BYTES,
  incarnation: (2 << 3) | WIRE.VARINT,
  kind: (3 << 3) | WIRE.VARINT,
  state: (4 << 3) | WIRE.VARINT,
  lifetimeMs: (5 << 3) | WIRE.VARINT,
  address: (6 << 3) | WIRE.BYTES,
  doors: (7 << 3) | WIRE.BYTES,
  accusers: (8 << 3) | WIRE.BYTES,
  version: (9 << 3) | WIRE.VARINT,
  entry: (10 << 3) | WIRE.BYTES,
  of: (11 << 3) | WIRE.VARINT,
  load: (12 << 3) | WIRE.BYTES,
} as const;

const writer = new WireWriter();

/** The caller owns the bytes; they share their memory with nothing. */
export function encodeRumour(statement: Statement): Uint8Array {
  writer.begin();
  text(TAG.id, statement.id);
  number(TAG.incarnation, statement.incarnation);
  if (statement.kind === "status") writeStatus(statement);
  else if (statement.kind === "content") writeContent(statement);
  else writeLoad(statement);
  return writer.finish().slice();
}

function writeStatus({ state, lifetimeMs, accusers, contact }: StatusStatement): void {
  number(TAG.state, STATES.indexOf(state));
  number(TAG.lifetimeMs, Math.ceil(lifetimeMs));
  if (contact !== undefined) {
    text(TAG.address, addressText(contact.address));
    for (const door of contact.doors) text(TAG.doors, door);
  }
  for (const accuser of accusers) text(TAG.accusers, accuser);
}

function writeContent({ version, entry }: ContentStatement): void {
  number(TAG.kind, 1);
  number(TAG.version, version);
  if (entry === undefined) return;
  writer.uint32(TAG.entry);
  writer.bytes(entry);
}

function writeLoad({ of, version, numbers }: LoadStatement): void {
  number(TAG.kind, 2);
  number(TAG.version, version);
  number(TAG.of, of);
  writer.uint32(TAG.load);
  const opened = writer.open();
  for (const each of numbers) writer.uint32(each);
  writer.close(opened);
}

function text(tag: number, value: string): void {
  if (value === "") return;
  writer.uint32(tag);
  writer.text(value);
}

function number(tag: number, value: number): void {
  if (value === 0) return;
  writer.uint32(tag);
  writer.uint53(value);
}

/** Throws the Fault `invalid`, and nothing else. An entry is a window on the bytes. */
export function readRumour(bytes: Uint8Array): Statement {
  const reader = new WireReader(bytes, nameOf);
  const fields = new Fields();
  while (!reader.done) fields.read(reader, reader.tag());
  return fields.statement(reader);
}

class Fields {
  id = "";
  incarnation = 0;
  kind = 0;
  state = 0;
  lifetimeMs = 0;
  address: DatagramAddress | undefined;
  doors: string[] = [];
  accusers: string[] = [];
  version = 0;
  entry: Uint8Array | undefined;
  of = 0;
  numbers: number[] = [];

  read(reader: WireReader, tag: number): void {
    switch (tag) {
      case TAG.id:
        this.id = readId(reader);
        return;
      case TAG.incarnation:
        this.incarnation = reader.uint53();
        if (this.incarnation > RUMOUR_LIMITS.incarnation) throw reader.refuse("an incarnation too great");
        return;
      case TAG.kind:
        this.kind = reader.uint32();
        return;
      case TAG.state:
        this.state = reader.uint32();
        return;
      case TAG.lifetimeMs:
        this.lifetimeMs = reader.uint53();
        return;
      case TAG.address:
        this.address = readIpAddress(reader);
        return;
      case TAG.doors:
        if (this.doors.push(reader.text(RUMOUR_LIMITS.doorBytes)) > RUMOUR_LIMITS.doors) {
          throw reader.refuse(`more than ${RUMOUR_LIMITS.doors} doors`);
        }
        return;
      case TAG.accusers:
        if (this.accusers.push(readId(reader)) > ACCUSERS) throw reader.refuse(`more than ${ACCUSERS} accusers`);
        return;
      case TAG.version:
        this.version = reader.uint53();
        return;
      case TAG.entry:
        this.entry = reader.bytes();
        if (this.entry.length > RUMOUR_LIMITS.entryBytes) throw reader.refuse("an entry too large");
        return;
      case TAG.of:
        this.of = reader.uint53();
        return;
      case TAG.load:
        this.#readLoad(reader.bytes(), reader);
        return;
      default:
        reader.skip();
    }
  }

  #readLoad(packed: Uint8Array, outer: WireReader): void {
    const reader = new WireReader(packed, () => "load");
    while (!reader.done) {
      if (this.numbers.push(reader.uint32()) > RUMOUR_LIMITS.loads) throw outer.refuse("too many loads");
    }
  }

  statement(reader: WireReader): Statement {
    const { id, incarnation, version, of, numbers } = this;
    if (id === "") throw reader.refuse("a rumour about nobody");
    const kind = KINDS[this.kind];
    if (kind === "status") return this.#status(reader);
    if (kind === undefined || version === 0) throw reader.refuse("a rumour of no known kind and version");
    const entry = this.entry?.length === 0 ? undefined : this.entry;
    if (kind === "content") return { kind, id, incarnation, version, entry };
    return { kind, id, incarnation, of, version, numbers };
  }

  #status(reader: WireReader): Statement {
    const { id, incarnation, address, doors, lifetimeMs } = this;
    const state = STATES[this.state];
    if (state === undefined) throw reader.refuse(`state ${this.state}, which is not known`);
    const accusers = state === "suspect" ? [...new Set(this.accusers)].sort() : NOBODY;
    const contact = address === undefined ? undefined : { address, doors };
    return { kind: "status", id, incarnation, state, lifetimeMs, accusers, contact };
  }
}

/** At the reader's place. */
export function readId(reader: WireReader): string {
  const id = reader.text(64);
  if (!isNodeId(id)) throw reader.refuse("a node's id with other characters than A-Z a-z 0-9 . _ -");
  return id;
}

/** At the reader's place. A name would have to be looked up, for whoever sent it. */
export function readIpAddress(reader: WireReader): DatagramAddress {
  const address = readAddress(reader.text(64));
  if (address === undefined || !isIpAddress(address.host)) throw reader.refuse("an address that is not IP:PORT");
  return address;
}

function nameOf(tag: number): string {
  return `field ${tag >>> 3} of a rumour`;
}
