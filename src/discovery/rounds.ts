// What a node does now and then, whoever says what meanwhile: asks suspects, the dead and seeds, forgets, compares tables,
// spreads rumours.

import { addressText } from "../base/datagrams.ts";
import type { Random } from "../base/random.ts";
import type { FirstContact } from "./first-contact.ts";
import type { Gossip } from "./gossip.ts";
import type { OwnNode } from "./own-node.ts";
import type { Sending } from "./sending.ts";
import type { MembershipSettings } from "./settings.ts";
import type { Suspects } from "./suspects.ts";
import type { SyncSchedule } from "./sync-schedule.ts";
import type { NodeRecord, Table } from "./table.ts";

export interface RoundsParts {
  readonly settings: MembershipSettings;
  readonly random: Random;
  readonly table: Table;
  readonly own: OwnNode;
  readonly gossip: Gossip;
  readonly sending: Sending;
  readonly suspects: Suspects;
  readonly firstContact: FirstContact;
  readonly syncs: SyncSchedule;
  /** Compares tables with this node. */
  readonly sync: (peer: NodeRecord) => void;
  /** When one of the dead is asked first. */
  readonly deadAt: number;
  readonly now: number;
}

/**
 * Whoever is suspected is asked this often, directly and through one other, by about SUSPECT_ASKERS of those who heard of
 * it, until it has refuted: the buddy system does not wait for the suspect's turn.
 */
const SUSPECTS_EVERY_MS = 500;
const SUSPECT_ASKERS = 10;
/** Whoever was heard so short a time ago can probably be reached. */
const RECENT_MS = 10_000;
/** Suspects asked at a time. */
const SUSPECTS_AT_ONCE = 20;

/** After a dead one came back, the next is asked soon: the more of a network has grown together, the faster it goes on. */
const NEXT_DEAD_MS = 200;

const FORGET_EVERY_MS = 10_000;

export class Rounds {
  readonly #parts: RoundsParts;
  #gossipAt = Number.POSITIVE_INFINITY;
  #suspectsAt = Number.POSITIVE_INFINITY;
  #deadAt: number;
  #forgetAt: number;

  constructor(parts: RoundsParts) {
    this.#parts = parts;
    this.#deadAt = parts.deadAt;
    this.#forgetAt = parts.now + FORGET_EVERY_MS;
  }

  /** When there is something to do, unless something comes before. */
  get dueAt(): number {
    const { firstContact, syncs } = this.#parts;
    return Math.min(this.#gossipAt, this.#suspectsAt, this.#deadAt, this.#forgetAt, firstContact.dueAt, syncs.dueAt);
  }

  advance(now: number): void {
    const { firstContact, syncs } = this.#parts;
    if (now >= this.#suspectsAt) this.#askSuspects(now);
    if (now >= this.#deadAt) this.#askDead(now);
    if (now >= this.#forgetAt) this.#forget(now);
    if (now >= firstContact.dueAt) this.#contact(now);
    if (now >= syncs.dueAt) this.#beginSync(now);
    if (now >= this.#gossipAt) this.#spread(now);
  }

  /** After whatever happened: there may be something to tell now, or somebody to ask. */
  schedule(now: number): void {
    const { gossip, table, suspects, settings, random } = this.#parts;
    if (this.#gossipAt === Number.POSITIVE_INFINITY && gossip.size > 0 && table.live.length > 0) {
      this.#gossipAt = now + settings.gossipIntervalMs * (0.75 + random.float() / 2);
    }
    if (suspects.size === 0) this.#suspectsAt = Number.POSITIVE_INFINITY;
    else if (this.#suspectsAt === Number.POSITIVE_INFINITY) {
      this.#suspectsAt = now + SUSPECTS_EVERY_MS * random.float();
    }
  }

  /** One of the dead is back. */
  returned(now: number): void {
    const { random, syncs } = this.#parts;
    this.#deadAt = Math.min(this.#deadAt, now + NEXT_DEAD_MS * (0.5 + random.float()));
    syncs.soon(now);
  }

  #askSuspects(now: number): void {
    const { table, suspects, random, sending } = this.#parts;
    const chance = SUSPECT_ASKERS / (table.live.length + 1);
    const asked = suspects.list().filter(({ place }) => place >= 0 && random.float() < chance);
    for (const target of asked.slice(0, SUSPECTS_AT_ONCE)) {
      sending.ping({ target, sequence: 0 }, now);
      const silent = ({ state, heardAt }: NodeRecord) => state !== "alive" || now - heardAt > RECENT_MS;
      const [proxy] = table.pick(1, random, silent);
      if (proxy !== undefined) sending.askToPing({ proxy, target, sequence: 0 }, now);
    }
    this.#suspectsAt = now + SUSPECTS_EVERY_MS;
  }

  #askDead(now: number): void {
    const { table, random, own, sending, settings } = this.#parts;
    const dead = [...table.records()].filter(({ state, contact }) => state === "dead" && contact !== undefined);
    const target = dead[random.below(Math.max(1, dead.length))];
    if (target !== undefined && !own.isLeaving) sending.ping({ target, sequence: 0 }, now);
    this.#deadAt = now + settings.deadProbeIntervalMs * (0.5 + random.float());
  }

  #forget(now: number): void {
    const { table, own } = this.#parts;
    for (const record of table.records()) {
      if (record.id !== own.id && (record.status?.until ?? 0) <= now) table.forget(record);
    }
    this.#forgetAt = now + FORGET_EVERY_MS;
  }

  #contact(now: number): void {
    const { table, own, firstContact, sending } = this.#parts;
    const known = () => new Set(table.live.flatMap(({ contact }) => (contact ? [addressText(contact.address)] : [])));
    const alone = table.live.length === 0;
    const { ping, beacon } = firstContact.advance(now, known, alone);
    if (own.isLeaving) return;
    for (const seed of ping) sending.greet(seed, now);
    if (beacon) sending.beacon(now);
  }

  #beginSync(now: number): void {
    const { table, random, own, syncs, sync } = this.#parts;
    const preferred = syncs
      .begin()
      .map((id) => table.find(id))
      .find((record) => record !== undefined && record.place >= 0 && record.contact?.doors.length !== 0);
    const [peer] = preferred ? [preferred] : table.pick(1, random, ({ contact }) => contact?.doors.length === 0);
    if (peer === undefined || own.isLeaving) syncs.nobody(now);
    else sync(peer);
  }

  #spread(now: number): void {
    const { table, random, gossip, sending, settings } = this.#parts;
    this.#gossipAt = Number.POSITIVE_INFINITY;
    for (const record of table.pick(settings.gossipFanout, random)) {
      if (!gossip.hasSome(now)) return;
      sending.send({ kind: "gossip" }, { address: record.contact?.address, record }, now);
    }
  }
}
