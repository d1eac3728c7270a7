// This node's part in its network: one membership in the governor's process, never in a container, where a blocked loop
// would look like death.
//
//   governor ──tell──▶ own entry ──▶ membership ◀──datagrams, tables through doors──▶ other nodes
//   governor ◀──onChange── nodes ◀─────┘
//
// Invariants
//   N1. What this node says counts for more than what it said before its governor's process was another: the incarnation
//       grows with each start, and is written down before anybody hears of it.
//   N2. Nothing is said before it is known what an earlier governor had left, so that a restart is no farewell of containers.

import type { DatagramAddress, Datagrams } from "../base/datagrams.ts";
import type { Disk } from "../base/disk.ts";
import type { Env } from "../base/env.ts";
import { asError, Fault } from "../base/fault.ts";
import type { Limits } from "../capacity/limits.ts";
import { reachable } from "../capacity/reach.ts";
import { newClient, type Proxies } from "../client/client.ts";
import type { Member } from "../discovery/members.ts";
import { newMembership } from "../discovery/membership.ts";
import type { Membership, MembershipStats } from "../discovery/options.ts";
import type { MembershipSettings } from "../discovery/settings.ts";
import { Door } from "../messages/gen/unum/control/v1/door_pb.ts";
import type { DirectoryNode } from "../messages/gen/unum/control/v1/governed_pb.ts";
import type { NetworkLimit, SyncReply, SyncRequest } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import type { Address, Transport } from "../transports/transport.ts";
import { entryOf, nodeOf } from "./entry.ts";
import type { Events } from "./events.ts";
import { Memory } from "./network-memory.ts";
import type { LimitClaim, Peers } from "./peers.ts";

export interface NetworkSettings {
  /** Where gossip is heard and answered. */
  readonly gossip: DatagramAddress;
  /** Where others reach it, where that is not where it listens. */
  readonly advertise?: DatagramAddress;
  /** HOST:PORT of nodes to ask first. */
  readonly seeds: readonly string[];
  /** 32 bytes, the same on all nodes. Needed where nodes are on several computers. */
  readonly key?: Uint8Array;
  /** The multicast group where nodes say that they are there. */
  readonly beacon?: DatagramAddress;
  readonly membership?: Partial<MembershipSettings>;
}

export interface NetworkParts {
  readonly env: Pick<Env, "clock" | "random" | "log">;
  readonly datagrams: Datagrams;
  readonly disk: Disk;
  /** To doors. Not closed here. */
  readonly transport: Transport;
  readonly events: Events;
}

export interface NetworkSelf {
  readonly id: string;
  readonly host: string;
  /** Absolute: what is remembered lies there. */
  readonly run: string;
  readonly doors: readonly Address[];
  readonly unum: string;
  /** As they are now. */
  limits(): Limits;
}

const SYNC_TTL_MS = 10_000;

export class Network implements Peers {
  readonly #settings: NetworkSettings;
  readonly #parts: NetworkParts;
  readonly #self: NetworkSelf;
  readonly #memory: Memory;
  readonly #nodes = new Map<string, { readonly node: DirectoryNode; readonly who: string }>();
  /** To those that were spoken to, by their ids; `at`: where their doors were then. */
  readonly #doors = new Map<string, { readonly at: string; readonly door: Proxies<typeof Door> }>();
  #list: readonly DirectoryNode[] = [];
  #changes = { who: 0, load: 0 };
  #listener: () => void = () => {};
  #membership: Membership | undefined;
  #told = "";
  #begun = false;
  #limit: LimitClaim = { told: undefined, claim: 0 };
  #leaving: Promise<void> | undefined;
  #barred: ReadonlySet<string> = new Set();
  #keys: readonly Uint8Array[] | undefined;

  constructor(settings: NetworkSettings, parts: NetworkParts, self: NetworkSelf) {
    this.#settings = settings;
    this.#parts = parts;
    this.#self = self;
    this.#memory = new Memory(parts.disk, self.run, parts.env.clock);
  }

  get nodes(): readonly DirectoryNode[] {
    return this.#list;
  }

  get members(): readonly Member[] {
    return (this.#membership?.members() ?? []).filter(({ id }) => !this.#barred.has(id));
  }

  get stats(): MembershipStats | undefined {
    return this.#begun ? this.#membership?.stats() : undefined;
  }

  get changes(): { readonly who: number; readonly load: number } {
    return this.#changes;
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  /** Joins as what was told last. Rejects with a Fault where the address cannot be had. */
  async start(own: DirectoryNode): Promise<void> {
    const { env, datagrams } = this.#parts;
    const { gossip, advertise, seeds, beacon, membership: settings } = this.#settings;
    const key = this.#keys?.[0] ?? this.#settings.key;
    const { id, doors } = this.#self;
    const incarnation = await this.#memory.nextIncarnation(); // N1
    const known = await this.#memory.addresses();
    const membership = newMembership({
      ...env,
      datagrams,
      self: { id, incarnation, listen: gossip, doors, ...(advertise === undefined ? {} : { advertise }) },
      seeds: [...new Set([...seeds, ...known])],
      sync: (peer, request) => this.#sync(peer, request),
      ...(key === undefined ? {} : { key }),
      ...(beacon === undefined ? {} : { beacon }),
      ...(settings === undefined ? {} : { settings }),
    });
    membership.onChange((changed) => this.#onChanged(changed));
    membership.bar(this.#barred);
    if (this.#keys !== undefined) membership.rekey(this.#keys);
    this.#membership = membership;
    this.tell(own, this.#limit);
    await membership.start();
    this.#begun = true;
  }

  tell(own: DirectoryNode, limit: LimitClaim): void {
    const { limits, unum } = this.#self;
    this.#limit = limit;
    const entry = entryOf(own, { limits: limits(), unum, limit });
    const text = JSON.stringify(entry, (_, value) => (typeof value === "bigint" ? String(value) : value));
    if (this.#membership === undefined || text === this.#told) return;
    this.#told = text;
    try {
      this.#membership.update(entry);
    } catch (error) {
      this.#parts.events.say("error", `other nodes are not told of this one: ${asError(error).message}`);
    }
  }

  push(limit: NetworkLimit): void {
    for (const member of this.members) {
      if (member.id === this.#self.id || member.state === "dead" || member.state === "left") continue;
      // Who does not hear it now hears it by gossip.
      this.#doorOf(member)
        ?.limitNetwork(limit, { ttlMs: SYNC_TTL_MS })
        .catch(() => {});
    }
  }

  answerSync(request: SyncRequest): SyncReply {
    if (this.#membership === undefined) throw new Fault("undeliverable", "this node has not joined its network yet");
    return this.#membership.answerSync(request);
  }

  bar(ids: ReadonlySet<string>): void {
    this.#barred = ids;
    this.#membership?.bar(ids);
    const gone = [...this.#nodes.keys()].filter((id) => ids.has(id));
    for (const id of gone) {
      this.#nodes.delete(id);
      this.#parts.events.say("warn", `node ${id} was revoked`);
    }
    if (gone.length === 0) return;
    this.#changes = { who: this.#changes.who + gone.length, load: this.#changes.load + gone.length };
    this.#list = this.#list.filter(({ id }) => !ids.has(id));
    this.#listener();
  }

  rekey(keys: readonly Uint8Array[]): void {
    this.#keys = keys;
    this.#membership?.rekey(keys);
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#membership?.leave() ?? Promise.resolve();
    return this.#leaving;
  }

  #onChanged(changed: readonly Member[]): void {
    for (const member of changed) {
      if (member.id !== this.#self.id && !this.#barred.has(member.id)) this.#onMember(member);
    }
    const { changes } = this;
    this.#list = [...this.#nodes.values()].map(({ node }) => node).sort((a, b) => (a.id < b.id ? -1 : 1));
    if (changes.load > 0) this.#listener();
    const reached = this.members.filter(({ id, state }) => id !== this.#self.id && state === "alive");
    this.#memory.remember(reached.map(({ address }) => address));
  }

  #onMember(member: Member): void {
    const before = this.#nodes.get(member.id);
    const node = nodeOf(member);
    const who = node === undefined ? "" : whoText(node);
    const isNews = who !== (before?.who ?? "");
    this.#changes = { who: this.#changes.who + (isNews ? 1 : 0), load: this.#changes.load + 1 };
    if (node === undefined) {
      this.#nodes.delete(member.id);
      this.#doors.delete(member.id);
    } else this.#nodes.set(member.id, { node, who });
    if (isNews) this.#say(member, before !== undefined, node !== undefined);
  }

  #say({ id, state, doors, address }: Member, was: boolean, is: boolean): void {
    const { events } = this.#parts;
    if (!was && is) events.say("info", `node ${id} is in the network (${doors[0] ?? address})`);
    if (was && !is)
      events.say(
        state === "left" ? "info" : "warn",
        `node ${id} ${state === "left" ? "has left" : "is gone: it did not answer any more"}`,
      );
  }

  async #sync(peer: Member, request: SyncRequest): Promise<SyncReply> {
    const door = this.#doorOf(peer);
    if (door === undefined) throw new Fault("undeliverable", `${peer.id} has told no door that leads there`);
    return door.sync(request, { ttlMs: SYNC_TTL_MS });
  }

  /** Its client has nothing of its own to close: the transport is shared, and closes when this process ends. */
  #doorOf({ id, doors, entry }: Member): Proxies<typeof Door> | undefined {
    const { env, transport } = this.#parts;
    const place = { home: false, ...(entry === undefined ? {} : { host: entry.host }) };
    const to = reachable(doors, place, { host: this.#self.host });
    if (to.length === 0) return undefined;
    const at = to.join(" ");
    const known = this.#doors.get(id);
    if (known?.at === at) return known.door;
    const door = newClient({ env, transports: [transport], to }).of(Door);
    this.#doors.set(id, { at, door });
    return door;
  }
}

/** What a node is apart from its load. */
function whoText({ id, host, state, doors, containers, offers }: DirectoryNode): string {
  const all = containers.map(({ id: name, addresses, components }) => ({ name, addresses, components }));
  return JSON.stringify([id, host, state, doors, all, offers]);
}
