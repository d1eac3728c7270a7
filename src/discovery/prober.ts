// Asking one member after the other whether it is there.
//
//   ping ──▶ no answer by the time-out ──▶ k others are asked to ping ──▶ no answer by the interval's end ──▶ failed
//
// SWIM (A. Das, I. Gupta, A. Motivala, DSN 2002), section 3.1. A late direct answer counts too. Those who were asked say
// so when the target does not answer them either (nack): who says neither tells something about this node's own hearing
// (Lifeguard, section IV.A).

import type { Random } from "../base/random.ts";
import type { LocalHealth } from "./local-health.ts";
import { ProbeOrder } from "./probe-order.ts";
import type { StatusStatement } from "./rumour.ts";
import type { NodeRecord, Table } from "./table.ts";

interface Probe {
  readonly target: NodeRecord;
  /** When it was begun: an answer proves that this one was alive. */
  readonly incarnation: number;
  readonly sequence: number;
  askOthersAt: number;
  endsAt: number;
  asked: number;
  readonly heardFrom: Set<string>;
  answered: boolean;
}

export interface ProberSettings {
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly indirectProbes: number;
}

/** What the prober wants done; nothing comes back in the same turn. */
export interface ProbeActions {
  /** `claim`: what others say of the target and is doubted here. */
  ping(target: NodeRecord, sequence: number, claim: StatusStatement | undefined): void;
  askToPing(proxy: NodeRecord, target: NodeRecord, sequence: number): void;
  failed(target: NodeRecord): void;
}

export class Prober {
  readonly #settings: ProberSettings;
  readonly #table: Table;
  readonly #health: LocalHealth;
  readonly #random: Random;
  readonly #actions: ProbeActions;
  readonly #order: ProbeOrder;
  /** Asked before all others, with what is said of them. */
  readonly #doubted = new Map<string, StatusStatement>();
  #probe: Probe | undefined;
  #nextAt: number;
  #sequence: number;
  readonly counts = { probes: 0, indirect: 0, failed: 0 };

  constructor(of: {
    settings: ProberSettings;
    table: Table;
    health: LocalHealth;
    random: Random;
    actions: ProbeActions;
    now: number;
  }) {
    this.#settings = of.settings;
    this.#table = of.table;
    this.#health = of.health;
    this.#random = of.random;
    this.#actions = of.actions;
    this.#order = new ProbeOrder(of.random);
    this.#sequence = of.random.u32();
    // Nodes that start together do not ask together.
    this.#nextAt = of.now + of.random.float() * of.settings.probeIntervalMs;
  }

  get dueAt(): number {
    const probe = this.#probe;
    if (probe === undefined || probe.answered) return this.#nextAt;
    return Math.min(this.#nextAt, probe.askOthersAt);
  }

  add(id: string): void {
    this.#order.add(id);
  }

  /** Its node is asked before it is its turn, and told, so that it can refute. */
  doubt(claim: StatusStatement): void {
    this.#doubted.set(claim.id, claim);
  }

  /** A number for an answer that is waited for; never 0. */
  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0 || 1;
    return this.#sequence;
  }

  /** `pressure`: what the budget stretches the interval by. */
  advance(now: number, pressure: number): void {
    const probe = this.#probe;
    if (now >= this.#nextAt) {
      this.#end();
      this.#begin(now, pressure);
    } else if (probe !== undefined && !probe.answered && now >= probe.askOthersAt) {
      this.#askOthers(probe);
    }
  }

  answered(sequence: number): void {
    const probe = this.#probe;
    if (probe === undefined || probe.sequence !== sequence || probe.answered) return;
    probe.answered = true;
    this.#health.probeAnswered();
  }

  notAnsweredTo(proxy: string, sequence: number): void {
    if (this.#probe?.sequence === sequence) this.#probe.heardFrom.add(proxy);
  }

  /** This process stood still: what it waits for gets that time on top. */
  stalled(byMs: number): void {
    this.#nextAt += byMs;
    if (this.#probe === undefined) return;
    this.#probe.endsAt += byMs;
    if (Number.isFinite(this.#probe.askOthersAt)) this.#probe.askOthersAt += byMs;
  }

  #begin(now: number, pressure: number): void {
    const { probeIntervalMs, probeTimeoutMs } = this.#settings;
    const stretch = this.#health.factor * pressure;
    this.#nextAt = now + probeIntervalMs * stretch;
    const { target, claim } = this.#nextTarget();
    if (target?.status === undefined) {
      this.#probe = undefined;
      return;
    }
    const sequence = this.nextSequence();
    this.#probe = {
      target,
      incarnation: target.status.incarnation,
      sequence,
      askOthersAt: now + probeTimeoutMs * stretch,
      endsAt: this.#nextAt,
      asked: 0,
      heardFrom: new Set(),
      answered: false,
    };
    this.counts.probes++;
    this.#actions.ping(target, sequence, claim);
  }

  #nextTarget(): { target: NodeRecord | undefined; claim: StatusStatement | undefined } {
    for (const [id, claim] of this.#doubted) {
      this.#doubted.delete(id);
      const target = this.#table.find(id);
      if (target !== undefined && target.place >= 0) return { target, claim };
    }
    const id = this.#order.next((each) => (this.#table.find(each)?.place ?? -1) >= 0);
    return { target: id === undefined ? undefined : this.#table.find(id), claim: undefined };
  }

  #askOthers(probe: Probe): void {
    probe.askOthersAt = Number.POSITIVE_INFINITY;
    const proxies = this.#table.pick(
      this.#settings.indirectProbes,
      this.#random,
      (record) => record === probe.target || record.state !== "alive",
    );
    probe.asked = proxies.length;
    if (proxies.length > 0) this.counts.indirect++;
    for (const proxy of proxies) this.#actions.askToPing(proxy, probe.target, probe.sequence);
  }

  #end(): void {
    const probe = this.#probe;
    this.#probe = undefined;
    if (probe === undefined || probe.answered) return;
    this.counts.failed++;
    this.#health.probeFailed({
      asked: probe.asked,
      missing: probe.asked - Math.min(probe.asked, probe.heardFrom.size),
    });
    // Whoever has refuted since was heard of after all.
    if (probe.target.status?.incarnation === probe.incarnation) this.#actions.failed(probe.target);
  }
}
