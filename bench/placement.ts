// What choosing a place costs a call, beside going to a fixed address; and what a change of the directory costs.
//
//   npm run bench -- placement [--rounds N] [--json]

import { parseArgs } from "node:util";
import { seededRandom } from "../src/base/random.ts";
import { type ContainerEntry, DirectoryIndex, type NodeEntry } from "../src/capacity/directory.ts";
import { DirectoryFinder } from "../src/capacity/directory-finder.ts";
import { type CallerView, choose, type PlacementRequest, type Policy } from "../src/capacity/placement.ts";
import { type Finder, finderOf } from "../src/client/finder.ts";
import { envelope, Kind, Scope } from "../src/messages/envelope.ts";
import { spreadOf } from "./harness/statistics.ts";

const CONTRACTS = Array.from({ length: 20 }, (_, i) => `bench.v1.Contract${i}`);
const PATHS = CONTRACTS.map((contract) => `${contract}/Method`);
const CALLS = 200_000;
const NOBODY: ReadonlySet<string> = new Set();

interface Figure {
  readonly what: string;
  readonly unit: "ns a call" | "µs a change";
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

interface Work {
  readonly what: string;
  readonly unit: Figure["unit"];
  /** Does it `times` over; answers something that depends on the work, so that none of it is left out. */
  run(times: number): number;
  readonly times: number;
  /** Nanoseconds in one of the unit. */
  readonly unitNs: number;
}

function container(id: string, running: number): ContainerEntry {
  return {
    id,
    addresses: [`tcp://10.0.0.1:7000/${id}`, `ipc:///run/unum/${id}.sock`],
    components: CONTRACTS.map((contract) => ({ contract, version: "1.2.3", concurrency: 1 })),
    state: "ready",
    running,
    waiting: 0,
    free: 1_000,
  };
}

function nodes(count: number, each: number, running: number): NodeEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `n${i}`,
    doors: [],
    containers: Array.from({ length: each }, (_, j) => container(`n${i}k${j}`, running)),
    offers: [],
    spares: 0,
    startable: 0,
  }));
}

/** The counting of own unanswered calls is part of what placement costs, so it is done here too. */
function choosing(what: string, entries: NodeEntry[], policy: Policy, range = ""): Work {
  const index = new DirectoryIndex({ nodes: entries }, { node: "n0" });
  const outstanding = new Map<string, number>();
  const random = seededRandom(1);
  const requests: PlacementRequest[] = PATHS.map((path) => ({ path, range, scope: Scope.ANYWHERE, policy, key: path }));
  const view: { -readonly [K in keyof CallerView]: CallerView[K] } = { outstanding, turn: 0, inFrame: false };
  const run = (times: number) => {
    let sum = 0;
    for (let i = 0; i < times; i++) {
      const request = requests[i % requests.length];
      if (request === undefined) continue;
      view.turn = i;
      const address = choose(index, request, view, random)?.address ?? "";
      outstanding.set(address, (outstanding.get(address) ?? 0) + 1);
      sum += address.length;
      outstanding.set(address, (outstanding.get(address) ?? 0) - 1);
    }
    return sum;
  };
  return { what, unit: "ns a call", run, times: CALLS, unitNs: 1 };
}

/** As an exchange asks it. */
function finding(what: string, finder: Finder): Work {
  const open = new Map<string, number>();
  const requests = PATHS.map((to) => envelope({ kind: Kind.CALL, id: 1, to }));
  const run = (times: number) => {
    let sum = 0;
    for (let i = 0; i < times; i++) {
      const request = requests[i % requests.length];
      if (request === undefined) continue;
      const address = finder.next(request, NOBODY, open) ?? "";
      open.set(address, (open.get(address) ?? 0) + 1);
      sum += address.length;
      open.set(address, (open.get(address) ?? 0) - 1);
    }
    return sum;
  };
  return { what, unit: "ns a call", run, times: CALLS, unitNs: 1 };
}

function byDirectory(entries: NodeEntry[]): Finder {
  const finder = new DirectoryFinder({ random: seededRandom(1), self: { node: "n0" } });
  finder.update({ nodes: entries });
  return finder;
}

function fixed(): Work {
  const addresses = new Map(PATHS.map((path, i) => [path, `ipc:///run/unum/k${i}.sock`]));
  const run = (times: number) => {
    let sum = 0;
    for (let i = 0; i < times; i++) sum += addresses.get(PATHS[i % PATHS.length] ?? "")?.length ?? 0;
    return sum;
  };
  return { what: "a fixed address for each path", unit: "ns a call", run, times: CALLS, unitNs: 1 };
}

/** One node's news, and then one question for each contract. */
function changing(count: number): Work {
  const entries = nodes(count, 4, 0);
  const run = (times: number) => {
    let index = new DirectoryIndex({ nodes: entries }, { node: "n0" });
    let sum = 0;
    for (let i = 0; i < times; i++) {
      const at = i % count;
      const changed = [
        ...entries.slice(0, at),
        { ...entries[at], ...nodes(1, 4, i % 3)[0], id: `n${at}` },
        ...entries.slice(at + 1),
      ];
      index = new DirectoryIndex({ nodes: changed as NodeEntry[] }, { node: "n0" }, new Map(), index);
      for (const path of PATHS) sum += index.places(path, "").all.length;
    }
    return sum;
  };
  return {
    what: `a change among ${count} nodes of 4, 20 contracts asked`,
    unit: "µs a change",
    run,
    times: Math.ceil(400 / count) * 5,
    unitNs: 1_000,
  };
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    json: { type: "boolean", default: false },
    quick: { type: "boolean" },
  },
});
const works: readonly Work[] = [
  fixed(),
  finding("finder: one address given", finderOf(["ipc:///run/unum/k1.sock"])),
  finding(
    "finder: 4 addresses given, fewest unanswered",
    finderOf([1, 2, 3, 4].map((i) => `ipc:///run/unum/k${i}.sock`)),
  ),
  finding("finder: directory, 1 place", byDirectory(nodes(1, 1, 0))),
  finding("finder: directory, 4 places", byDirectory(nodes(1, 4, 0))),
  choosing("nearest, 1 place", nodes(1, 1, 0), "nearest"),
  choosing("nearest, 4 places of the node", nodes(1, 4, 0), "nearest"),
  choosing("nearest, 4 places, a range", nodes(1, 4, 0), "nearest", "^1.2"),
  choosing("nearest, 4 near and busy, 400 far", nodes(101, 4, 1), "nearest"),
  choosing("round robin, 4 places", nodes(1, 4, 0), "round-robin"),
  choosing("key, 4 places", nodes(1, 4, 0), "key"),
  changing(3),
  changing(100),
  changing(1_000),
];
const samples = works.map((): number[] => []);
for (const work of works) work.run(work.times);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [i, work] of works.entries()) {
    // CPU time of this thread: what else the machine does does not count.
    const start = process.threadCpuUsage();
    if (work.run(work.times) === 0) throw new Error(`${work.what} did nothing`);
    const { user, system } = process.threadCpuUsage(start);
    samples[i]?.push(((user + system) * 1_000) / work.times / work.unitNs);
  }
}
const figures: Figure[] = works.map(({ what, unit }, i) => ({ what, unit, ...spreadOf(samples[i] ?? []) }));
if (values.json) console.log(JSON.stringify({ rounds: Number(values.rounds), figures }, null, 2));
else {
  for (const { what, unit, median, least, most } of figures) {
    console.log(`${what.padEnd(52)}${median.toFixed(1).padStart(9)} ${unit} (${least.toFixed(1)}–${most.toFixed(1)})`);
  }
}
