// Deliberate mistakes in what keeps a program to one owner, planted as those of machines (../machine/planted-machine-bugs.ts).

import type { PlantedBug } from "../planting.ts";

export const PLANTED_OWNER_BUGS: readonly PlantedBug[] = [
  {
    name: "a keeper votes for the next though what it granted is in force",
    file: "machine/ownership/ballot.ts",
    find: "return now >= ballot.granted.at + Math.max(afterMs, ballot.longestMs + LEASE_MARGIN_MS);",
    replace: "return now >= ballot.granted.at + afterMs / 4;",
    from: 5,
    breaks: [38],
  },
  {
    name: "one vote is enough",
    file: "machine/ownership/keeper.ts",
    find: "if (count >= majorityOf(keepers.length)) await elected(record, proposed); // K2",
    replace: "if (count >= 1) await elected(record, proposed);",
    from: 66,
    breaks: [40],
  },
  {
    name: "one grant is enough",
    file: "machine/ownership/lease.ts",
    find: "return given.sort((a, b) => b.until - a.until)[majorityOf(all.length) - 1]; // L1",
    replace: "return given.sort((a, b) => b.until - a.until)[0];",
    from: 9,
    breaks: [38],
  },
  {
    name: "a lease is counted from when it was granted",
    file: "machine/ownership/holder.ts",
    find: "else if (granted) this.#granted(owned, held, keeper, lease);",
    replace:
      "else if (granted) this.#granted(owned, held, keeper, { until: clock.now() + leaseMs + 3_000, wallUntil: lease.wallUntil + 3_000 });",
    from: 5,
    breaks: [38],
  },
  {
    name: "a container never finds its lease over",
    file: "container/fence.ts",
    find: "const isIn = this.#clock.now() < own.until && this.#clock.wallNow() < own.wallUntil;",
    replace: "const isIn = own.until > 0;",
    from: 4,
    breaks: [38],
  },
  {
    name: "what comes of an older epoch is let in",
    file: "container/fence.ts",
    find: "if (epoch >= known) {",
    replace: "if (epoch >= 0) {",
    breaks: [39],
  },
  {
    name: "nobody is voted for in place of who is away",
    file: "machine/ownership/next-owner.ts",
    find: "const others = able.filter(({ node }) => node !== place.owner || place.released);",
    replace: "const others = able.filter(({ node }) => node === place.owner);",
    from: 9,
    breaks: [42],
  },
  {
    name: "a place is never given back",
    file: "machine/ownership/next-owner.ts",
    find: "return place.takesBack && place.home !== place.owner &&",
    replace: "return place.takesBack && place.home === place.owner &&",
    from: 2,
    breaks: [43],
  },
  {
    name: "who gives its place up does not say so, and asks no more",
    file: "machine/ownership/ballot.ts",
    find: "if (ballot.released) return { granted: false, ballot };",
    replace: "if (ballot.epoch > 0) return { granted: false, ballot };",
    breaks: [42, 43],
  },
];
