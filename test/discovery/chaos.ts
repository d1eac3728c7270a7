// Bad days for a network of memberships, drawn from a seed, and the promises that hold all the same.
//
// Promises
//   P1. No live node is counted as dead by a node to which a path has existed for longer than PATH_MS. A path leads over
//       links that carry both ways, directly or through another that both see alive, and that sees both alive; up to 30 %
//       loss, slow nodes and flapping links of others do not break it, nor do pauses of the observer, nor pauses of the
//       other up to PAUSE_MS.
//   P2. Once all is mended, every node sees exactly the running ones as alive, with what each offers, within HEAL_MS.
//   P3. Nothing throws, and nobody remembers more than there is.
// On mild days, of the kinds that probes through others bridge:
//   P4. Nobody who runs is even suspected.
//   P5. Who crashes is counted as dead by all within DETECT_MS; who leaves, as having left within LEAVE_MS.

import { create, toBinary } from "@bufbuild/protobuf";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { EntrySchema } from "../../src/messages/gen/unum/wire/v1/membership_pb.ts";
import { entryOf, type NewMembership, type Sighting, type SimulatedNode, World } from "./world.ts";

/** The least suspicion, and what a probe that had already begun takes. */
export const PATH_MS = 6_000;
/** What is left of the least suspicion to refute in is 2 s. */
export const PAUSE_MS = 3_000;
/** Two intervals of asking the dead, one of comparing tables. */
export const HEAL_MS = 60_000;

/** What probes of five other nodes and the shortest suspicion take, and a margin for unlucky draws. */
const DETECT_MS = 15_000;
const LEAVE_MS = 10_000;

/** Paths change with what nodes know of each other, too. */
const RECKON_MS = 1_000;

export type FaultKind =
  | "crash"
  | "restart"
  | "pause"
  | "long pause"
  | "pause of two"
  | "one-way cut"
  | "split"
  | "loss"
  | "slow"
  | "flap"
  | "leave"
  | "join"
  | "load"
  | "doubled";

export const FAULT_KINDS: readonly FaultKind[] = [
  "crash",
  "restart",
  "pause",
  "long pause",
  "pause of two",
  "one-way cut",
  "split",
  "loss",
  "slow",
  "flap",
  "leave",
  "join",
  "load",
  "doubled",
];

const MILD_KINDS: readonly FaultKind[] = ["crash", "one-way cut", "leave", "join", "load", "doubled"];

export interface Fault {
  readonly atMs: number;
  readonly kind: FaultKind;
  /** Decides the rest. */
  readonly draw: number;
}

export interface Plan {
  readonly seed: number;
  readonly mild: boolean;
  readonly nodes: number;
  readonly lastsMs: number;
  readonly faults: readonly Fault[];
}

export interface Outcome {
  readonly broken: readonly string[];
  readonly counts: Readonly<Record<FaultKind, number>>;
  /** From the mending to convergence. */
  readonly healedMs: number;
}

export function planOf(seed: number): Plan {
  const random = seededRandom(seed);
  const mild = random.float() < 0.3;
  const nodes = mild ? 6 + random.below(5) : 3 + random.below(8);
  const lastsMs = 60_000 + random.below(60_000);
  const kinds = (mild ? MILD_KINDS : FAULT_KINDS).filter(() => random.float() < 0.6);
  const count = kinds.length === 0 ? 0 : 2 + random.below(14);
  const faults = Array.from({ length: count }, () => ({
    atMs: random.below(lastsMs),
    kind: kinds[random.below(kinds.length)] ?? "load",
    draw: random.u32(),
  }));
  faults.sort((a, b) => a.atMs - b.atMs);
  // A second link could leave too few proxies.
  const cuts = faults.filter(({ kind }) => kind === "one-way cut");
  return {
    seed,
    mild,
    nodes,
    lastsMs,
    faults: mild ? faults.filter((fault) => !cuts.slice(1).includes(fault)) : faults,
  };
}

export async function run(plan: Plan, newMembership?: NewMembership): Promise<Outcome> {
  const day = new BadDay(plan, newMembership);
  return await day.run();
}

class BadDay {
  readonly #plan: Plan;
  readonly #world: World;
  readonly #counts: Record<FaultKind, number>;
  readonly #broken: string[] = [];
  readonly #startedAt = new Map<string, number>();
  readonly #longPaused = new Set<string>();
  readonly #paused = new Set<string>();
  readonly #leaving = new Set<string>();
  readonly #loads = new Map<string, number>();
  /** As what one was last seen by another since that one started, by "a b". */
  readonly #seen = new Map<string, Sighting["state"]>();
  /** Who crashed or left on a mild day, and until when all are to know. */
  readonly #gone = new Map<string, { state: "dead" | "left"; byMs: number }>();
  /** Since when a path from one to the other exists, by "a b"; absent where there is none. */
  #paths = new Map<string, number>();

  constructor(plan: Plan, newMembership: NewMembership | undefined) {
    this.#plan = plan;
    this.#world = new World({ seed: plan.seed, nodes: plan.nodes, ...(newMembership && { newMembership }) });
    this.#world.onSighting = (sighting) => this.#judge(sighting);
    // Every kind is listed, so that one that never happens shows.
    this.#counts = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  }

  async run(): Promise<Outcome> {
    const world = this.#world;
    for (const node of world.nodes) {
      await this.#start(node);
      await world.clock.advance(50);
    }
    for (let at = 0; at < this.#plan.lastsMs; at += RECKON_MS) this.#later(at, () => {});
    for (const fault of this.#plan.faults) {
      await world.clock.advance(Math.max(0, fault.atMs - (world.clock.now() - 50 * this.#plan.nodes)));
      await this.#do(fault);
      this.#reckonPaths();
    }
    await world.clock.advance(5_000);
    this.#mend();
    const mendedAt = world.clock.now();
    const healed = await world.until(() => this.#converged(), HEAL_MS);
    if (!healed) this.#broken.push(`P2: not converged ${HEAL_MS} ms after all was mended: ${this.#differences()}`);
    for (const node of world.living) {
      const known = node.membership.members().length;
      if (known > world.nodes.length) this.#broken.push(`P3: ${node.id} knows ${known} of ${world.nodes.length} nodes`);
    }
    const healedMs = world.clock.now() - mendedAt;
    await world.close();
    return { broken: this.#broken, counts: this.#counts, healedMs };
  }

  async #start(node: SimulatedNode): Promise<void> {
    this.#paused.delete(node.id);
    this.#longPaused.delete(node.id);
    await this.#world.start(node);
    this.#startedAt.set(node.id, this.#world.clock.now());
    this.#loads.set(node.id, 0);
    for (const other of this.#world.nodes) this.#seen.delete(`${node.id} ${other.id}`);
    this.#reckonPaths();
  }

  async #do({ kind, draw }: Fault): Promise<void> {
    const world = this.#world;
    const random = seededRandom(draw);
    const living = world.living;
    const one = living[random.below(living.length)];
    const other = living[random.below(living.length)];
    if (one === undefined || other === undefined) return;
    const happened = await this.#happen(kind, { one, other, random });
    if (happened) this.#counts[kind]++;
  }

  async #happen(kind: FaultKind, of: { one: SimulatedNode; other: SimulatedNode; random: Random }): Promise<boolean> {
    const { one, other, random } = of;
    const world = this.#world;
    const { network } = world;
    switch (kind) {
      case "crash":
        if (world.living.length < (this.#plan.mild ? 6 : 3) || this.#isBusy()) return false;
        await world.crash(one);
        this.#isGone(one, "dead", DETECT_MS);
        return true;
      case "restart":
        if (world.living.length < 3) return false;
        await world.crash(one);
        this.#later(random.below(4_000), async () => {
          if (!one.alive) await this.#start(one);
        });
        return true;
      case "pause":
        return this.#pause(one, 200 + random.below(PAUSE_MS - 400), this.#paused);
      case "long pause":
        return this.#pause(one, PAUSE_MS + random.below(20_000), this.#longPaused);
      case "pause of two":
        // One is suspected while it stands still, and then the other, who suspects it.
        if (one === other || !this.#pause(one, PAUSE_MS - 300, this.#paused)) return false;
        this.#later(PAUSE_MS - 600, () => this.#pause(other, 6_000 + random.below(10_000), this.#longPaused));
        return true;
      case "one-way cut":
        if (one === other) return false;
        network.cut(one.host, other.host);
        this.#later(random.below(40_000), () => network.mend(one.host, other.host));
        return true;
      case "split": {
        const side = world.nodes.filter(() => random.float() < 0.5);
        const rest = world.nodes.filter((node) => !side.includes(node));
        world.split(side, rest);
        this.#later(1_000 + random.below(40_000), () => network.mendAll());
        return true;
      }
      case "loss":
        network.weather = { ...network.weather, loss: 0.3 * random.float() };
        this.#later(random.below(40_000), () => this.#calm());
        return true;
      case "doubled":
        network.weather = { ...network.weather, doubled: 0.5 };
        return true;
      case "slow":
        network.weather = { ...network.weather, delayMs: [1, 50 + random.below(300)] };
        this.#later(random.below(40_000), () => this.#calm());
        return true;
      case "flap":
        if (one === other) return false;
        for (let time = 0; time < 10; time++) {
          this.#later(time * 2_000, () => network.cut(one.host, other.host));
          this.#later(time * 2_000 + 1_000, () => network.mend(one.host, other.host));
        }
        return true;
      case "leave":
        if (world.living.length < 4) return false;
        one.alive = false;
        this.#leaving.add(one.id);
        this.#isGone(one, "left", LEAVE_MS);
        void one.membership.leave().then(() => this.#leaving.delete(one.id));
        return true;
      case "join": {
        const again = world.nodes.find(({ id, alive }) => !alive && !this.#leaving.has(id));
        if (again !== undefined) this.#gone.delete(again.id);
        await this.#start(again ?? world.add());
        return true;
      }
      case "load":
        for (let time = 0; time < 20; time++) this.#later(time * 300, () => this.#load(one));
        return true;
    }
  }

  #later(ms: number, act: () => unknown): void {
    this.#world.clock.after(ms, () => {
      act();
      this.#reckonPaths();
    });
  }

  #pause(node: SimulatedNode, ms: number, set: Set<string>): boolean {
    if (!node.alive || this.#paused.has(node.id) || this.#longPaused.has(node.id)) return false;
    set.add(node.id);
    const { clock } = node;
    this.#world.pause(node);
    this.#later(ms, () => {
      // Another process may run there by now.
      if (node.clock !== clock) return;
      set.delete(node.id);
      this.#world.resume(node);
    });
    return true;
  }

  #load(node: SimulatedNode): void {
    if (!node.alive) return;
    const load = (this.#loads.get(node.id) ?? 0) + 1;
    this.#loads.set(node.id, load);
    node.membership.update(entryOf(node, load));
  }

  #calm(): void {
    this.#world.network.weather = { delayMs: [0.2, 2], loss: 0, doubled: 0 };
  }

  #mend(): void {
    this.#world.network.mendAll();
    this.#calm();
    for (const node of this.#world.living) if (node.held !== undefined) this.#world.resume(node);
    this.#paused.clear();
    this.#longPaused.clear();
    this.#reckonPaths();
  }

  /** P5. Only those are asked who were there all the time. */
  #isGone(node: SimulatedNode, state: "dead" | "left", withinMs: number): void {
    if (!this.#plan.mild) return;
    const { clock } = this.#world;
    const gone = { state, byMs: clock.now() + withinMs };
    this.#gone.set(node.id, gone);
    const others = this.#world.living
      .filter((other) => other !== node && this.#seen.has(`${other.id} ${node.id}`))
      .map((other) => ({ other, process: other.clock }));
    this.#later(withinMs, () => {
      if (this.#gone.get(node.id) !== gone) return;
      for (const { other, process } of others) {
        if (!other.alive || other.clock !== process) continue;
        const seen = other.membership.members().find(({ id }) => id === node.id)?.state;
        if (seen !== state)
          this.#broken.push(`P5: ${node.id} is ${state}, and ${seen} to ${other.id} ${withinMs} ms later`);
      }
    });
  }

  /** On mild days one goes after the other. */
  #isBusy(): boolean {
    return [...this.#gone.values()].some(({ byMs }) => this.#world.clock.now() < byMs);
  }

  /** P1. Who was not counted as live by this node before does not die now. */
  #judge({ by, of, state, at }: Sighting): void {
    const name = `${by} ${of}`;
    const before = this.#seen.get(name);
    this.#seen.set(name, state);
    const subject = this.#world.nodes.find(({ id }) => id === of);
    if (subject === undefined || !subject.alive) return;
    if (this.#plan.mild && state === "suspect" && at - (this.#startedAt.get(of) ?? at) > PATH_MS) {
      this.#broken.push(`P4: ${by} suspects ${of} at ${Math.round(at)} ms`);
    }
    if (state !== "dead" || (before !== "alive" && before !== "suspect")) return;
    const since = this.#paths.get(name);
    if (since === undefined || at - since < PATH_MS) return;
    this.#broken.push(
      `P1: ${by} counts ${of} as dead at ${Math.round(at)} ms, to which a path has existed since ${Math.round(since)} ms`,
    );
  }

  /** Through each other node that runs; both ends may be in a short pause. */
  #reckonPaths(): void {
    const world = this.#world;
    const now = world.clock.now();
    const there = world.living.filter(({ id }) => !this.#longPaused.has(id));
    const relays = there.filter(({ id }) => !this.#paused.has(id));
    const views = new Map(world.living.map((node) => [node, liveOf(node)]));
    const know = (a: SimulatedNode, b: SimulatedNode) => views.get(a)?.has(b.id) && views.get(b)?.has(a.id);
    const linked = (a: SimulatedNode, b: SimulatedNode) =>
      !world.network.isCut(a.host, b.host) && !world.network.isCut(b.host, a.host);
    const paths = new Map<string, number>();
    for (const from of world.living) {
      for (const to of there) {
        if (from === to) continue;
        const before = this.#paths.get(`${from.id} ${to.id}`);
        // Who stands still cannot use a new path yet.
        if (before === undefined && this.#longPaused.has(from.id)) continue;
        const direct = linked(from, to);
        const through = relays.some(
          (relay) =>
            relay !== from && relay !== to && [from, to].every((end) => linked(end, relay) && know(end, relay)),
        );
        if (!direct && !through) continue;
        const fresh = Math.max(this.#startedAt.get(from.id) ?? now, this.#startedAt.get(to.id) ?? now);
        paths.set(`${from.id} ${to.id}`, Math.max(fresh, before ?? now));
      }
    }
    this.#paths = paths;
  }

  #converged(): boolean {
    return this.#world.converged() && this.#world.living.every((node) => this.#agrees(node));
  }

  /** What each offers is known as it is, loads included. */
  #agrees(node: SimulatedNode): boolean {
    const members = new Map(node.membership.members().map((member) => [member.id, member]));
    return this.#world.living.every((other) => {
      const entry = members.get(other.id)?.entry;
      const expected = entryBytes(entryOf(other, this.#loads.get(other.id) ?? 0));
      return entry !== undefined && Buffer.compare(toBinary(EntrySchema, entry), expected) === 0;
    });
  }

  #differences(): string {
    const living = new Set(this.#world.living.map(({ id }) => id));
    return this.#world.living
      .map((node) => {
        const seen = node.membership.members();
        const wrong = seen.filter(({ id, state }) => (state === "alive") !== living.has(id));
        const missing = [...living].filter((id) => !seen.some((member) => member.id === id));
        const text = [...wrong.map(({ id, state }) => `${id} ${state}`), ...missing.map((id) => `${id} unknown`)].join(
          ", ",
        );
        return text === "" ? `${node.id}: ${this.#agrees(node) ? "right" : "old entries"}` : `${node.id}: ${text}`;
      })
      .join("; ");
  }
}

function liveOf({ membership }: SimulatedNode): ReadonlySet<string> {
  return new Set(
    membership.members().flatMap(({ id, state }) => (state === "alive" || state === "suspect" ? [id] : [])),
  );
}

function entryBytes(entry: ReturnType<typeof entryOf>): Uint8Array {
  return toBinary(EntrySchema, create(EntrySchema, entry));
}
