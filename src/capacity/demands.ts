// Who may be asked for more capacity, when those who have some are full: the own governor first, then other nodes' doors, then those of machines that are nodes.

import type { Random } from "../base/random.ts";
import { Scope } from "../messages/envelope.ts";
import type { Address } from "../transports/transport.ts";
import { type DirectoryIndex, type NodeEntry, rangeTest, type Self } from "./directory.ts";
import { reachable } from "./reach.ts";

export interface Demand {
  /** What the node would most likely give: `door` is whatever another node has. */
  readonly ring: "spare" | "new" | "door";
  readonly node: string;
  /** Those the caller can reach, the best first; at least one. */
  readonly doors: readonly Address[];
  /** The caller's computer, so that addresses are given that it can use; empty where it does not know. */
  readonly host: string;
  /** How long its last one took to answer; undefined where nobody knows. */
  readonly expectedMs: number | undefined;
}

/** Doors asked at most: a call that eight nodes refused is better told so. */
const DOORS = 8;

/** Nearest first; other nodes in an order drawn anew, those with warm containers first, so that callers spread; then gateways' doors. */
export function demandsFor(
  index: DirectoryIndex,
  request: { readonly path: string; readonly range: string; readonly scope: Scope },
  random: Random,
): Demand[] {
  const contract = request.path.split("/", 1)[0] ?? "";
  const satisfies = rangeTest(request.range);
  const able = index.directory.nodes.filter(
    ({ offers, spares, startable, state, machine }) =>
      spares + startable > 0 &&
      state !== "suspected" &&
      (machine !== true || request.scope === Scope.ANYWHERE) &&
      offers.some((offer) => offer.contract === contract && satisfies(offer.version)),
  );
  const own = able.find(({ id }) => id === index.self.node);
  const others = request.scope === Scope.LOCAL ? [] : able.filter((node) => node !== own);
  const drawn = shuffled(others, random);
  const warmFirst = (nodes: readonly NodeEntry[]) => [
    ...nodes.filter(({ spares }) => spares > 0),
    ...nodes.filter(({ spares }) => spares === 0),
  ];
  const doors = [
    ...warmFirst(drawn.filter(({ machine }) => machine !== true)),
    ...warmFirst(drawn.filter(({ machine }) => machine === true)),
  ];
  return [
    ...(own === undefined ? [] : demandOf(own, own.spares > 0 ? "spare" : "new", index.self)),
    ...doors.flatMap((node) => demandOf(node, "door", index.self)).slice(0, DOORS),
  ];
}

/** Nothing where the caller reaches none of its doors. */
function demandOf(node: NodeEntry, ring: Demand["ring"], self: Self): Demand[] {
  const doors = reachable(node.doors, { ...node, home: node.id === self.node }, self);
  if (doors.length === 0) return [];
  const expectedMs = node.spares > 0 ? node.spareMs : node.newMs;
  return [{ ring, node: node.id, doors, host: self.host ?? "", expectedMs }];
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, rank: random.u32() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}
