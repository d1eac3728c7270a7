// One node's part in the membership protocol: hears packets, lets time pass, and says what is to be sent. No clock, no socket.
//
//   datagram ──▶ packet ──▶ statements ──▶ hearing ──▶ table, suspects, gossip
//                  └──────▶ answers ──▶ sending ──▶ datagrams
//   time ──────▶ probes, suspicions that run out ───────▲
//          └───▶ rounds: rumours, suspects, the dead and the seeds asked, tables compared
//
// SWIM: A. Das, I. Gupta, A. Motivala: "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership
// Protocol" (DSN 2002). Lifeguard: A. Dadgar, J. Phillips, J. Currey (arXiv:1707.00788, 2017).
//
// Invariants
//   M1. Only a node raises its own incarnation; whoever hears itself called anything but alive raises it at once.
//   M2. A node is counted as dead only after a suspicion of some seconds here (judge.ts), or if it was dead when first
//       heard of.
//   M3. Time in which this process stood still counts for nobody's suspicion.
//   M4. What a datagram may hold is bounded, and so is what is remembered.

import type { DatagramAddress } from "../base/datagrams.ts";
import type { Random } from "../base/random.ts";
import { Answers } from "./answers.ts";
import { Allowance, Budget } from "./budget.ts";
import { FirstContact } from "./first-contact.ts";
import { Gossip } from "./gossip.ts";
import { Hearing, type Telling } from "./hearing.ts";
import { LocalHealth } from "./local-health.ts";
import { OwnNode } from "./own-node.ts";
import type { Packet } from "./packet.ts";
import { Prober } from "./prober.ts";
import { Rounds } from "./rounds.ts";
import type { Statement, StatusStatement } from "./rumour.ts";
import { Sending } from "./sending.ts";
import type { MembershipSettings } from "./settings.ts";
import { Suspects } from "./suspects.ts";
import { SyncSchedule } from "./sync-schedule.ts";
import { type NodeRecord, Table } from "./table.ts";

/** What the shell does for the protocol. */
export interface Outside {
  send(to: DatagramAddress, packet: Uint8Array): void;
  /** To whoever listens for beacons. */
  beacon(packet: Uint8Array): void;
  /** Compares tables with this node; `synced` is told how it went. */
  sync(peer: NodeRecord): void;
}

export interface ProtocolOptions {
  readonly id: string;
  readonly incarnation: number;
  readonly address: DatagramAddress;
  readonly doors: readonly string[];
  readonly seeds: readonly DatagramAddress[];
  readonly beacon: boolean;
  readonly settings: MembershipSettings;
  readonly random: Random;
  readonly outside: Outside;
  readonly now: number;
}

/** Wrong statements in one datagram that are set right. */
const CORRECTED_AT_ONCE = 5;

/** A comparison of tables that brings more was the first, or the first after a long absence: no news for others. */
const NEWS_FROM_SYNC = 32;

/** After standing still for longer, the table is old. */
const LONG_STALL_MS = 2_000;

/** Who is told at once that this node leaves; the others hear it from them. */
const FAREWELLS = 8;

export class Protocol {
  readonly table: Table;
  readonly own: OwnNode;
  readonly health = new LocalHealth();
  readonly budget: Budget;
  readonly gossip: Gossip;
  readonly prober: Prober;
  readonly hearing: Hearing;
  readonly syncs: SyncSchedule;
  readonly #settings: MembershipSettings;
  readonly #random: Random;
  readonly #suspects: Suspects;
  readonly #sending: Sending;
  readonly #answers: Answers;
  readonly #rounds: Rounds;
  #now: number;

  constructor(options: ProtocolOptions) {
    const { id, incarnation, settings, random, outside, now } = options;
    this.#now = now;
    this.#settings = settings;
    this.#random = random;
    const deadAt = now + settings.deadProbeIntervalMs * random.float();
    this.table = new Table(id, settings.nodes);
    this.budget = new Budget(settings.budgetBytesPerSecond, now);
    this.gossip = new Gossip(this.table, this.budget);
    this.own = new OwnNode({
      ...{ id, incarnation, random, leftLifetimeMs: settings.leftLifetimeMs },
      contact: { address: options.address, doors: options.doors },
      allowance: new Allowance(settings.budgetBytesPerSecond, now),
    });
    const { table, health, own, gossip, budget } = this;
    const { send, beacon } = outside;
    this.#sending = new Sending({ table, own, gossip, budget, send, beacon });
    this.prober = new Prober({ settings, table, health, random, actions: this.#probeActions(), now });
    this.#suspects = new Suspects(settings);
    const firstContact = new FirstContact({ ...options, own: options.address });
    this.syncs = new SyncSchedule(settings, random, now);
    const [sending, prober, suspects, syncs] = [this.#sending, this.prober, this.#suspects, this.syncs];
    this.#answers = new Answers({ table, own, prober, sending, probeTimeoutMs: settings.probeTimeoutMs, now });
    this.#rounds = new Rounds({
      ...{ settings, random, table, own, gossip, sending, suspects, firstContact, syncs, deadAt, now },
      sync: outside.sync,
    });
    this.hearing = new Hearing({
      ...{ table, health, own, gossip, prober, suspects, sync: syncs, firstContact },
      returned: () => this.#rounds.returned(this.#now),
    });
    this.hearing.announce(now);
  }

  /** When there is something to do, unless something comes before. */
  get dueAt(): number {
    return Math.min(
      this.own.isLeaving ? Number.POSITIVE_INFINITY : this.prober.dueAt,
      this.#suspects.dueAt,
      this.#rounds.dueAt,
      this.#answers.dueAt,
      this.own.dueAt(this.table.live.length + 1, this.#now),
    );
  }

  receive(packet: Packet, from: DatagramAddress, now: number): void {
    this.#now = now;
    // What was sent to oneself, by an address among the seeds or through a multicast group.
    if (packet.from === this.own.id) return;
    const telling: Telling = { by: packet.from, way: "gossip", spread: true, now };
    const sender = this.table.find(packet.from);
    if (sender !== undefined) sender.heardAt = now;
    const errors: NodeRecord[] = [];
    for (const statement of packet.statements) {
      if (this.hearing.hear(statement, telling) !== "wrong" || errors.length === CORRECTED_AT_ONCE) continue;
      const record = this.table.find(statement.id);
      if (record !== undefined) errors.push(record);
    }
    this.#answers.answer(packet, from, errors, now);
    this.#rounds.schedule(now);
  }

  advance(now: number): void {
    this.#now = now;
    const live = this.table.live.length;
    const part = this.own.dueAt(live + 1, now) <= now ? this.own.publish(now) : undefined;
    if (part !== undefined) this.#publish(part);
    if (!this.own.isLeaving) this.prober.advance(now, this.budget.pressure(now));
    for (const record of this.#suspects.takeExpired(now)) {
      this.hearing.bury(record, now + this.#settings.deadLifetimeMs, now);
    }
    this.#answers.advance(now);
    this.#rounds.advance(now);
    this.#rounds.schedule(now);
  }

  /** This process did nothing for so long, though something was due. */
  stalled(byMs: number, now: number): void {
    this.#now = now;
    this.prober.stalled(byMs);
    this.#suspects.stalled(byMs);
    this.health.stalled();
    if (byMs > LONG_STALL_MS) this.syncs.soon(now);
  }

  /** What a comparison of tables taught. */
  learn(statements: readonly Statement[], by: string, now: number): void {
    this.#now = now;
    const spread = statements.length <= NEWS_FROM_SYNC;
    for (const statement of statements) this.hearing.hear(statement, { by, way: "sync", spread, now });
    this.#rounds.schedule(now);
  }

  synced(of: { succeeded: boolean; bytes: number }, now: number): void {
    this.#now = now;
    this.budget.spend(of.bytes, now);
    this.syncs.ended({ ...of, now });
  }

  /** Says that this node goes, to several at once. */
  leave(now: number): void {
    this.#now = now;
    this.own.state = "left";
    this.hearing.announce(now);
    for (const record of this.table.pick(FAREWELLS, this.#random)) {
      const to = { address: record.contact?.address, record, about: this.#sending.self };
      this.#sending.send({ kind: "gossip" }, to, now);
    }
    this.#rounds.schedule(now);
  }

  #probeActions() {
    return {
      ping: (target: NodeRecord, sequence: number, claim: StatusStatement | undefined) =>
        this.#sending.ping({ target, sequence, claim }, this.#now),
      askToPing: (proxy: NodeRecord, target: NodeRecord, sequence: number) =>
        this.#sending.askToPing({ proxy, target, sequence }, this.#now),
      failed: (target: NodeRecord) => this.hearing.accuse(target, this.#now),
    };
  }

  #publish(part: "content" | "load"): void {
    const record = this.table.find(this.own.id);
    const { id, content, load } = this.own;
    if (record === undefined || content === undefined) return;
    this.table.offerContent(record, content);
    if (part === "content") this.gossip.spread({ kind: "content", id, ...content });
    this.#sending.setLoad(load && { kind: "load", id, ...load });
    if (load === undefined) return;
    this.table.offerLoad(record, load);
    this.gossip.spread({ kind: "load", id, ...load });
  }
}
