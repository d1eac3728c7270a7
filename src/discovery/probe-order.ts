// Whose turn it is to be probed: each member once a round, in an order that is drawn anew for every round.
//
// So a silent member is found by any given node within 2·n − 1 probes, where drawing one at random each time would set
// no bound (SWIM, section 4.3: round-robin probe target selection). Who joins gets a random place in the running round.

import type { Random } from "../base/random.ts";

export class ProbeOrder {
  readonly #random: Random;
  #round: string[] = [];
  #next = 0;
  readonly #known = new Set<string>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Who is in the order already keeps the place. */
  add(id: string): void {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    const place = this.#next + this.#random.below(this.#round.length - this.#next + 1);
    // Whoever stood there goes to the end: the order is random anyway, and nothing has to move.
    const other = this.#round[place];
    this.#round[place] = id;
    if (other !== undefined) this.#round.push(other);
  }

  /** The next whom `wanted` accepts; undefined when it accepts nobody. Whom it does not accept leaves with the round. */
  next(wanted: (id: string) => boolean): string | undefined {
    for (let round = 0; round < 2; round++) {
      while (this.#next < this.#round.length) {
        const id = this.#round[this.#next++];
        if (id !== undefined && wanted(id)) return id;
      }
      this.#round = this.#round.filter((id) => wanted(id) || !this.#known.delete(id));
      this.#next = 0;
      shuffle(this.#round, this.#random);
    }
    return undefined;
  }
}

/** Fisher–Yates. */
function shuffle(list: string[], random: Random): void {
  for (let last = list.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const kept = list[last];
    const taken = list[other];
    if (kept === undefined || taken === undefined) continue;
    list[last] = taken;
    list[other] = kept;
  }
}
