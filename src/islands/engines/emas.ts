// An evolutionary multi-agent system: individuals hold energy, win it from others, spend it on children, and die without it.
//
// Byrski, Dreżewski, Siwik, Kisiel-Dorohinicki (2015): Evolutionary multi-agent systems, The Knowledge Engineering Review 30(2).
//
// Invariants
//   L1. Energy is whole numbers. What the island holds is what flowed in less what flowed out: `ledger` adds up at any time.
//   L2. A meeting and a birth move energy and make none. Only `inflow`, immigration and rescue add; only `outflow` and
//       emigration take away.

import { Fault } from "unum";
import type { RandomStream } from "../random-stream.ts";
import type { Space } from "../space.ts";
import type { StateRecord } from "../state/codec.ts";
import { Fields } from "../state/fields.ts";
import { type Engine, type Individual, NOT_EVALUATED, type Replacement, type Selection } from "./engine.ts";
import { readIndividual, saveIndividual, spreadOf } from "./individuals.ts";
import { breed, scatter, type Variation } from "./variation.ts";

/** The preset is that of the literature. All whole numbers. */
export interface EnergySettings {
  /** Of each first member. */
  readonly start: number;
  /** What the worse of two gives at a meeting. */
  readonly transfer: number;
  /** Of a newborn; each parent gives half. */
  readonly newborn: number;
  /** Above it, a member has children. */
  readonly reproduce: number;
  /** Above it, a member may leave for another island. */
  readonly migrate: number;
  /** Given to the island in each generation, and taken from it. */
  readonly inflow: number;
  readonly outflow: number;
}

export const EMAS: EnergySettings = {
  ...{ start: 100, transfer: 40, newborn: 100, reproduce: 90, migrate: 120 },
  ...{ inflow: 0, outflow: 0 },
};

export interface EmasOptions extends Variation {
  /** Default 50. */
  readonly population?: number;
  readonly energy?: Partial<EnergySettings>;
}

/** Everything that ever came and went. `stock` is counted, not computed. */
export interface Ledger {
  readonly stock: number;
  readonly in: number;
  readonly out: number;
}

interface Member {
  readonly genes: Float64Array;
  value: number;
  energy: number;
}

/** Rounds of meetings without a birth before energy is brought in. */
const ROUNDS_LIMIT = 50;

export class Emas implements Engine {
  readonly kind = "emas";
  readonly #space: Space;
  readonly #random: RandomStream;
  readonly #options: EmasOptions;
  #energy: EnergySettings;
  #members: Member[] = [];
  #newborn: Member[] = [];
  #in = 0;
  #out = 0;
  #rescues = 0;
  #best: Individual | undefined;

  constructor(space: Space, random: RandomStream, options: EmasOptions = {}, saved?: StateRecord) {
    if (space.objectives !== 1) throw new Fault("invalid", `emas needs one objective, not ${space.objectives}`);
    this.#space = space;
    this.#random = random;
    this.#options = options;
    this.#energy = checkedEnergy({ ...EMAS, ...options.energy });
    if (saved === undefined) return;
    const fields = new Fields(saved);
    this.#members = fields.list("members").map((each) => memberOf(new Fields(each)));
    this.#in = fields.number("in");
    this.#out = fields.number("out");
    this.#rescues = fields.number("rescues");
    if (fields.maybe("best") !== undefined) this.#best = readIndividual(fields.of("best"));
  }

  /** While it runs; what the settings lack stays. */
  setEnergy(settings: Partial<EnergySettings>): void {
    this.#energy = checkedEnergy({ ...this.#energy, ...settings });
  }

  get restarts(): number {
    return this.#rescues + 1;
  }

  get ledger(): Ledger {
    const stock = [...this.#members, ...this.#newborn].reduce((sum, { energy }) => sum + energy, 0);
    return { stock, in: this.#in, out: this.#out };
  }

  ask(): readonly Float64Array[] {
    if (this.#members.length === 0) this.#settle(this.#options.population ?? 50);
    else {
      this.#flow();
      for (let round = 0; round < ROUNDS_LIMIT && this.#newborn.length === 0; round++) {
        this.#meet();
        this.#bear();
      }
      // Too little energy for children anywhere: some comes in, with those who hold it.
      if (this.#newborn.length === 0) {
        this.#rescues++;
        this.#settle(2);
      }
    }
    return this.#newborn.map(({ genes }) => genes);
  }

  #settle(count: number): void {
    for (let k = 0; k < count; k++) {
      const genes = new Float64Array(this.#space.dimensions);
      scatter(this.#space, genes, this.#random);
      this.#newborn.push({ genes, value: NOT_EVALUATED, energy: this.#energy.start });
      this.#in += this.#energy.start;
    }
  }

  #flow(): void {
    const members = this.#members;
    for (let unit = 0; unit < this.#energy.inflow; unit++) {
      (members[this.#random.below(members.length)] as Member).energy++;
      this.#in++;
    }
    for (let unit = 0; unit < this.#energy.outflow && members.length > 0; unit++) {
      const place = this.#random.below(members.length);
      const member = members[place] as Member;
      member.energy--;
      this.#out++;
      if (member.energy === 0) members.splice(place, 1);
    }
  }

  /** Each member meets one other; the better takes from the worse, and who has nothing left dies. */
  #meet(): void {
    const members = this.#members;
    for (let i = 0; i < members.length && members.length > 1; i++) {
      const own = members[i] as Member;
      const other = members[this.#random.below(members.length)] as Member;
      if (own === other) continue;
      // Of equals either may win: a population that has come to one point would else stand still.
      const wins = own.value === other.value ? (this.#random.u32() & 1) === 1 : own.value < other.value;
      const [winner, loser] = wins ? [own, other] : [other, own];
      const moved = Math.min(this.#energy.transfer, loser.energy);
      winner.energy += moved;
      loser.energy -= moved;
    }
    this.#members = members.filter(({ energy }) => energy > 0);
  }

  #bear(): void {
    const { reproduce, newborn } = this.#energy;
    const half = Math.floor(newborn / 2);
    const able = this.#members.filter(({ energy }) => energy > reproduce && energy > half);
    for (let k = 0; k + 1 < able.length; k += 2) {
      const [a, b] = [able[k] as Member, able[k + 1] as Member];
      const child = new Float64Array(this.#space.dimensions);
      breed(this.#space, [a.genes, b.genes], [child, new Float64Array(child.length)], this.#random, this.#options);
      a.energy -= half;
      b.energy -= newborn - half;
      this.#newborn.push({ genes: child, value: NOT_EVALUATED, energy: newborn });
    }
  }

  tell(values: Float64Array): void {
    for (const [k, member] of this.#newborn.entries()) {
      member.value = values[k] as number;
      this.#members.push(member);
      if (member.value < (this.#best?.values[0] ?? Number.POSITIVE_INFINITY)) {
        this.#best = { genes: member.genes.slice(), values: Float64Array.of(member.value) };
      }
    }
    this.#newborn = [];
  }

  /** They leave, with their energy. */
  emigrants(count: number, _selection: Selection): readonly Individual[] {
    const leaving = this.#members
      .filter(({ energy }) => energy > this.#energy.migrate)
      .sort((a, b) => a.value - b.value)
      .slice(0, Math.min(count, Math.max(0, this.#members.length - 2)));
    this.#members = this.#members.filter((member) => !leaving.includes(member));
    return leaving.map(({ genes, value, energy }) => {
      this.#out += energy;
      return { genes, values: Float64Array.of(value), energy };
    });
  }

  members(count: number): readonly Individual[] {
    return [...this.#members]
      .sort((a, b) => a.value - b.value)
      .slice(0, count)
      .map(({ genes, value }) => ({ genes: genes.slice(), values: Float64Array.of(value) }));
  }

  /** Who comes from an island without energy is given a newborn's. */
  immigrate(individuals: readonly Individual[], _replacement: Replacement): void {
    for (const { genes, values, energy = this.#energy.newborn } of individuals) {
      this.#members.push({ genes: genes.slice(), value: values[0] as number, energy });
      this.#in += energy;
    }
  }

  spread(): number {
    const { startLower, startUpper } = this.#space;
    const widths = startUpper.map((high, i) => high - (startLower[i] as number));
    return spreadOf(
      this.#members.map(({ genes }) => genes),
      widths,
    );
  }

  figures(): Readonly<Record<string, number>> {
    const { stock, in: came, out } = this.ledger;
    return { population: this.#members.length, energy: stock, energyIn: came, energyOut: out };
  }

  save(): StateRecord {
    return {
      members: this.#members.map(({ genes, value, energy }) => ({ genes, value, energy })),
      in: this.#in,
      out: this.#out,
      rescues: this.#rescues,
      best: this.#best === undefined ? undefined : saveIndividual(this.#best),
    };
  }
}

function memberOf(fields: Fields): Member {
  return { genes: fields.floats("genes"), value: fields.number("value"), energy: fields.number("energy") };
}

export function checkedEnergy(energy: EnergySettings): EnergySettings {
  for (const [name, value] of Object.entries(energy)) {
    if (!Number.isInteger(value) || value < 0 || value > 1_000_000) {
      throw new Fault("invalid", `energy.${name} is ${value}; it is a whole number from 0 to 1000000`);
    }
  }
  if (energy.start < 1 || energy.newborn < 2) {
    throw new Fault("invalid", `energy.start ${energy.start} and energy.newborn ${energy.newborn} must let one live`);
  }
  return energy;
}
