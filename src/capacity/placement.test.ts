import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Random, seededRandom } from "../base/random.ts";
import { Scope } from "../messages/envelope.ts";
import {
  type ContainerEntry,
  type Directory,
  DirectoryIndex,
  type NodeEntry,
  type Place,
  type Self,
} from "./directory.ts";
import { type CallerView, choose, type PlacementRequest } from "./placement.ts";

const CONTRACT = "demo.v1.Digest";
const PATH = `${CONTRACT}/OfFile`;

function container(id: string, set: Partial<ContainerEntry> & { version?: string; concurrency?: number } = {}) {
  const { version = "1.0.0", concurrency = 1, ...rest } = set;
  return {
    id,
    addresses: [`tcp://10.0.0.1/${id}`, `ipc:///run/${id}`],
    components: [{ contract: CONTRACT, version, concurrency }],
    state: "ready",
    running: 0,
    waiting: 0,
    free: 100,
    ...rest,
  } satisfies ContainerEntry;
}

function node(id: string, ...containers: ContainerEntry[]): NodeEntry {
  return { id, doors: [`tcp://${id}:1`], containers, offers: [], spares: 0, startable: 0 };
}

function indexOf(nodes: NodeEntry[], self: Self = { node: "n1" }) {
  return new DirectoryIndex({ nodes }, self);
}

function request(set: Partial<PlacementRequest> = {}): PlacementRequest {
  return { path: PATH, range: "", scope: Scope.ANYWHERE, policy: "nearest", key: "", ...set };
}

function view(set: Partial<CallerView> = {}): CallerView {
  return { outstanding: new Map(), turn: 0, inFrame: false, ...set };
}

/** The places in the order in which they are asked if each refuses. */
function order(index: DirectoryIndex, asked: PlacementRequest, seen: CallerView, random: Random): Place[] {
  const places: Place[] = [];
  const tried = new Set<string>();
  for (;;) {
    const place = choose(index, asked, seen, random, tried);
    if (place === undefined) return places;
    assert.ok(!tried.has(place.address), `${place.address} twice`);
    places.push(place);
    tried.add(place.address);
  }
}

const INSIDE: Self = { node: "n1", container: { id: "own", address: "direct://own" } };

/** Containers chosen over many calls, with how often. */
function chosen(index: DirectoryIndex, set: Partial<PlacementRequest>, seen = view(), times = 400) {
  const counts: Record<string, number> = {};
  const random = seededRandom(1);
  for (let turn = 0; turn < times; turn++) {
    const place = choose(index, request(set), { ...seen, turn }, random);
    const name = place?.container ?? "none";
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe("placement by nearest", () => {
  const busy = { running: 1, waiting: 3 };
  const table: { says: string; nodes: NodeEntry[]; self?: Self; seen?: CallerView; goes: string[] }[] = [
    {
      says: "stays in its own container while that begins at once",
      nodes: [node("n1", container("own"), container("a"))],
      self: INSIDE,
      goes: ["own"],
    },
    {
      says: "goes to the own node's others when its own container is busy",
      nodes: [node("n1", container("own", busy), container("a"), container("b")), node("n2", container("c"))],
      self: INSIDE,
      goes: ["a", "b"],
    },
    {
      says: "stays in its own container when the caller itself is what keeps it busy",
      nodes: [node("n1", container("own", { running: 1 }), container("a"))],
      self: INSIDE,
      seen: view({ inFrame: true }),
      goes: ["own"],
    },
    {
      says: "leaves the node when all of it is busy",
      nodes: [node("n1", container("a", busy), container("b", busy)), node("n2", container("c"), container("d"))],
      goes: ["c", "d"],
    },
    {
      says: "finds the one that is free among many busy ones",
      nodes: [node("n1", ...[1, 2, 3, 4, 5, 6, 7].map((i) => container(`a${i}`, busy)), container("free"))],
      goes: ["free"],
    },
    {
      says: "goes beyond a gateway when nobody on this side would begin at once",
      nodes: [
        node("n1", container("a", busy), container("out", { beyond: "mparent" })),
        node("n2", container("b", busy)),
      ],
      goes: ["out"],
    },
    {
      says: "stays on this side of a gateway while somebody here begins at once",
      nodes: [
        node("n1", container("a", busy)),
        { ...node("mchild", container("c")), machine: true },
        node("n2", container("b")),
      ],
      goes: ["b"],
    },
    {
      says: "waits near rather than far when both would let it wait as long",
      nodes: [node("n1", container("a", busy)), node("n2", container("b", busy))],
      goes: ["a"],
    },
    {
      says: "goes far when the queue near is longer by more than the way is worth",
      nodes: [node("n1", container("a", { running: 1, waiting: 9 })), node("n2", container("b", busy))],
      goes: ["b"],
    },
    {
      says: "passes over a full inbox while another takes calls",
      nodes: [
        node("n1", container("a", { ...busy, free: 0 })),
        node("n2", container("b", { running: 1, waiting: 50 })),
      ],
      goes: ["b"],
    },
    {
      says: "names a full inbox when there is no other: the directory may be behind",
      nodes: [node("n1", container("a", { ...busy, free: 0 }))],
      goes: ["a"],
    },
    {
      says: "gives no new calls to who is suspected or draining",
      nodes: [
        node("n1", container("a", { state: "suspected" }), container("b", { state: "draining" }), container("c")),
      ],
      goes: ["c"],
    },
    {
      says: "counts its own unanswered calls where the directory knows nothing of them yet",
      nodes: [node("n1", container("a"), container("b"))],
      seen: view({ outstanding: new Map([["ipc:///run/a", 1]]) }),
      goes: ["b"],
    },
    {
      says: "reckons with how many calls are worked on at a time",
      nodes: [node("n1", container("a", { running: 3, concurrency: 4 }), container("b", { running: 3 }))],
      goes: ["a"],
    },
    { says: "has nowhere to go when nobody serves the contract", nodes: [node("n1")], goes: ["none"] },
  ];
  for (const { says, nodes, self, seen, goes } of table) {
    it(says, () => {
      assert.deepEqual(Object.keys(chosen(indexOf(nodes, self), {}, seen)).sort(), goes);
    });
  }

  it("stays on the node where the scope is local", () => {
    const index = indexOf([node("n1", container("a", { running: 1, waiting: 90 })), node("n2", container("b"))]);
    assert.deepEqual(chosen(index, { scope: Scope.LOCAL }), { a: 400 });
    assert.deepEqual(chosen(index, { scope: Scope.NETWORK }), { b: 400 });
    const abroad = indexOf([node("n2", container("b"))]);
    assert.equal(choose(abroad, request({ scope: Scope.LOCAL }), view(), seededRandom(1)), undefined);
  });

  it("passes a gateway only where the scope is anywhere, by whatever policy, and last", () => {
    const nodes = [
      node("n1", container("a"), container("out", { beyond: "mparent" })),
      { ...node("mchild", container("c")), machine: true },
    ];
    const index = indexOf(nodes);
    for (const policy of ["nearest", "locality", "round-robin", "key"] as const) {
      const names = (scope: Scope) =>
        order(index, request({ policy, scope }), view(), seededRandom(1)).map((place) => place.container);
      assert.deepEqual(names(Scope.NETWORK), ["a"], policy);
      assert.deepEqual(names(Scope.LOCAL), ["a"], policy);
      const [first, ...then] = names(Scope.ANYWHERE);
      assert.deepEqual([first, then.sort()], ["a", ["c", "out"]], policy);
    }
    assert.deepEqual(
      index.places(PATH, "").all.map((place) => place.container),
      ["a"],
      "a broadcast stays on its side",
    );
  });

  it("reaches its own container directly, its node by a Unix socket and others over the network", () => {
    const nodes = [node("n1", container("own"), container("a")), node("n2", container("c"))];
    const places = order(indexOf(nodes, INSIDE), request(), view(), seededRandom(1));
    assert.deepEqual(
      places.map(({ ring, address }) => [ring, address]),
      [
        ["self", "direct://own"],
        ["node", "ipc:///run/a"],
        ["network", "tcp://10.0.0.1/c"],
      ],
    );
  });

  it("does not name who cannot be reached from another computer", () => {
    const index = indexOf([node("n2", container("a", { addresses: ["ipc:///run/a"] }))]);
    assert.equal(choose(index, request(), view(), seededRandom(1)), undefined);
  });

  it("spreads calls over places as even as two choices do, far better than one", () => {
    const ids = Array.from({ length: 32 }, (_, i) => `c${i}`);
    const index = indexOf([node("n1", ...ids.map((id) => container(id, { running: 1 })))]);
    const outstanding = new Map<string, number>();
    const random = seededRandom(7);
    for (let call = 0; call < 32 * 100; call++) {
      const place = choose(index, request(), view({ outstanding }), random);
      assert.ok(place);
      outstanding.set(place.address, (outstanding.get(place.address) ?? 0) + 1);
    }
    // Chance alone would leave the fullest about 25 above the mean of 100.
    assert.ok(Math.max(...outstanding.values()) <= 104, `${Math.max(...outstanding.values())}`);
  });

  it("forgets of the directory's figures what were its own calls", () => {
    const nodes = [node("n1", container("a", { running: 1, waiting: 4 }), container("b", { running: 1 }))];
    // All five calls at `a` were this caller's when the entry came, and have been answered since.
    const index = new DirectoryIndex({ nodes }, { node: "n1" }, new Map([["ipc:///run/a", 5]]));
    assert.deepEqual(chosen(index, {}), { a: 400 });
  });
});

describe("placement by locality", () => {
  it("leaves a ring only when its inboxes are full", () => {
    const long = { running: 1, waiting: 90 };
    const nodes = [node("n1", container("a", long), container("b", { ...long, free: 0 })), node("n2", container("c"))];
    assert.deepEqual(chosen(indexOf(nodes), { policy: "locality" }), { a: 400 });
    const full = [node("n1", container("a", { ...long, free: 0 })), node("n2", container("c"))];
    assert.deepEqual(chosen(indexOf(full), { policy: "locality" }), { c: 400 });
    const manyFull = [1, 2, 3, 4, 5].map((i) => container(`f${i}`, { ...long, free: 0 }));
    const oneLeft = [node("n1", ...manyFull, container("a", long)), node("n2", container("c"))];
    assert.deepEqual(chosen(indexOf(oneLeft), { policy: "locality" }), { a: 400 });
    const allFull = [node("n1", container("a", { free: 0 })), node("n2", container("c", { free: 0 }))];
    assert.deepEqual(chosen(indexOf(allFull), { policy: "locality" }), { a: 400 });
  });
});

describe("placement in turn", () => {
  it("gives every place in scope the same share, and passes over the full", () => {
    const nodes = [node("n1", container("a"), container("b", { free: 0 })), node("n2", container("c"), container("d"))];
    const counts = chosen(indexOf(nodes.slice(1), { node: "n1" }), { policy: "round-robin" });
    assert.deepEqual(counts, { c: 200, d: 200 });
    assert.deepEqual(Object.keys(chosen(indexOf(nodes), { policy: "round-robin" })).sort(), ["a", "c", "d"]);
    assert.deepEqual(chosen(indexOf(nodes), { policy: "round-robin", scope: Scope.LOCAL }), { a: 400 });
  });
});

describe("placement by key", () => {
  const keys = Array.from({ length: 2_000 }, (_, i) => `key-${i}`);
  const homes = (index: DirectoryIndex) =>
    keys.map((key) => choose(index, request({ policy: "key", key }), view(), seededRandom(1))?.container);

  it("moves only the keys of who came or went, and about their share", () => {
    const shape = fc.record({
      nodes: fc.integer({ min: 2, max: 12 }),
      each: fc.integer({ min: 1, max: 3 }),
      salt: fc.nat(),
    });
    fc.assert(
      fc.property(shape, ({ nodes, each, salt }) => {
        const make = (i: number) =>
          node(`n${i}`, ...Array.from({ length: each }, (_, j) => container(`k${salt}-${i}-${j}`)));
        const before = Array.from({ length: nodes }, (_, i) => make(i));
        const added = make(nodes);
        const [old, grown] = [homes(indexOf(before)), homes(indexOf([added, ...before]))];
        const moved = keys.filter((_, i) => old[i] !== grown[i]);
        for (const [i, key] of keys.entries()) {
          if (old[i] === grown[i]) continue;
          assert.ok(
            added.containers.some(({ id }) => id === grown[i]),
            `${key} moved between old places`,
          );
        }
        const share = keys.length / (nodes + 1);
        assert.ok(Math.abs(moved.length - share) < 6 * Math.sqrt(share), `${moved.length} moved of ${share}`);
      }),
      { numRuns: 60 },
    );
  });

  it("spreads keys evenly", () => {
    const index = indexOf([node("n1", ...Array.from({ length: 10 }, (_, i) => container(`c${i}`)))]);
    const counts = new Map<string | undefined, number>();
    for (const home of homes(index)) counts.set(home, (counts.get(home) ?? 0) + 1);
    for (const count of counts.values()) assert.ok(count > 130 && count < 270, `${[...counts]}`);
  });

  it("is the same from wherever it is asked", () => {
    const nodes = [node("n1", container("own"), container("a")), node("n2", container("c"), container("d"))];
    const views = [
      indexOf(nodes, INSIDE),
      indexOf([...nodes].reverse(), { node: "n2" }),
      indexOf(nodes, { node: undefined }),
    ];
    const [first, ...others] = views.map(homes);
    for (const other of others) assert.deepEqual(other, first);
  });

  it("goes on to the key's next place where its first refuses, for every caller the same", () => {
    const nodes = [node("n1", container("a"), container("b")), node("n2", container("c"))];
    const ranks = (index: DirectoryIndex) =>
      keys
        .slice(0, 50)
        .map((key) => order(index, request({ policy: "key", key }), view(), seededRandom(3)).map((p) => p.container));
    assert.deepEqual(ranks(indexOf(nodes)), ranks(indexOf(nodes, { node: "n2" })));
  });
});

describe("versions", () => {
  const versions = ["1.2.0", "1.4.9", "2.0.0-beta.1", "2.1.0"];
  const index = indexOf([node("n1", ...versions.map((version) => container(version, { version })))]);
  const table: [string, string[]][] = [
    ["", versions],
    ["^1.2", ["1.2.0", "1.4.9"]],
    ["~1.2.0", ["1.2.0"]],
    [">=2.0.0-alpha <2.1", ["2.0.0-beta.1"]],
    ["2.1.0", ["2.1.0"]],
    [">=1.4", ["1.4.9", "2.0.0-beta.1", "2.1.0"]],
    ["^3", []],
  ];
  for (const [range, expected] of table) {
    it(`'${range}' is served by ${expected.join(", ") || "none"}`, () => {
      const found = order(index, request({ range }), view(), seededRandom(1)).map(({ version }) => version);
      assert.deepEqual(found.sort(), expected);
    });
  }

  it("refuses what is no range", () => {
    const wrong = () => choose(index, request({ range: "latest-ish" }), view(), seededRandom(1));
    assert.throws(wrong, { name: "Fault", code: "invalid", message: /latest-ish/ });
  });
});

describe("order", () => {
  const entry = fc.record({
    state: fc.constantFrom("ready", "ready", "suspected", "draining"),
    running: fc.nat(3),
    waiting: fc.nat(20),
    free: fc.nat(3),
    version: fc.constantFrom("1.0.0", "2.0.0"),
    concurrency: fc.integer({ min: 1, max: 4 }),
  });
  const world = fc.record({
    nodes: fc.array(fc.array(entry, { maxLength: 5 }), { maxLength: 4 }),
    policy: fc.constantFrom("nearest", "locality", "round-robin", "key"),
    scope: fc.constantFrom(Scope.LOCAL, Scope.NETWORK, Scope.ANYWHERE),
    range: fc.constantFrom("", "^1", "^2"),
    seed: fc.nat(),
  });

  it("names every place that may be asked once and no other, beginning with what is chosen", () => {
    fc.assert(
      fc.property(world, ({ nodes, policy, scope, range, seed }) => {
        const entries = nodes.map((containers, i) =>
          node(`n${i + 1}`, ...containers.map((set, j) => container(`c${i}${j}`, set))),
        );
        const index = indexOf(entries);
        const asked = request({ policy, scope, range, key: String(seed) });
        const places = order(index, asked, view({ turn: seed }), seededRandom(seed));
        const may = entries
          .filter(({ id }) => scope !== Scope.LOCAL || id === "n1")
          .flatMap(({ containers }) => containers)
          .filter(
            ({ state, components }) =>
              state === "ready" && (range === "" || components[0]?.version.startsWith(range.slice(1))),
          )
          .map(({ id }) => id);
        const names = places.map((place) => place.container);
        assert.equal(new Set(names).size, names.length);
        assert.ok(names.every((name) => may.includes(name)));
        assert.equal(names.length, may.length);
        assert.equal(choose(index, asked, view({ turn: seed }), seededRandom(seed))?.container, names[0]);
      }),
      { numRuns: 400 },
    );
  });
});

describe("directory index", () => {
  it("takes over what did not change and nothing else", () => {
    const [n1, n2] = [node("n1", container("a")), node("n2", container("b"))];
    const first = indexOf([n1, n2]);
    const before = first.places(PATH, "");
    const changed: Directory = { nodes: [n1, node("n2", container("b", { running: 1, waiting: 7 }))] };
    const second = new DirectoryIndex(changed, first.self, new Map(), first);
    const after = second.places(PATH, "");
    assert.equal(after.node[0], before.node[0]);
    assert.notEqual(after.network[0], before.network[0]);
    assert.equal(after.network[0]?.others, 8);
    assert.equal(first.places(PATH, ""), before);
    assert.equal(first.places(PATH, "").network[0]?.others, 0);
  });

  it("does not go by the order of entries", () => {
    const containers = ["a", "b", "c"].map((id) => container(id));
    const one = indexOf([node("n2", ...containers), node("n3", container("d"))]).places(PATH, "");
    const other = indexOf([node("n3", container("d")), node("n2", ...containers.toReversed())]).places(PATH, "");
    assert.deepEqual(other, one);
  });

  it("stays right whatever and however much is asked of it", () => {
    const index = indexOf([node("n1", container("a"))]);
    for (let i = 0; i < 10_000; i++) {
      assert.equal(index.places(`no.Such${i}/Method`, "").all.length, 0);
      assert.equal(index.places(PATH, `>=0.0.${i}`).all.length, 1);
    }
    assert.equal(index.places(PATH, "").all.length, 1);
  });
});
