// A network of memberships on pretended datagrams and a virtual clock, and an observer who knows what is really so.

import { create } from "@bufbuild/protobuf";
import { Fault } from "../../src/base/fault.ts";
import { silentLog } from "../../src/base/log.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import type { Member } from "../../src/discovery/members.ts";
import { newMembership as realMembership } from "../../src/discovery/membership.ts";
import type { Membership, MembershipOptions } from "../../src/discovery/options.ts";
import { DEFAULT_SETTINGS, type MembershipSettings } from "../../src/discovery/settings.ts";
import { SyncRequestSchema } from "../../src/messages/gen/unum/wire/v1/membership_pb.ts";
import { DatagramNetwork } from "../../src/testing/datagram-network.ts";
import { ProcessClock } from "../../src/testing/process-clock.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

export type NewMembership = typeof realMembership;

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly settings?: Partial<MembershipSettings>;
  /** The code under test, where it is not the real one. */
  readonly newMembership?: NewMembership;
  readonly key?: Uint8Array;
  /** Milliseconds between the starts of two nodes. */
  readonly startApartMs?: number;
  /** What each node offers. Default: one container with two components. */
  readonly entryOf?: (node: { id: string }) => Parameters<Membership["update"]>[0];
}

/** What somebody was seen to say of somebody else. */
export interface Sighting {
  readonly at: number;
  readonly by: string;
  readonly of: string;
  readonly state: Member["state"];
  readonly incarnation: number;
}

const PORT = 7_100;

export class SimulatedNode {
  readonly id: string;
  readonly host: string;
  incarnation = 1;
  clock!: ProcessClock;
  membership!: Membership;
  alive = false;
  /** What came while it stood still. */
  held: (() => void)[] | undefined;

  constructor(id: string, host: string) {
    this.id = id;
    this.host = host;
  }

  get address(): string {
    return `${this.host}:${PORT}`;
  }
}

export class World {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly network: DatagramNetwork;
  readonly nodes: SimulatedNode[] = [];
  readonly #byAddress = new Map<string, SimulatedNode>();
  /** Called with each sighting, as it is made. To be set before the nodes start. */
  onSighting: ((sighting: Sighting) => void) | undefined;
  readonly #options: WorldOptions;
  syncBytes = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    this.network = new DatagramNetwork({ clock: this.clock, random: this.random.fork() });
    for (let number = 0; number < options.nodes; number++) this.#place(number);
  }

  #place(number: number): SimulatedNode {
    const host = `127.${1 + Math.floor(number / 62_500)}.${Math.floor(number / 250) % 250}.${1 + (number % 250)}`;
    const node = new SimulatedNode(`node-${String(number).padStart(4, "0")}`, host);
    this.nodes.push(node);
    this.#byAddress.set(node.address, node);
    return node;
  }

  /** A further node, not started. */
  add(): SimulatedNode {
    return this.#place(this.nodes.length);
  }

  /** Starts all that are there, one after the other. */
  async startAll(): Promise<void> {
    for (const node of this.nodes) {
      await this.start(node);
      await this.clock.advance(this.#options.startApartMs ?? 20);
    }
  }

  /**
   * Starts all, and brings them together as if each had compared tables with one who knows everybody. Finding each other
   * costs n nodes n² statements told a dozen times each, which is not what a test of a large network is about.
   */
  async startTogether(): Promise<void> {
    for (const node of this.nodes) await this.start(node, { seeds: [] });
    // Until each has published what it offers.
    await this.clock.advance(3_000);
    this.#introduce();
  }

  #introduce(): void {
    const request = { network: this.#options.settings?.network ?? DEFAULT_SETTINGS.network, from: "introduced" };
    const rumours = this.living.flatMap(({ id, membership }) => {
      const asked = create(SyncRequestSchema, { ...request, wanted: [id] });
      return membership.answerSync(asked).rumours;
    });
    const told = create(SyncRequestSchema, { ...request, rumours });
    for (const { membership } of this.living) membership.answerSync(told);
  }

  /** Also after a crash: with the same id, and a greater incarnation as from its state folder. */
  async start(node: SimulatedNode, over: { incarnation?: number; seeds?: string[] } = {}): Promise<void> {
    const clock = new ProcessClock(this.clock, { offsetMs: this.random.float() * 1e6, rate: 1 });
    const [first, second] = this.nodes;
    const seeds = over.seeds ?? [first, second].flatMap((seed) => (seed === undefined ? [] : [seed.address]));
    node.clock = clock;
    node.alive = true;
    const options: MembershipOptions = {
      clock,
      random: this.random.fork(),
      log: silentLog,
      datagrams: this.network.host(node.host, { deliver: (fire) => this.#deliver(node, clock, fire) }),
      self: {
        id: node.id,
        incarnation: over.incarnation ?? node.incarnation++,
        listen: { host: node.host, port: PORT },
        doors: [`tls://${node.host}:7000`],
      },
      seeds,
      sync: (peer, request) => this.#sync(node, peer, request),
      ...(this.#options.settings === undefined ? {} : { settings: this.#options.settings }),
      ...(this.#options.key === undefined ? {} : { key: this.#options.key }),
    };
    const membership = (this.#options.newMembership ?? realMembership)(options);
    node.membership = membership;
    membership.update((this.#options.entryOf ?? entryOf)(node));
    // Not listening is cheaper, with many nodes.
    if (this.onSighting !== undefined) {
      membership.onChange((changed) => {
        for (const { id: of, state, incarnation } of changed) {
          this.onSighting?.({ at: this.clock.now(), by: node.id, of, state, incarnation });
        }
      });
    }
    await membership.start();
  }

  /** The process stands still: SIGSTOP, a debugger, a laptop asleep. */
  pause(node: SimulatedNode): void {
    node.held ??= [];
    node.clock.pause();
  }

  /** As in Node's loop, timers that have become due run before what the sockets hold. */
  resume(node: SimulatedNode): void {
    const held = node.held ?? [];
    node.clock.resume();
    this.clock.after(1, () => {
      node.held = undefined;
      for (const fire of held) node.clock.deliver(fire);
    });
  }

  #deliver(node: SimulatedNode, clock: ProcessClock, fire: () => void): void {
    if (node.held === undefined) clock.deliver(fire);
    else node.held.push(fire);
  }

  /** The process is gone, without a word. */
  async crash(node: SimulatedNode): Promise<void> {
    node.alive = false;
    node.held = undefined;
    node.clock.kill();
    await node.membership.close();
  }

  /** The door, as a connection over the same roads: both ways must be open. */
  async #sync(node: SimulatedNode, peer: Member, request: Parameters<Membership["answerSync"]>[0]) {
    const other = this.#byAddress.get(peer.address);
    await this.#travel(node, other);
    if (other === undefined || !other.alive) throw new Fault("undeliverable", "nobody there");
    const reply = await new Promise<ReturnType<Membership["answerSync"]>>((resolve, reject) => {
      this.#deliver(other, other.clock, () => {
        try {
          resolve(other.membership.answerSync(request));
        } catch (thrown) {
          reject(thrown);
        }
      });
    });
    await this.#travel(node, other);
    return reply;
  }

  #travel(from: SimulatedNode, to: SimulatedNode | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const cut = to === undefined || this.network.isCut(from.host, to.host) || this.network.isCut(to.host, from.host);
      const arrived = () => (cut ? reject(new Fault("undeliverable", "no connection")) : resolve());
      this.clock.after(cut ? 3_000 : 2 + this.random.float() * 3, () => this.#deliver(from, from.clock, arrived));
    });
  }

  get living(): SimulatedNode[] {
    return this.nodes.filter(({ alive }) => alive);
  }

  /** Whether every living node sees exactly the living ones as alive. */
  converged(among: readonly SimulatedNode[] = this.living): boolean {
    const expected = new Set(among.map(({ id }) => id));
    return among.every((node) => {
      if (node.membership.stats().alive !== expected.size) return false;
      return node.membership.members().every(({ id, state }) => state !== "alive" || expected.has(id));
    });
  }

  /** Whether `done` became true, looked at every quarter of a second. */
  async until(done: () => boolean, withinMs: number): Promise<boolean> {
    for (let waited = 0; waited < withinMs && !done(); waited += 250) await this.clock.advance(250);
    return done();
  }

  /** Splits the network: nothing travels between the two sides. */
  split(one: readonly SimulatedNode[], other: readonly SimulatedNode[]): void {
    for (const a of one) {
      for (const b of other) {
        this.network.cut(a.host, b.host);
        this.network.cut(b.host, a.host);
      }
    }
  }

  async close(): Promise<void> {
    for (const node of this.living) await node.membership.close();
  }
}

export function entryOf(node: { id: string }, load = 0) {
  return {
    containers: [
      {
        id: `${node.id}-c1`,
        addresses: [`ipc:///run/unum/${node.id}/c1.sock`, `tls://${node.id}:7001`],
        components: [
          { contract: "demo.v1.Digest", version: "1.2.0", concurrency: 1 },
          { contract: "demo.v1.Archive", version: "0.3.1", concurrency: 4 },
        ],
        waiting: load,
        running: load % 3,
        free: 64 - (load % 64),
      },
    ],
    spares: 1,
    limits: { containers: 4, memoryMb: 2_048 },
    unum: "0.1.0",
  };
}
