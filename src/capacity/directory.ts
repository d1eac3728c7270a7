// Who is there, as callers see it, and the same indexed for the question every call asks.
//
//   Directory (plain data) ── once per change ──▶ DirectoryIndex ── per call ──▶ the places of a path and range
//
// Invariants
//   D1. An index never changes what it answers. A change of the directory makes a new one.
//   D2. What follows from an entry that did not change is taken over from the index before, so that one node's news
//       costs that node's work and a look at the others.

import Range from "semver/classes/range.js";
import { Fault } from "../base/fault.ts";
import type { Address } from "../transports/transport.ts";
import { hashText } from "./hash.ts";
import { type Reaching, reachable } from "./reach.ts";

/** A component as a container serves it. */
export interface ServedComponent {
  /** Full name, as demo.v1.Digest. */
  readonly contract: string;
  /** Semver. */
  readonly version: string;
  /** Calls it works on at a time. */
  readonly concurrency: number;
}

export interface ContainerEntry {
  readonly id: string;
  /** Where it listens; the best for the caller is chosen from them. */
  readonly addresses: readonly Address[];
  readonly components: readonly ServedComponent[];
  /** Only what is `ready` gets new calls. */
  readonly state: "ready" | "suspected" | "draining";
  readonly running: number;
  readonly waiting: number;
  /** Calls its inbox would let in. */
  readonly free: number;
  /** Of a gateway: the machine that its components are of. Absent: they are its own. */
  readonly beyond?: string;
}

export interface NodeEntry {
  readonly id: string;
  /** Names its computer; absent where nobody said. */
  readonly host?: string;
  /** It is a whole machine: what it has is beyond its gateway. */
  readonly machine?: boolean;
  /** As its network sees it: one that is suspected is asked only where nobody else is left. Absent: alive. */
  readonly state?: "alive" | "suspected";
  /** Where its governor answers. */
  readonly doors: readonly Address[];
  readonly containers: readonly ContainerEntry[];
  /** What it could start, whether or not it runs now. */
  readonly offers: readonly { readonly contract: string; readonly version: string }[];
  /** Warm containers that take any component it offers. */
  readonly spares: number;
  /** Containers it may still start within its limits. */
  readonly startable: number;
  /** How long a spare, and a new container, took to answer lately, in ms; undefined before the first. */
  readonly spareMs?: number;
  readonly newMs?: number;
}

export interface Directory {
  readonly nodes: readonly NodeEntry[];
}

/** Who asks. */
export interface Self extends Reaching {
  /** The node it is on; undefined for a client that is on none. */
  readonly node: string | undefined;
  /** The container it is in, and how that one reaches itself. */
  readonly container?: { readonly id: string; readonly address: Address };
}

/** A container that serves a path, as one caller reaches it. */
export interface Place {
  /** `elsewhere`: beyond a gateway. */
  readonly ring: "self" | "node" | "network" | "elsewhere";
  readonly address: Address;
  readonly node: string;
  readonly container: string;
  readonly version: string;
  readonly concurrency: number;
  /** Calls that others had there when the entry came: all it had, less the caller's own at that moment. */
  readonly others: number;
  readonly free: number;
  /** Of the container's id. */
  readonly hash: number;
}

/** The places of one path and range, nearest ring first; within a ring by node and container id. */
export interface Places {
  readonly self: readonly Place[];
  readonly node: readonly Place[];
  readonly network: readonly Place[];
  /** Only for calls whose scope is anywhere. */
  readonly elsewhere: readonly Place[];
  /** self and node. */
  readonly local: readonly Place[];
  /** All but elsewhere. */
  readonly all: readonly Place[];
}

/** Paths and ranges remembered at a time; callers may ask for anything, so there is an end to it. */
const REMEMBERED = 4_096;

export class DirectoryIndex {
  readonly directory: Directory;
  readonly self: Self;
  readonly #byNode: Map<NodeEntry, ReadonlyMap<string, readonly Place[]>>;
  readonly #byPath = new Map<string, Map<string, Places>>();
  #rings: Map<Address, Place["ring"]> | undefined;

  /**
   * `outstanding`: the caller's own unanswered calls by address at this moment.
   * `before`: the index this one follows, for the same `self`.
   */
  constructor(
    directory: Directory,
    self: Self,
    outstanding: ReadonlyMap<Address, number> = new Map(),
    before?: DirectoryIndex,
  ) {
    this.directory = directory;
    this.self = self;
    const known = before === undefined ? undefined : before.#byNode;
    const nodes = [...directory.nodes].sort(byId);
    this.#byNode = new Map(nodes.map((node) => [node, known?.get(node) ?? placesOf(node, self, outstanding)]));
  }

  /** Throws the Fault `invalid` where `range` is no semver range. "" is any version. */
  places(path: string, range: string): Places {
    const found = this.#byPath.get(path)?.get(range);
    return found ?? this.#remember(path, range);
  }

  /** How far away an address of the directory is; undefined for one that is not in it. */
  ringOf(address: Address): Place["ring"] | undefined {
    if (this.#rings === undefined) {
      this.#rings = new Map();
      for (const byContract of this.#byNode.values()) {
        for (const places of byContract.values())
          for (const place of places) this.#rings.set(place.address, place.ring);
      }
    }
    return this.#rings.get(address);
  }

  #remember(path: string, range: string): Places {
    const slash = path.indexOf("/");
    const contract = slash < 0 ? path : path.slice(0, slash);
    const satisfies = rangeTest(range);
    const all: Place[] = [];
    for (const byContract of this.#byNode.values()) {
      for (const place of byContract.get(contract) ?? []) if (satisfies(place.version)) all.push(place);
    }
    const places = grouped(all);
    if (this.#byPath.size >= REMEMBERED) this.#byPath.clear();
    let ranges = this.#byPath.get(path);
    if (ranges === undefined || ranges.size >= REMEMBERED) {
      ranges = new Map();
      this.#byPath.set(path, ranges);
    }
    ranges.set(range, places);
    return places;
  }
}

/** Throws the Fault `invalid` for what is no range. */
export function rangeTest(range: string): (version: string) => boolean {
  if (range === "") return () => true;
  let parsed: Range;
  try {
    parsed = new Range(range, { includePrerelease: true });
  } catch (cause) {
    throw new Fault("invalid", `'${range}' is no semver range; write it as ^1.2 or >=1.2.0 <2`, { cause });
  }
  return (version) => parsed.test(version);
}

function placesOf(
  node: NodeEntry,
  self: Self,
  outstanding: ReadonlyMap<Address, number>,
): ReadonlyMap<string, readonly Place[]> {
  const byContract = new Map<string, Place[]>();
  const home = node.id === self.node;
  for (const container of [...node.containers].sort(byId)) {
    if (container.state !== "ready") continue;
    const own = home && container.id === self.container?.id ? self.container.address : undefined;
    const address = own ?? reachable(container.addresses, { ...node, home }, self)[0];
    if (address === undefined) continue;
    const others = Math.max(0, container.running + container.waiting - (outstanding.get(address) ?? 0));
    const hash = hashText(container.id);
    for (const { contract, version, concurrency } of container.components) {
      const isBeyond = node.machine === true || container.beyond !== undefined;
      const ring = isBeyond ? "elsewhere" : own !== undefined ? "self" : home ? "node" : "network";
      const { id } = container;
      // Of a suspected node nobody knows whether it still takes calls: it counts as full, and so comes last.
      const free = node.state === "suspected" ? 0 : container.free;
      const place = { ring, address, node: node.id, container: id, version, concurrency, others, free, hash } as const;
      const places = byContract.get(contract);
      if (places === undefined) byContract.set(contract, [place]);
      else places.push(place);
    }
  }
  return byContract;
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

function grouped(places: readonly Place[]): Places {
  const self = places.filter(({ ring }) => ring === "self");
  const node = places.filter(({ ring }) => ring === "node");
  const network = places.filter(({ ring }) => ring === "network");
  const elsewhere = places.filter(({ ring }) => ring === "elsewhere");
  const local = [...self, ...node];
  return { self, node, network, elsewhere, local, all: [...local, ...network] };
}
