// Figures of a run while it goes on: what is shown, logged and reported.

import type { Clock } from "../../base/clock.ts";
import type { Archipelago } from "../../islands/archipelago/archipelago.ts";
import type { Recorded } from "../../islands/archipelago/ask-once.ts";
import type { SliceReply } from "../../islands/archipelago/host.ts";
import { NOT_EVALUATED } from "../../islands/engines/engine.ts";
import type { RunRecord } from "./run-store.ts";

export interface IslandLive {
  readonly name: string;
  readonly engine: string;
  readonly epoch: number;
  readonly evaluations: number;
  readonly best: number;
  readonly spread: number;
  readonly restarts: number;
  readonly received: number;
  readonly sent: number;
  readonly stale: number;
  readonly quarantined: number;
  readonly pid: number | undefined;
  readonly container: string | undefined;
  /** Where other computers take part: the node it was on last. */
  readonly on?: string | undefined;
  /** The engine's own, energy among them. */
  readonly own: Readonly<Record<string, number>>;
}

export interface Live {
  readonly run: string;
  readonly node: string;
  readonly pid: number;
  readonly state: "running" | "stopped" | "done";
  /** ISO 8601. */
  readonly at: string;
  /** Spent on it, also before it was resumed. */
  readonly seconds: number;
  readonly epoch: number;
  readonly evaluations: number;
  readonly perSecond: number;
  readonly best: number;
  readonly target: number | undefined;
  readonly migrations: number;
  readonly recoveries: number;
  readonly quarantined: number;
  /** Of a proposer: questions, those of them that were answered from what was written down, candidates, and what answers cost. */
  readonly proposals: {
    readonly asked: number;
    readonly known: number;
    readonly candidates: number;
    readonly cost: number;
  };
  readonly checkpoint: { readonly version: number; readonly epoch: number } | undefined;
  readonly islands: readonly IslandLive[];
}

/** Who worked on a slice; `node` where it is not of the run's own. */
export interface Host {
  readonly container: string;
  readonly pid: number;
  readonly node?: string | undefined;
}

/** Evaluations a second are those of this long. */
const RATE_MS = 2_000;

/** Where nothing could be evaluated, nothing is best. */
function evaluated(best: number | undefined): number {
  return best === undefined || best === NOT_EVALUATED ? Number.POSITIVE_INFINITY : best;
}

export class Figures {
  readonly #record: RunRecord;
  readonly #archipelago: Archipelago;
  readonly #clock: Clock;
  readonly #began: number;
  /** Before it was resumed. */
  readonly #secondsBefore: number;
  readonly #where = new Map<string, Host>();
  readonly #quarantined = new Map<number, number>();
  readonly #engines = new Map<number, string>();
  /** By their id, all that have served and are not known to be gone. */
  readonly #hosts = new Map<string, Host>();
  #recoveries = 0;
  #proposals: Live["proposals"] = { asked: 0, known: 0, candidates: 0, cost: 0 };
  #checkpoint: Live["checkpoint"];
  #state: Live["state"] = "running";
  #marks: { readonly at: number; readonly evaluations: number }[] = [];

  constructor(record: RunRecord, archipelago: Archipelago, clock: Clock, secondsBefore = 0) {
    this.#record = record;
    this.#archipelago = archipelago;
    this.#clock = clock;
    this.#began = clock.now();
    this.#secondsBefore = secondsBefore;
  }

  /** The engine that the island ran until this slice, where it is another now. */
  told(island: number, { quarantinedCount, figures: { engine } }: SliceReply): string | undefined {
    this.#quarantined.set(island, quarantinedCount);
    const before = this.#engines.get(island);
    this.#engines.set(island, engine);
    return before === engine ? undefined : before;
  }

  served(island: string, host: Host): void {
    this.#where.set(island, host);
    this.#hosts.set(host.container, host);
  }

  /** A slice was lost with its host; `why` names it by its address, where that has its id. */
  recovered(island: string, why: string): void {
    const named = [...this.#hosts.keys()].find((container) => why.includes(container));
    this.#hosts.delete(named ?? this.#where.get(island)?.container ?? "");
    this.#recoveries++;
  }

  /** Something was lost with nothing of an island in it. */
  restored(): void {
    this.#recoveries++;
  }

  /** Hosts that have ended since this was asked last, between slices, so that nobody noticed. */
  lost(isThere: (host: Host) => boolean): readonly Host[] {
    const gone = [...this.#hosts.values()].filter((host) => !isThere(host));
    for (const { container } of gone) this.#hosts.delete(container);
    this.#recoveries += gone.length;
    return gone;
  }

  proposed({ rows, cost }: Pick<Recorded, "rows" | "cost">, known: boolean): void {
    const { asked, known: before, candidates, cost: spent } = this.#proposals;
    this.#proposals = {
      asked: asked + 1,
      known: before + (known ? 1 : 0),
      candidates: candidates + rows.length,
      cost: spent + (known ? 0 : cost),
    };
  }

  checkpointed(version: number, epoch: number): void {
    this.#checkpoint = { version, epoch };
  }

  ended(state: Live["state"]): void {
    this.#state = state;
  }

  live(): Live {
    const now = this.#clock.now();
    const islands = this.#archipelago.seats.map((seat, i): IslandLive => {
      const name = this.#record.plan.islands[i] ?? String(i);
      const where = this.#where.get(name);
      return {
        name,
        engine: seat.engine,
        epoch: seat.epochs,
        evaluations: seat.figures?.evaluations ?? 0,
        best: evaluated(seat.figures?.best),
        spread: seat.figures?.spread ?? 1,
        restarts: seat.figures?.restarts ?? 1,
        ...{ received: seat.received, sent: seat.sent, stale: seat.stale },
        quarantined: this.#quarantined.get(i) ?? 0,
        ...{ pid: where?.pid, container: where?.container, on: where?.node },
        own: seat.figures?.own ?? {},
      };
    });
    const sum = (of: (island: IslandLive) => number) => islands.reduce((all, each) => all + of(each), 0);
    const evaluations = sum((each) => each.evaluations);
    return {
      ...{ run: this.#record.name, node: this.#record.node, pid: process.pid, state: this.#state },
      at: new Date(this.#clock.wallNow()).toISOString(),
      seconds: this.#secondsBefore + (now - this.#began) / 1_000,
      epoch: this.#archipelago.epoch,
      ...{ evaluations, perSecond: this.#rate(now, evaluations) },
      best: Math.min(...islands.map(({ best }) => best)),
      target: this.#record.plan.target,
      migrations: sum((each) => each.received),
      recoveries: this.#recoveries,
      quarantined: sum((each) => each.quarantined),
      proposals: this.#proposals,
      checkpoint: this.#checkpoint,
      islands,
    };
  }

  #rate(now: number, evaluations: number): number {
    this.#marks.push({ at: now, evaluations });
    while (this.#marks.length > 2 && now - (this.#marks[1]?.at ?? now) > RATE_MS) this.#marks.shift();
    const [first] = this.#marks;
    if (first === undefined || now - first.at < 1) return 0;
    return ((evaluations - first.evaluations) / (now - first.at)) * 1_000;
  }
}
