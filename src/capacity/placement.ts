// Where a call goes first, and where next: a guess from the directory. The inbox decides.
//
// nearest      the nearest ring with a place that would begin at once; in it the less loaded of two chosen at random
//              (Mitzenmacher, The Power of Two Choices, 1996: nearly as even as asking all, and no herd runs after one
//              stale figure). Where nobody would begin at once, the shortest queue of two a ring, a longer way counting
//              as calls that wait.
// locality     the same, but a ring is left only when its inboxes are full.
// round-robin  in turn over all places in scope.
// key          by rendezvous hashing (Thaler & Ravishankar, 1998): every caller sends a key to the same container, and one
//              that comes or goes moves no keys but its own.
//
// Runs once per call and makes nothing: bench/placement.ts shows it.

import type { Random } from "../base/random.ts";
import { Scope } from "../messages/envelope.ts";
import type { Address } from "../transports/transport.ts";
import type { DirectoryIndex, Place, Places } from "./directory.ts";
import { hashText, mixed } from "./hash.ts";

export type Policy = "nearest" | "locality" | "round-robin" | "key";

export interface PlacementRequest {
  /** package.Contract/Method. */
  readonly path: string;
  /** Semver range; "" for any. */
  readonly range: string;
  readonly scope: Scope;
  readonly policy: Policy;
  /** What the policy `key` goes by. */
  readonly key: string;
}

/** What the caller alone knows. */
export interface CallerView {
  /** Its own unanswered calls by address. */
  readonly outstanding: ReadonlyMap<Address, number>;
  /** Grows by one with each call; what the policy `round-robin` goes by. */
  readonly turn: number;
  /** Whether the call comes from a function that runs in the caller's own container and waits: that one's place is open to it. */
  readonly inFrame: boolean;
}

/** How many waiting calls a shorter way is worth. */
const WAY = { self: 0, node: 1, network: 4, elsewhere: 16 } as const;

/** Places of one ring looked at for one that would begin at once, where the two chosen would not. */
const LOOKS = 8;

/** The place to ask next, passing over the addresses already `tried`. Undefined when none is left. Throws where the range is none. */
export function choose(
  index: DirectoryIndex,
  request: PlacementRequest,
  view: CallerView,
  random: Random,
  tried?: ReadonlySet<Address>,
): Place | undefined {
  const known = index.places(request.path, request.range);
  const places = tried === undefined || tried.size === 0 ? known : without(known, tried);
  const local = request.scope === Scope.LOCAL;
  const beyond = request.scope === Scope.ANYWHERE ? places.elsewhere : NOWHERE;
  switch (request.policy) {
    case "key":
      return byKey(inScope(places, request.scope), request.key);
    case "round-robin":
      return inTurn(inScope(places, request.scope), view.turn);
    case "locality":
      return local ? stayingNear(places, view, random) : stayingNear(places, view, random, places.network, beyond);
    case "nearest":
      return local ? nearest(places, view, random) : nearest(places, view, random, places.network, beyond);
  }
}

function nearest(
  { self, node }: Places,
  view: CallerView,
  random: Random,
  network: readonly Place[] = NOWHERE,
  elsewhere: readonly Place[] = NOWHERE,
): Place | undefined {
  const own = self[0];
  if (own !== undefined && beginsAtOnce(own, view)) return own;
  const near = lessLoaded(node, view, random);
  if (near !== undefined && beginsAtOnce(near, view)) return near;
  const nearAtOnce = lookedUp(node, view, random);
  if (nearAtOnce !== undefined) return nearAtOnce;
  const far = lessLoaded(network, view, random);
  if (far !== undefined && beginsAtOnce(far, view)) return far;
  const farAtOnce = lookedUp(network, view, random);
  if (farAtOnce !== undefined) return farAtOnce;
  const within = shorter(own, shorter(near, far, view), view);
  if (elsewhere.length === 0) return within;
  const beyond = lessLoaded(elsewhere, view, random);
  return beyond !== undefined && beginsAtOnce(beyond, view) ? beyond : shorter(within, beyond, view);
}

function stayingNear(
  { self, node }: Places,
  view: CallerView,
  random: Random,
  network: readonly Place[] = NOWHERE,
  elsewhere: readonly Place[] = NOWHERE,
): Place | undefined {
  const own = self[0];
  if (own !== undefined && own.free > 0) return own;
  const near = withRoom(node, view, random);
  if (near !== undefined && near.free > 0) return near;
  const far = withRoom(network, view, random);
  if (far !== undefined && far.free > 0) return far;
  const beyond = withRoom(elsewhere, view, random);
  return beyond !== undefined && beyond.free > 0 ? beyond : (own ?? near ?? far ?? beyond);
}

/** Beyond gateways only where nobody is left on this side. */
function inScope({ local, all, elsewhere }: Places, scope: Scope): readonly Place[] {
  if (scope === Scope.LOCAL) return local;
  return all.length === 0 && scope === Scope.ANYWHERE ? elsewhere : all;
}

function inTurn(places: readonly Place[], turn: number): Place | undefined {
  for (let step = 0; step < places.length; step++) {
    const place = places[(turn + step) % places.length];
    if (place !== undefined && place.free > 0) return place;
  }
  return places[turn % Math.max(1, places.length)];
}

function byKey(places: readonly Place[], key: string): Place | undefined {
  const hash = hashText(key);
  let found: Place | undefined;
  let highest = -1;
  for (const place of places) {
    const score = mixed(hash ^ place.hash);
    // Equals by id, so that every process decides alike.
    if (score < highest || (score === highest && found !== undefined && found.container < place.container)) continue;
    highest = score;
    found = place;
  }
  return found;
}

/** The less loaded of two; where both are full, one that is not. */
function withRoom(places: readonly Place[], view: CallerView, random: Random): Place | undefined {
  const chosen = lessLoaded(places, view, random);
  return chosen === undefined || chosen.free > 0 ? chosen : (places.find(({ free }) => free > 0) ?? chosen);
}

/** One that would begin at once, among a few side by side. */
function lookedUp(places: readonly Place[], view: CallerView, random: Random): Place | undefined {
  const count = places.length;
  if (count < 3) return undefined; // both were looked at
  const start = random.below(count);
  for (let step = 0; step < Math.min(LOOKS, count); step++) {
    const place = places[(start + step) % count];
    if (place !== undefined && beginsAtOnce(place, view)) return place;
  }
  return undefined;
}

function lessLoaded(places: readonly Place[], view: CallerView, random: Random): Place | undefined {
  const count = places.length;
  if (count < 2) return places[0];
  const first = random.below(count);
  // Any but the first, all alike.
  const second = (first + 1 + (count === 2 ? 0 : random.below(count - 1))) % count;
  const [a, b] = [places[first], places[second]];
  if (a === undefined || b === undefined) return a ?? b;
  if (a.free <= 0 !== b.free <= 0) return a.free > 0 ? a : b;
  const load = loadOf(a, view);
  return load <= 0 || load <= loadOf(b, view) ? a : b;
}

function shorter(a: Place | undefined, b: Place | undefined, view: CallerView): Place | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.free <= 0 !== b.free <= 0) return a.free > 0 ? a : b;
  return loadOf(a, view) + WAY[a.ring] <= loadOf(b, view) + WAY[b.ring] ? a : b;
}

function beginsAtOnce(place: Place, view: CallerView): boolean {
  return place.free > 0 && loadOf(place, view) < 1;
}

/** Calls there for each that can be worked on at a time. */
function loadOf(place: Place, view: CallerView): number {
  const calls = place.others + (view.outstanding.get(place.address) ?? 0);
  return (place.ring === "self" && view.inFrame ? calls - 1 : calls) / place.concurrency;
}

function without({ self, node, network, elsewhere }: Places, tried: ReadonlySet<Address>): Places {
  const left = (places: readonly Place[]) => places.filter(({ address }) => !tried.has(address));
  const kept = { self: left(self), node: left(node), network: left(network), elsewhere: left(elsewhere) };
  const local = [...kept.self, ...kept.node];
  return { ...kept, local, all: [...local, ...kept.network] };
}

const NOWHERE: readonly Place[] = [];
