// All that a node serves: its components folder, where it has one, and the programs handed in.

import { NO_PROGRAM_LIMITS, type ProgramLimits } from "../capacity/limits.ts";
import { type ActsBy, ANYBODYS, actsBy, type KnownEpoch } from "./decisions/past-owners.ts";
import type { Judge } from "./demands.ts";
import type { Events } from "./events.ts";
import type { Kept } from "./kept.ts";
import { type Code, FOLDER, type Offer, Served, type ServedParts } from "./served.ts";

/** A program as it should be served: every container of it has this code. */
export interface ServedProgram extends Code {
  readonly name: string;
  /** Containers that should serve it. Callers who wait for capacity raise it, as far as limits allow. */
  readonly containers: number;
}

export class ServedList {
  readonly #events: Events;
  readonly #served = new Map<string, Served>();
  readonly #graces = new Map<string, number>();
  /** Whether it has been said which programs are wanted: before that, none is withdrawn. */
  #programsKnown = false;

  constructor(events: Events) {
    this.#events = events;
  }

  /** How long calls of what is withdrawn may take to end, where that was said. */
  graceOf(program: string): number | undefined {
    return this.#graces.get(program);
  }

  setGrace(program: string, graceMs: number): void {
    this.#graces.set(program, graceMs);
  }

  get all(): readonly Served[] {
    return [...this.#served.values()];
  }

  get folder(): Served | undefined {
    return this.#served.get(FOLDER);
  }

  get programs(): readonly Served[] {
    return this.all.filter(({ name }) => name !== FOLDER);
  }

  get offers(): readonly Offer[] {
    return this.all.flatMap(({ offers }) => offers);
  }

  get isReplacing(): boolean {
    return this.all.some(({ replacing }) => replacing.isUnderWay);
  }

  of(kept: Kept): Served | undefined {
    return kept.digest === "" ? undefined : this.#served.get(kept.program);
  }

  /** What its program may use in each container, by what it was given. */
  limitsOf(kept: Kept): ProgramLimits {
    return this.#hostingOf(kept)?.limits ?? NO_PROGRAM_LIMITS;
  }

  /** Undefined where callers are not to be sent to it. */
  actsBy(kept: Kept, epochs: readonly KnownEpoch[], now: number): ActsBy | undefined {
    return this.#hostingOf(kept)?.owned === true ? actsBy(kept.program, epochs, now) : ANYBODYS;
  }

  /** Whether it serves what is not wanted here any more. */
  isWithdrawn(kept: Kept): boolean {
    if (kept.digest === "" || kept.state === "draining" || this.#served.has(kept.program)) return false;
    return kept.program === FOLDER || this.#programsKnown;
  }

  addFolder(code: Code, target: number, isForced: ServedParts["isForced"]): Served {
    return this.#add(FOLDER, code, target, isForced);
  }

  /** What is not named is withdrawn; what has other code is replaced while it serves. */
  setPrograms(wanted: readonly ServedProgram[], containers: readonly Kept[]): void {
    this.#programsKnown = true;
    for (const { name } of this.programs) {
      if (!wanted.some((program) => program.name === name)) this.#served.delete(name);
    }
    for (const { name, folder, digest, mayBreak = false, hosting, containers: target } of wanted) {
      const code = { folder, digest, mayBreak, ...(hosting === undefined ? {} : { hosting }) };
      this.#graces.delete(name);
      const known = this.#served.get(name);
      if (known === undefined) {
        // What a container that was taken over serves is what there is to replace.
        const running = containers.find((kept) => kept.program === name && kept.digest !== "");
        const served = this.#add(name, running === undefined ? code : { ...code, digest: running.digest }, target);
        served.take(code, containers);
      } else {
        known.target = Math.max(target, Math.min(known.target, known.own(containers).length));
        known.take(code, containers);
      }
    }
  }

  /** Who serves a contract here; what has not said yet what it offers may be who. */
  judge(now: number): Judge<Served> {
    return (contract, satisfies) => {
      const offers = ({ offers }: Served) =>
        offers.some((offer) => offer.contract === contract && satisfies(offer.version));
      const by = this.all.find(offers) ?? this.all.find(({ offers }) => offers.length === 0);
      if (by === undefined) return { kind: "refused", reason: `${contract} is not among the components of this node` };
      const reason = by.givenUp(now);
      return reason === undefined ? { kind: "wanted", by } : { kind: "refused", reason };
    };
  }

  #hostingOf(kept: Kept): Code["hosting"] {
    return this.of(kept)?.codeOf(kept)?.hosting;
  }

  #add(name: string, code: Code, target: number, isForced?: ServedParts["isForced"]): Served {
    const forcing = isForced === undefined ? {} : { isForced };
    const served = new Served({ name, code, target, events: this.#events, ...forcing });
    this.#served.set(name, served);
    return served;
  }
}
