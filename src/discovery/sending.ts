// What goes into a datagram, and what it costs: its head, what must be said in it, and rumours in the room that is left.

import type { DatagramAddress } from "../base/datagrams.ts";
import { type Budget, HEADER_BYTES } from "./budget.ts";
import { type Gossip, statusStatement } from "./gossip.ts";
import type { OwnNode } from "./own-node.ts";
import { encodePacket, HEAD_BYTES, type PacketHead } from "./packet.ts";
import { encodeRumour, type LoadStatement, type StatusStatement } from "./rumour.ts";
import { PACKET_BYTES } from "./seal.ts";
import type { NodeRecord, Table } from "./table.ts";

export interface SendingParts {
  readonly table: Table;
  readonly own: OwnNode;
  readonly gossip: Gossip;
  readonly budget: Budget;
  readonly send: (to: DatagramAddress, packet: Uint8Array) => void;
  readonly beacon: (packet: Uint8Array) => void;
}

/** Where a datagram goes, and what is said in it whatever the budget. */
export interface Recipient {
  /** Nothing is sent where it is not known. */
  readonly address: DatagramAddress | undefined;
  /** Whose it is, where that is known. */
  readonly record?: NodeRecord | undefined;
  /** Whose state is told in any case. */
  readonly about?: readonly NodeRecord[];
  readonly claim?: StatusStatement | undefined;
  readonly withLoad?: boolean;
}

/** A greater one, of a node with many containers, travels by gossip and tables only. */
const LOAD_WITH_ACK_BYTES = 200;

export class Sending {
  readonly #parts: SendingParts;
  #loadRumour: Uint8Array | undefined;

  constructor(parts: SendingParts) {
    this.#parts = parts;
  }

  send(head: Omit<PacketHead, "from">, to: Recipient, now: number): void {
    const { address, record, about = [], claim, withLoad = false } = to;
    if (address === undefined) return;
    const { gossip, budget, own } = this.#parts;
    // Whoever is not well here is told so, and can refute.
    const told = new Set(record === undefined || isWell(record) ? about : [record, ...about]);
    const first = [...told].flatMap((each) => this.#statusRumour(each, now));
    if (claim !== undefined) first.push(encodeRumour(claim));
    // Gossip alone would leave a few with an old load until it changes again; so everybody who asks gets it.
    if (withLoad && this.#loadRumour !== undefined) first.push(this.#loadRumour);
    const rumours = gossip.fill({ roomBytes: PACKET_BYTES - HEAD_BYTES, first, now });
    const packet = encodePacket({ ...head, from: own.id }, rumours);
    budget.spend(packet.length + HEADER_BYTES, now);
    this.#parts.send(address, packet);
  }

  ping(of: { target: NodeRecord; sequence: number; claim?: StatusStatement | undefined }, now: number): void {
    const { target, sequence, claim } = of;
    const head = { kind: "ping", sequence, target: target.id } as const;
    this.send(head, { address: target.contact?.address, record: target, claim }, now);
  }

  /** The proxy learns what is said of the target, and tells it. */
  askToPing(of: { proxy: NodeRecord; target: NodeRecord; sequence: number }, now: number): void {
    const { proxy, target, sequence } = of;
    const head = { kind: "probe", sequence, target: target.id, targetAddress: target.contact?.address } as const;
    const about = isWell(target) ? [] : [target];
    this.send(head, { address: proxy.contact?.address, record: proxy, about }, now);
  }

  /** Somebody of whom only the address is known. */
  greet(address: DatagramAddress, now: number): void {
    this.send({ kind: "ping", sequence: 0 }, { address, about: this.self }, now);
  }

  /** To whoever listens for beacons. */
  beacon(now: number): void {
    const rumours = this.self.flatMap((record) => this.#statusRumour(record, now));
    this.#parts.beacon(encodePacket({ kind: "beacon", from: this.#parts.own.id }, rumours));
  }

  /** This node's load as it goes with every answer; undefined: there is none. */
  setLoad(load: LoadStatement | undefined): void {
    const rumour = load === undefined ? undefined : encodeRumour(load);
    this.#loadRumour = rumour !== undefined && rumour.length <= LOAD_WITH_ACK_BYTES ? rumour : undefined;
  }

  /** This node, where it is in its own table yet. */
  get self(): readonly NodeRecord[] {
    const { table, own } = this.#parts;
    const record = table.find(own.id);
    return record === undefined ? [] : [record];
  }

  #statusRumour(record: NodeRecord, now: number): Uint8Array[] {
    const statement = statusStatement(record, now, record.id === this.#parts.own.id);
    return statement === undefined ? [] : [encodeRumour(statement)];
  }
}

function isWell({ state }: NodeRecord): boolean {
  return state === "alive";
}
