// What a statement changes: the table, who is suspected, what is told on, and what this node must answer about itself.
//
//   statement ──▶ about this node ──▶ not true? ──▶ a later incarnation says so
//             └─▶ about another ──▶ judge ──▶ table, suspects, gossip

import type { FirstContact } from "./first-contact.ts";
import { type Gossip, statusStatement } from "./gossip.ts";
import { judge } from "./judge.ts";
import { compareContentVersion } from "./knowledge.ts";
import type { LocalHealth } from "./local-health.ts";
import type { OwnNode } from "./own-node.ts";
import type { Prober } from "./prober.ts";
import type { ContentStatement, LoadStatement, Statement, StatusStatement } from "./rumour.ts";
import { isLive, NOBODY, type Status } from "./status.ts";
import type { Suspects } from "./suspects.ts";
import type { SyncSchedule } from "./sync-schedule.ts";
import type { NodeRecord, Table } from "./table.ts";

/** Who tells it, and how. */
export interface Telling {
  readonly by: string;
  readonly way: "gossip" | "sync";
  /** Whether others are to hear of what is news here. */
  readonly spread: boolean;
  readonly now: number;
}

/** What a statement was to this node. `wrong`: it accuses somebody of whom more is known here, this node included. */
export type Effect = "news" | "nothing" | "wrong";

export interface HearingParts {
  readonly table: Table;
  readonly own: OwnNode;
  readonly gossip: Gossip;
  readonly health: LocalHealth;
  readonly prober: Prober;
  readonly suspects: Suspects;
  readonly sync: SyncSchedule;
  readonly firstContact: FirstContact;
  /** One of the dead is back. */
  readonly returned: (record: NodeRecord, now: number) => void;
}

export class Hearing {
  readonly #parts: HearingParts;
  readonly counts = { refutations: 0, suspicions: 0, deaths: 0 };

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  hear(statement: Statement, telling: Telling): Effect {
    if (statement.id === this.#parts.own.id) return this.#hearOfSelf(statement, telling);
    if (statement.kind === "status") return this.#hearStatus(statement, telling);
    const record = this.#parts.table.find(statement.id);
    // Without its state a node is nobody yet; whoever brings that brings the rest.
    if (record === undefined) return "nothing";
    return statement.kind === "content"
      ? this.#hearContent(record, statement, telling)
      : this.#hearLoad(record, statement, telling);
  }

  /** This node's probes of it went unanswered. */
  accuse(record: NodeRecord, now: number): void {
    const { own } = this.#parts;
    const incarnation = record.status?.incarnation;
    if (incarnation === undefined) return;
    const heard: Status = {
      incarnation,
      state: "suspect",
      until: Number.POSITIVE_INFINITY,
      accusers: [own.id],
    };
    const verdict = judge({ mine: record.status, heard, way: "gossip", suspectedForMs: 0, withContact: false, now });
    if (verdict.kind === "news") this.#take(record, verdict, { by: own.id, way: "gossip", spread: true, now });
  }

  /** Its suspicion ran out without refutation. */
  bury(record: NodeRecord, until: number, now: number): void {
    const { status } = record;
    if (status?.state !== "suspect") return;
    const dead: Status = { incarnation: status.incarnation, state: "dead", until, accusers: NOBODY };
    this.#take(record, { status: dead }, { by: this.#parts.own.id, way: "gossip", spread: true, now });
  }

  /** Puts what this node says of itself into its own table, and tells it. */
  announce(now: number): void {
    const { own, table, gossip } = this.#parts;
    const record = table.findOrAdd(own.id);
    if (record === undefined) return;
    const until = own.state === "left" ? now + own.leftLifetimeMs : Number.POSITIVE_INFINITY;
    table.setStatus(record, { incarnation: own.incarnation, state: own.state, until, accusers: NOBODY }, now);
    table.offerContact(record, own.contact);
    const statement = statusStatement(record, now, true);
    if (statement !== undefined) gossip.spread(statement);
  }

  #hearOfSelf(statement: Statement, { now }: Telling): Effect {
    const { own, health } = this.#parts;
    const { incarnation } = statement;
    const ofFormerLife = incarnation > own.incarnation || this.#isNewerThanOwn(statement);
    const accused = statement.kind === "status" && statement.state !== "alive";
    if (!ofFormerLife && !(accused && incarnation === own.incarnation)) {
      return statement.kind === "status" && (accused || incarnation < own.incarnation) ? "wrong" : "nothing";
    }
    // Who leaves has the last word, unless it came back.
    if (own.state === "left") return "nothing";
    own.raiseIncarnation({ incarnation, ofFormerLife });
    this.counts.refutations++;
    if (accused) health.hadToRefute();
    this.announce(now);
    return "wrong";
  }

  /** A version that this life of the node has not published. */
  #isNewerThanOwn(statement: Statement): boolean {
    if (statement.kind === "status") return false;
    const { own } = this.#parts;
    const published = own.content ?? { incarnation: own.incarnation, version: 0 };
    const version = statement.kind === "content" ? statement.version : statement.of;
    const order = compareContentVersion({ incarnation: statement.incarnation, version }, published);
    return order > 0 || (order === 0 && statement.kind === "load" && statement.version > (own.load?.version ?? 0));
  }

  #hearStatus(statement: StatusStatement, telling: Telling): Effect {
    const { table, suspects, prober } = this.#parts;
    const { now, way } = telling;
    const heard = statusOf(statement, now);
    const known = table.find(statement.id);
    const verdict = judge({
      mine: known?.status,
      heard,
      way,
      suspectedForMs: known === undefined ? 0 : suspects.suspectedForMs(known, now),
      withContact: statement.contact !== undefined,
      now,
    });
    if (verdict.kind === "doubt") prober.doubt(statement);
    if (verdict.kind !== "news") {
      if (known !== undefined) this.#meet(known, statement);
      const accuses = heard.state === "suspect" || heard.state === "dead";
      const better = known?.state === "alive" || known?.state === "left";
      return verdict.kind === "older" && accuses && better ? "wrong" : "nothing";
    }
    const record = table.findOrAdd(statement.id);
    if (record === undefined) return "nothing";
    this.#meet(record, statement);
    this.#take(record, verdict, telling);
    return "news";
  }

  /** Where it is reached, by a statement of any state. */
  #meet(record: NodeRecord, { contact, incarnation }: StatusStatement): void {
    if (contact !== undefined) this.#parts.table.offerContact(record, { ...contact, incarnation });
    if (record.place >= 0) this.#parts.prober.add(record.id);
  }

  #take(record: NodeRecord, verdict: { status: Status; withinMs?: number }, telling: Telling): void {
    const { now, spread } = telling;
    const { table, suspects, gossip, prober, firstContact } = this.#parts;
    const { status } = verdict;
    const before = record.status;
    table.setStatus(record, status, now);
    if (status.state === "suspect") {
      suspects.put(record, { nodes: table.live.length + 1, withinMs: verdict.withinMs, now });
      if (before?.state !== "suspect") this.counts.suspicions++;
    } else suspects.clear(record.id);
    if (record.place >= 0) prober.add(record.id);
    if (status.state === "dead" && before !== undefined && isLive(before.state)) this.counts.deaths++;
    if (table.live.length === 0) firstContact.alone(now);
    if (before?.state === "dead" && isLive(status.state)) this.#parts.returned(record, now);
    if (!spread || status === before) return;
    const statement = statusStatement(record, now, false);
    if (statement !== undefined) gossip.spread(statement);
  }

  #hearContent(record: NodeRecord, statement: ContentStatement, { by, spread, now }: Telling): Effect {
    const { table, sync, gossip } = this.#parts;
    const { incarnation, version, entry } = statement;
    const known = record.content ?? { incarnation: 0, version: 0 };
    if (compareContentVersion({ incarnation, version }, known) <= 0) return "nothing";
    if (entry === undefined) {
      if (sync.want(record.id, { incarnation, version }, by, now) && spread) gossip.spread(statement);
      return "news";
    }
    sync.got(record.id, { incarnation, version });
    // A copy: the bytes are part of a datagram, or of a whole table.
    const kept = Buffer.from(entry);
    table.offerContent(record, { incarnation, version, entry: kept });
    if (spread) gossip.spread({ ...statement, entry: kept });
    return "news";
  }

  #hearLoad(record: NodeRecord, statement: LoadStatement, { spread }: Telling): Effect {
    const { id: _, kind: __, ...load } = statement;
    if (!this.#parts.table.offerLoad(record, load)) return "nothing";
    if (spread) this.#parts.gossip.spread(statement);
    return "news";
  }
}

function statusOf(statement: StatusStatement, now: number): Status {
  const { incarnation, state, lifetimeMs, accusers } = statement;
  const until = isLive(state) ? Number.POSITIVE_INFINITY : now + lifetimeMs;
  return { incarnation, state, until, accusers };
}
