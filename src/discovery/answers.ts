// What a packet is answered with: a ping with an ack, a probe with a ping for another, what is wrong with what is known.

import type { DatagramAddress } from "../base/datagrams.ts";
import type { OwnNode } from "./own-node.ts";
import type { Packet } from "./packet.ts";
import type { Prober } from "./prober.ts";
import { Relays } from "./relays.ts";
import type { Sending } from "./sending.ts";
import type { NodeRecord, Table } from "./table.ts";

export interface AnswersParts {
  readonly table: Table;
  readonly own: OwnNode;
  readonly prober: Prober;
  readonly sending: Sending;
  readonly probeTimeoutMs: number;
  readonly now: number;
}

/** Datagrams that say nothing but what is wrong in what their receiver said. */
const CORRECTIONS_PER_SECOND = 20;

export class Answers {
  readonly #parts: AnswersParts;
  readonly #relays = new Relays();
  #corrections = CORRECTIONS_PER_SECOND;
  #correctionsAt: number;

  constructor(parts: AnswersParts) {
    this.#parts = parts;
    this.#correctionsAt = parts.now;
  }

  get dueAt(): number {
    return this.#relays.dueAt;
  }

  /** Those for whom somebody was asked in vain hear that. */
  advance(now: number): void {
    for (const { asker, sequence } of this.#relays.advance(now)) {
      this.#parts.sending.send({ kind: "nack", sequence }, { address: asker }, now);
    }
  }

  /** `errors`: of whom the packet says what is known better here, this node included. */
  answer(packet: Packet, from: DatagramAddress, errors: readonly NodeRecord[], now: number): void {
    const { table, own, prober, sending } = this.#parts;
    const sender = table.find(packet.from);
    switch (packet.kind) {
      case "ping":
        if (packet.target === "" || packet.target === own.id) this.#acknowledge(packet, from, errors, now);
        return;
      case "ack":
        this.#acknowledged(packet, from, now);
        return;
      case "nack":
        prober.notAnsweredTo(packet.from, packet.sequence);
        return;
      case "probe":
        this.#relay(packet, from, now);
        if (errors.length > 0) this.#correct(from, sender, errors, now);
        return;
      case "beacon":
        if (sender === undefined || sender.place < 0) sending.greet(from, now);
        return;
      case "gossip":
        if (errors.length > 0 || sender?.state === "dead") this.#correct(from, sender, errors, now);
    }
  }

  #acknowledge(packet: Packet, from: DatagramAddress, errors: readonly NodeRecord[], now: number): void {
    const { sequence, target, from: id } = packet;
    const { table, sending } = this.#parts;
    const record = table.find(id);
    const who = record?.contact === undefined;
    const about = target === "" ? [...errors, ...sending.self] : errors;
    sending.send({ kind: "ack", sequence, who }, { address: from, record, about, withLoad: true }, now);
  }

  #acknowledged({ sequence, who, from: id }: Packet, from: DatagramAddress, now: number): void {
    const { table, prober, sending } = this.#parts;
    if (sequence !== 0) {
      prober.answered(sequence);
      const relay = this.#relays.take(sequence);
      if (relay !== undefined) sending.send({ kind: "ack", sequence: relay.sequence }, { address: relay.asker }, now);
    }
    if (who) sending.send({ kind: "gossip" }, { address: from, record: table.find(id), about: sending.self }, now);
  }

  #relay({ sequence, target, targetAddress }: Packet, asker: DatagramAddress, now: number): void {
    if (targetAddress === undefined) return;
    const { table, prober, sending, probeTimeoutMs } = this.#parts;
    const own = prober.nextSequence();
    // In time to be heard before the asker gives up at twice its time-out.
    const nackAfterMs = probeTimeoutMs * 0.8;
    if (!this.#relays.add(own, { asker, sequence, nackAfterMs, now })) return;
    sending.send({ kind: "ping", sequence: own, target }, { address: targetAddress, record: table.find(target) }, now);
  }

  #correct(address: DatagramAddress, record: NodeRecord | undefined, about: readonly NodeRecord[], now: number): void {
    const gained = ((now - this.#correctionsAt) / 1000) * CORRECTIONS_PER_SECOND;
    this.#corrections = Math.min(CORRECTIONS_PER_SECOND, this.#corrections + gained);
    this.#correctionsAt = now;
    if (this.#corrections < 1) return;
    this.#corrections--;
    this.#parts.sending.send({ kind: "gossip" }, { address, record, about }, now);
  }
}
