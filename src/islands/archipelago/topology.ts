// Who sends migrants to whom.

import { Fault } from "../fault.ts";
import { RandomStream } from "../random-stream.ts";

export const TOPOLOGIES = ["ring", "full", "star", "torus", "hypercube", "random", "none"] as const;
export type TopologyName = (typeof TOPOLOGIES)[number];

/** Custom: for each island those it receives from. */
export type Topology = TopologyName | readonly (readonly number[])[];

/** For each island those it receives from, in ascending order. `degree`: connections wanted by the random one. */
export function sourcesOf(
  topology: Topology,
  count: number,
  { degree = 2, seed = 0 }: { readonly degree?: number; readonly seed?: number } = {},
): readonly (readonly number[])[] {
  const all = Array.from({ length: count }, (_, i) => i);
  if (typeof topology !== "string") return custom(topology, count);
  switch (topology) {
    case "none":
      return all.map(() => []);
    case "ring":
      return all.map((i) => others(i, [i - 1 + count]));
    case "full":
      return all.map((i) => others(i, all));
    case "star":
      return all.map((i) => (i === 0 ? others(0, all) : others(i, [0])));
    case "torus":
      return all.map((i) => others(i, torusNeighbours(i, count)));
    case "hypercube":
      return all.map((i) =>
        others(
          i,
          all.filter((j) => isPowerOfTwo(i ^ j)),
        ),
      );
    case "random":
      return randomly(all, Math.min(degree, count - 1), seed);
    default:
      throw unknownTopology(topology);
  }

  function others(own: number, from: readonly number[]): readonly number[] {
    return [...new Set(from.map((i) => i % count))].filter((i) => i !== own).sort((a, b) => a - b);
  }
}

function unknownTopology(name: string): Fault {
  return new Fault("invalid", `topology '${name}' is not known; there are ${TOPOLOGIES.join(", ")}`);
}

function custom(topology: readonly (readonly number[])[], count: number): readonly (readonly number[])[] {
  if (topology.length !== count) {
    throw new Fault("invalid", `the topology has ${topology.length} rows for ${count} islands; give one each`);
  }
  for (const [i, sources] of topology.entries()) {
    const wrong = sources.find((j) => !Number.isInteger(j) || j < 0 || j >= count || j === i);
    if (wrong !== undefined) {
      throw new Fault("invalid", `island ${i} cannot receive from ${wrong}; islands are 0 to ${count - 1}`);
    }
  }
  return topology.map((sources) => [...new Set(sources)].sort((a, b) => a - b));
}

/** Rows as equal as the count allows; the last one may be shorter, and then wraps where it ends. */
function torusNeighbours(i: number, count: number): readonly number[] {
  const width = Math.max(1, Math.round(Math.sqrt(count)));
  const row = Math.floor(i / width);
  const rowStart = row * width;
  const rowLength = Math.min(width, count - rowStart);
  const rows = Math.ceil(count / width);
  const column = i - rowStart;
  const inRow = (step: number) => rowStart + ((column + step + rowLength) % rowLength);
  const inColumn = (step: number) => {
    const place = ((row + step + rows) % rows) * width + column;
    return place < count ? place : column;
  };
  return [inRow(-1), inRow(1), inColumn(-1), inColumn(1)];
}

function isPowerOfTwo(n: number): boolean {
  return n !== 0 && (n & (n - 1)) === 0;
}

/** A ring, so that all are reached, and beside it random sources up to the degree. */
function randomly(all: readonly number[], degree: number, seed: number): readonly (readonly number[])[] {
  const random = RandomStream.seeded(seed, 0x70_70);
  const count = all.length;
  return all.map((i) => {
    const sources = new Set(count > 1 && degree > 0 ? [(i - 1 + count) % count] : []);
    while (sources.size < degree) {
      const drawn = random.below(count);
      if (drawn !== i) sources.add(drawn);
    }
    return [...sources].sort((a, b) => a - b);
  });
}
