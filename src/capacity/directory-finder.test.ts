import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../base/random.ts";
import { type Envelope, envelope, Kind, type Preference, Scope } from "../messages/envelope.ts";
import type { ContainerEntry, NodeEntry } from "./directory.ts";
import { DirectoryFinder, type DirectoryFinderParts } from "./directory-finder.ts";

const PATH = "demo.v1.Digest/OfFile";

function container(id: string, running = 0): ContainerEntry {
  const components = [{ contract: "demo.v1.Digest", version: "1.0.0", concurrency: 1 }];
  return { id, addresses: [`tcp://h/${id}`], components, state: "ready", running, waiting: 0, free: 9 };
}

function node(id: string, ...containers: ContainerEntry[]): NodeEntry {
  const offers = [{ contract: "demo.v1.Digest", version: "1.0.0" }];
  return { id, doors: [`tcp://${id}`], containers, offers, spares: 0, startable: 1 };
}

function request(set: Partial<Envelope> = {}): Envelope {
  return envelope({ kind: Kind.CALL, id: 1, to: PATH, ...set });
}

const nobody: ReadonlySet<string> = new Set();

function finder(nodes: NodeEntry[], set: Partial<DirectoryFinderParts> = {}): DirectoryFinder {
  const self = { node: "n1", container: { id: "own", address: "direct://own" } };
  const made = new DirectoryFinder({ random: seededRandom(1), self, ...set });
  made.update({ nodes });
  return made;
}

describe("finding by the directory", () => {
  it("names nobody before there is a directory", () => {
    const self = { node: undefined };
    const empty = new DirectoryFinder({ random: seededRandom(1), self });
    assert.equal(empty.next(request(), nobody, new Map()), undefined);
    assert.deepEqual(empty.all(request()), []);
  });

  it("names one after the other until all were tried", () => {
    const found = finder([node("n1", container("own"), container("a")), node("n2", container("b"))]);
    const tried = new Set<string>();
    for (;;) {
      const address = found.next(request(), tried, new Map());
      if (address === undefined) break;
      tried.add(address);
    }
    assert.deepEqual([...tried], ["direct://own", "tcp://h/a", "tcp://h/b"]);
  });

  it("names everyone in scope for a broadcast", () => {
    const found = finder([node("n1", container("own"), container("a")), node("n2", container("b"))]);
    assert.deepEqual(found.all(request()), ["direct://own", "tcp://h/a", "tcp://h/b"]);
    assert.deepEqual(found.all(request({ scope: Scope.LOCAL })), ["direct://own", "tcp://h/a"]);
    assert.deepEqual(found.all(request({ version: "^2" })), []);
  });

  it("stays in its own container for a call out of a function that runs there", () => {
    const found = finder([node("n1", container("own", 1), container("a"))]);
    assert.equal(found.next(request(), nobody, new Map()), "tcp://h/a");
    assert.equal(found.next(request({ chain: ["other:1", "own:7"] }), nobody, new Map()), "direct://own");
    assert.equal(found.next(request({ chain: ["own:7", "other:1"] }), nobody, new Map()), "tcp://h/a");
  });

  it("places by the policy of the call, in turn where that is said, and by key at the same one", () => {
    const found = finder([node("n2", container("a"), container("b"))]);
    const asked = (prefer: Preference) => found.next(request({ prefer }), nobody, new Map());
    const turns = [1, 2, 3, 4].map(() => asked({ policy: "round-robin", key: "" }));
    assert.deepEqual(turns, ["tcp://h/a", "tcp://h/b", "tcp://h/a", "tcp://h/b"]);
    const byKey = (key: string) => new Set([1, 2, 3, 4].map(() => asked({ policy: "key", key })));
    const keys = ["ada", "grace", "edsger", "barbara", "alan", "donald"];
    for (const key of keys) assert.equal(byKey(key).size, 1);
    assert.equal(new Set(keys.flatMap((key) => [...byKey(key)])).size, 2);
  });

  it("offers a climb who serves the call, with its ring, and who may be asked for more", () => {
    const found = finder([node("n1", container("a")), node("n2", container("b"))]);
    const tried = new Set<string>();
    const offers = found.offers(request(), tried, new Map());
    assert.deepEqual(offers.candidate(), { ring: "node", address: "tcp://h/a" });
    tried.add("tcp://h/a");
    assert.deepEqual(offers.candidate(), { ring: "network", address: "tcp://h/b" });
    tried.add("tcp://h/b");
    assert.equal(offers.candidate(), undefined);
    assert.deepEqual(
      offers.demands().map(({ ring, node: id }) => [ring, id]),
      [
        ["new", "n1"],
        ["door", "n2"],
      ],
    );
  });
});
