// A client that finds its way: it comes in by any door, is told who is there, and goes on when that door is gone.
//
//   doors ──Find──▶ directory ──▶ finder of every call
//     ▲                └──▶ further doors, for when this one closes
//     └── again every REFRESH_MS, and at once when no door answered
//
// Invariants
//   N1. One door is asked at a time; after each failure the next, those that were given first.
//   N2. The directory in hand is used until a newer one of the same node, or one of another node, has come.

import type { Timer } from "../base/clock.ts";
import type { Env } from "../base/env.ts";
import { asError, Fault } from "../base/fault.ts";
import { newId } from "../base/random.ts";
import type { ContainerEntry, NodeEntry, Self } from "../capacity/directory.ts";
import { DirectoryFinder } from "../capacity/directory-finder.ts";
import { nodeEntryOf } from "../capacity/directory-wire.ts";
import { reachable } from "../capacity/reach.ts";
import type { Offers } from "../capacity/rings.ts";
import { Container } from "../messages/gen/unum/control/v1/container_pb.ts";
import { Node } from "../messages/gen/unum/control/v1/node_pb.ts";
import type { CallWatch } from "../messages/watch.ts";
import { stack } from "../transports/stack.ts";
import type { Address, Transport } from "../transports/transport.ts";
import { Caller, type CallerParts, modeName } from "./caller.ts";
import { BoundCalls, type Client, newClient } from "./client.ts";

export interface NodeClientSettings {
  readonly env: Pick<Env, "clock" | "random" | "log">;
  /** Closed with the client. */
  readonly transports: readonly Transport[];
  /** Doors of nodes, at least one. */
  readonly seeds: readonly Address[];
  readonly id?: string;
  readonly limit?: number;
  /** Told of every call that is made, as by `openTelemetry()`. */
  readonly watch?: CallWatch | undefined;
  /** What the transports lead to; tls:// without certificates is an address they serve and cannot use. Default: all. */
  readonly reaches?: (address: Address) => boolean;
  /** How long the first directory is waited for, in ms. Default 5,000. */
  readonly withinMs?: number;
}

export interface NodeClient extends Client {
  /** As the door tells: itself first. */
  nodes(): readonly NodeEntry[];
  /** What runs anywhere it knows of, each contract and version once. */
  components(): readonly { readonly contract: string; readonly version: string }[];
  /** Asks every container that takes calls what it serves. Those that do not answer in time (default 5,000 ms) are left out. */
  describe(options?: { readonly ttlMs?: number }): Promise<readonly Described[]>;
}

/** What one container says of itself. */
export interface Described {
  readonly node: string;
  readonly container: string;
  /** Where it was asked. */
  readonly address: Address;
  readonly components: readonly DescribedComponent[];
}

export interface DescribedComponent {
  readonly contract: string;
  readonly version: string;
  /** Calls worked on at a time. */
  readonly concurrency: number;
  readonly budgetMs: number;
  /** `mode`: SYNC, ASYNC, STREAM or BROADCAST; `input` and `output` are full names of messages. */
  readonly methods: readonly {
    readonly name: string;
    readonly mode: string;
    readonly input: string;
    readonly output: string;
  }[];
}

const REFRESH_MS = 250;
/** For a call that finds nobody: the door may know of more by now. */
const SOON_MS = 20;
/** So often in a row; one more each time that it would have been asked anyway. */
const MOST_SOON = 25;
const FIND_TTL_MS = 2_000;
const LONGEST_PAUSE_MS = 2_000;

/** Rejects with `undeliverable` where no door has answered in time. */
export async function newNodeClient(settings: NodeClientSettings): Promise<NodeClient> {
  const { env, seeds, limit = 65_536, withinMs = 5_000 } = settings;
  if (seeds.length === 0) throw new Fault("invalid", "no seed is given; give the address of a node's door");
  const id = settings.id ?? newId(env.random, "c");
  const transport = stack(settings.transports);
  const client = new DiscoveringClient(
    { env, transport, id, limit, watch: settings.watch },
    seeds,
    settings.reaches ?? (() => true),
  );
  try {
    await client.first(withinMs);
  } catch (error) {
    await client.close();
    throw error;
  }
  return client;
}

class DiscoveringClient extends BoundCalls implements NodeClient {
  readonly #env: Pick<Env, "clock" | "random" | "log">;
  readonly #caller: Caller;
  readonly #doors: Doors;
  readonly #seeds: readonly Address[];
  readonly #reaches: (address: Address) => boolean;
  readonly #transport: Transport;
  #self: Self = { node: undefined };
  #finder: DirectoryFinder;
  #nodes: readonly NodeEntry[] = [];
  #known: readonly Address[] = [];
  #told: { readonly node: string; readonly version: bigint } = { node: "", version: 0n };
  /** The one that answered last, or is to be asked next. */
  #door: Address = "";
  #failures = 0;
  #answeredAt = 0;
  #soonLeft = MOST_SOON;
  #timer: Timer | undefined;
  /** N1 */
  #asking: Promise<Error | undefined> | undefined;
  #closed = false;

  constructor(
    parts: Omit<CallerParts, "finder"> & { readonly env: Pick<Env, "clock" | "random" | "log"> },
    seeds: readonly Address[],
    reaches: (address: Address) => boolean,
  ) {
    super();
    const { env, transport, id } = parts;
    this.#env = env;
    this.#caller = new Caller({
      ...parts,
      door: () => (this.#door === "" ? undefined : this.#door),
      finder: {
        next: (request, tried, open) => this.#finder.next(request, tried, open),
        all: (request) => this.#finder.all(request),
        offers: (request, tried, open) => this.#offers(request, tried, open),
        ringOf: (address) => this.#finder.ringOf(address),
      },
    });
    this.#seeds = seeds;
    this.#reaches = reaches;
    this.#transport = transport;
    this.#doors = new Doors(env, transport, id);
    this.#finder = new DirectoryFinder({ random: env.random, self: { node: undefined, reaches } });
  }

  protected override get caller(): Caller {
    return this.#caller;
  }

  get id(): string {
    return this.#caller.id;
  }

  get finder(): DirectoryFinder {
    return this.#finder;
  }

  nodes(): readonly NodeEntry[] {
    return this.#nodes;
  }

  components(): readonly { readonly contract: string; readonly version: string }[] {
    const all = new Map<string, { contract: string; version: string }>();
    for (const { containers } of this.#nodes) {
      for (const { contract, version } of containers.flatMap(({ components }) => components)) {
        all.set(`${contract} ${version}`, { contract, version });
      }
    }
    return [...all.values()];
  }

  async first(withinMs: number): Promise<void> {
    const { clock } = this.#env;
    const until = clock.now() + withinMs;
    for (;;) {
      const failure = await this.#ask();
      if (failure === undefined) return;
      const allAsked = this.#failures >= this.#seeds.length;
      if (clock.now() >= until && allAsked) {
        throw new Fault("undeliverable", `no door of a node has answered: ${failure.message}`, { cause: failure });
      }
      if (allAsked) await new Promise<void>((resolve) => clock.after(REFRESH_MS, resolve));
    }
  }

  async describe({ ttlMs = 5_000 }: { readonly ttlMs?: number } = {}): Promise<readonly Described[]> {
    const asked = this.#nodes.flatMap((node) =>
      node.containers
        .filter(({ state }) => state === "ready")
        .map((container) => this.#describe(node, container, ttlMs)),
    );
    return (await Promise.all(asked)).filter((described) => described !== undefined);
  }

  async #describe(node: NodeEntry, { addresses }: ContainerEntry, ttlMs: number): Promise<Described | undefined> {
    const home = node.id === this.#self.node;
    const [address] = reachable(addresses, { ...node, home }, this.#self);
    if (address === undefined) return undefined;
    // Not closed: the transport is that of this client.
    const client = newClient({ env: this.#env, transports: [this.#transport], to: [address] });
    const answer = await client
      .of(Container)
      .describe({}, { ttlMs })
      .catch(() => undefined);
    if (answer === undefined) return undefined;
    const components = answer.components.map(({ contract, version, concurrency, budgetMs, methods }) => ({
      ...{ contract, version, concurrency, budgetMs },
      methods: methods.map(({ name, mode, input, output }) => ({ name, mode: modeName(mode), input, output })),
    }));
    return { node: node.id, container: answer.container, address, components };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#caller.close();
  }

  #offers(...[request, tried, open]: Parameters<DirectoryFinder["offers"]>): Offers {
    const offers = this.#finder.offers(request, tried, open);
    return {
      ...offers,
      demands: () => {
        const demands = offers.demands();
        if (demands.length === 0) this.#askSoon();
        return demands;
      },
    };
  }

  /** A call waits, and no node here is known to have room: who was lost may count as running still, or another be there by now. */
  #askSoon(): void {
    if (this.#closed || this.#asking !== undefined || this.#failures > 0 || this.#soonLeft === 0) return;
    this.#soonLeft--;
    this.#timer?.cancel();
    const ageMs = this.#env.clock.now() - this.#answeredAt;
    this.#timer = this.#env.clock.after(Math.max(0, SOON_MS - ageMs), () => void this.#ask());
  }

  /** Asks one door, or waits for the answer that is under way; undefined when it has answered. The next time follows by itself. */
  #ask(): Promise<Error | undefined> {
    this.#timer?.cancel();
    this.#asking ??= this.#askNext().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askNext(): Promise<Error | undefined> {
    const doors = [...new Set([...this.#seeds, ...this.#known])];
    const place = Math.max(0, doors.indexOf(this.#door));
    const door = doors[place] ?? "";
    let failure: Error | undefined;
    try {
      this.#learn(door, await this.#doors.find(door));
      this.#failures = 0;
      this.#answeredAt = this.#env.clock.now();
      this.#door = door;
    } catch (error) {
      failure = asError(error);
      this.#door = doors[(place + 1) % doors.length] ?? "";
      this.#failures++;
    }
    this.#timer?.cancel();
    if (!this.#closed)
      this.#timer = this.#env.clock.after(this.#pauseMs(doors.length), () => {
        this.#soonLeft = Math.min(MOST_SOON, this.#soonLeft + 1);
        void this.#ask();
      });
    return failure;
  }

  #pauseMs(doors: number): number {
    if (this.#failures === 0) return REFRESH_MS;
    // Every door once without a pause; then ever slower.
    const rounds = Math.floor(this.#failures / doors);
    return rounds === 0 ? 0 : Math.min(REFRESH_MS * 2 ** Math.min(rounds - 1, 8), LONGEST_PAUSE_MS);
  }

  #learn(door: Address, { version, nodes }: Awaited<ReturnType<Doors["find"]>>): void {
    const own = nodes[0]?.id ?? "";
    if (own === this.#told.node && version <= this.#told.version) return;
    if (own !== this.#told.node) {
      // Who came in by a Unix socket is on that node's computer, and reaches its containers as they reach each other.
      const home = door.startsWith("ipc:") ? { node: own, host: nodes[0]?.host ?? "" } : { node: undefined };
      this.#self = { ...home, reaches: this.#reaches };
      this.#finder = new DirectoryFinder({ random: this.#env.random, self: this.#self });
    }
    this.#told = { node: own, version };
    this.#nodes = nodes.map(nodeEntryOf);
    this.#known = this.#doorsFrom(door);
    this.#finder.update({ nodes: this.#nodes });
  }

  /** For when this one closes: one of each node, and of its own computer the sockets too. */
  #doorsFrom(door: Address): readonly Address[] {
    const [own] = this.#nodes;
    const from = { reaches: this.#reaches, host: door.startsWith("ipc:") ? (own?.host ?? "") : "" };
    return this.#nodes.flatMap((node) =>
      reachable(node.doors, { ...node, home: node.doors.includes(door) }, from).slice(0, 1),
    );
  }
}

/** Asks doors by their address, one at a time. */
class Doors {
  readonly #caller: Caller;
  #door: Address = "";

  constructor(env: Pick<Env, "clock" | "random">, transport: Transport, id: string) {
    this.#caller = new Caller({
      ...{ env, transport, id: `${id}-doors`, limit: 1 },
      finder: {
        next: (_, tried) => (tried.has(this.#door) ? undefined : this.#door),
        all: () => [this.#door],
      },
    });
  }

  find(door: Address) {
    this.#door = door;
    return this.#caller.call(Node.method.find, {}, { ttlMs: FIND_TTL_MS }, undefined);
  }
}
