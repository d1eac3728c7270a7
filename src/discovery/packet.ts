// The contents of one datagram: Packet of membership.proto, by hand, within limits.

import { addressText, type DatagramAddress } from "../base/datagrams.ts";
import { WIRE, WireReader } from "../messages/wire-reader.ts";
import { WireWriter } from "../messages/wire-writer.ts";
import { readId, readIpAddress, readRumour, type Statement } from "./rumour.ts";

/** In the order of PacketKind. */
const KINDS = ["gossip", "ping", "ack", "probe", "nack", "beacon"] as const;
type PacketKind = (typeof KINDS)[number];

export interface PacketHead {
  readonly kind: PacketKind;
  readonly from: string;
  /** Given back by an answer; 0 where none is waited for. */
  readonly sequence?: number;
  /** Of a ping: who is meant, "" where only the address is known. Of a probe: who is to be pinged. */
  readonly target?: string;
  readonly targetAddress?: DatagramAddress | undefined;
  /** Of an ack: who are you? */
  readonly who?: boolean;
}

export interface Packet extends Required<PacketHead> {
  readonly statements: readonly Statement[];
}

/** Each rumour has at least 5 bytes, so a datagram cannot hold more by much. */
const RUMOURS = 256;

const TAG = {
  kind: (1 << 3) | WIRE.VARINT,
  from: (2 << 3) | WIRE.BYTES,
  sequence: (3 << 3) | WIRE.VARINT,
  target: (4 << 3) | WIRE.BYTES,
  targetAddress: (5 << 3) | WIRE.BYTES,
  who: (6 << 3) | WIRE.VARINT,
  rumours: (7 << 3) | WIRE.BYTES,
} as const;

/** Tag and length before a rumour that fits a datagram. */
export const RUMOUR_HEAD_BYTES = 3;

/** More than any packet's head needs: kind, two ids, sequence, address, flag. */
export const HEAD_BYTES = 2 + 66 + 6 + 66 + 66 + 2;

const writer = new WireWriter();

/** The caller owns the bytes; they share their memory with others'. */
export function encodePacket(packet: PacketHead, rumours: readonly Uint8Array[]): Uint8Array {
  writer.begin();
  const { kind, from, sequence = 0, target = "", targetAddress, who = false } = packet;
  const place = KINDS.indexOf(kind);
  if (place > 0) {
    writer.uint32(TAG.kind);
    writer.uint32(place);
  }
  writer.uint32(TAG.from);
  writer.text(from);
  if (sequence !== 0) {
    writer.uint32(TAG.sequence);
    writer.uint32(sequence);
  }
  if (target !== "") {
    writer.uint32(TAG.target);
    writer.text(target);
  }
  if (targetAddress !== undefined) {
    writer.uint32(TAG.targetAddress);
    writer.text(addressText(targetAddress));
  }
  if (who) {
    writer.uint32(TAG.who);
    writer.uint32(1);
  }
  for (const rumour of rumours) {
    writer.uint32(TAG.rumours);
    writer.bytes(rumour);
  }
  return writer.finish();
}

/** Throws the Fault `invalid`, and nothing else. Entries in it are windows on the bytes. */
export function readPacket(bytes: Uint8Array): Packet {
  const reader = new WireReader(bytes, (tag) => `field ${tag >>> 3} of a packet`);
  let kind: PacketKind | undefined = "gossip";
  let from = "";
  let sequence = 0;
  let target = "";
  let targetAddress: DatagramAddress | undefined;
  let who = false;
  const statements: Statement[] = [];
  while (!reader.done) {
    switch (reader.tag()) {
      case TAG.kind:
        kind = KINDS[reader.uint32()];
        if (kind === undefined) throw reader.refuse("a kind that is not known");
        break;
      case TAG.from:
        from = readId(reader);
        break;
      case TAG.sequence:
        sequence = reader.uint32();
        break;
      case TAG.target:
        target = readId(reader);
        break;
      case TAG.targetAddress:
        targetAddress = readIpAddress(reader);
        break;
      case TAG.who:
        who = reader.bool();
        break;
      case TAG.rumours:
        if (statements.length === RUMOURS) throw reader.refuse(`more than ${RUMOURS} rumours`);
        statements.push(readRumour(reader.bytes()));
        break;
      default:
        reader.skip();
    }
  }
  if (from === "") throw reader.refuse("a packet from nobody");
  if (kind === "probe" && (target === "" || targetAddress === undefined)) throw reader.refuse("a probe of nobody");
  return { kind, from, sequence, target, targetAddress, who, statements };
}
