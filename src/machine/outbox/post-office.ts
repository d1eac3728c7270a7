// Messages of this node that outlive their senders, connections and processes: kept for other nodes, taken from them, handed in.
//
//   component, client ─Keep▶ box for the node ─HandOver▶ its box from this one ─Deliver▶ container there
//                             FOLDER/outbox/to/NODE          FOLDER/outbox/from/NODE
//
// Invariants
//   O1. A message is on disk here before its sender, or the node it came from, hears that it is kept.
//   O2. What a node hands over twice is taken once: numbers at or below the highest taken are passed over.
//   O3. Of one node and contract, messages are handed in in the order in which they were kept; those of other contracts wait
//       for nobody.
//   O4. Nothing is handed over or in after its time to live; what has expired is counted.
//   O5. Of those that ask to be kept for one node and method under one id, one is kept; also where this process is not the one that
//       kept it, as long as it is still in its box.

import { Fault } from "../../base/fault.ts";
import { didYouMean } from "../../base/nearest.ts";
import { newId } from "../../base/random.ts";
import { type Client, newClient } from "../../client/client.ts";
import { decodeMessage } from "../../messages/decode.ts";
import {
  type Bundle,
  type BundleItem,
  type BundleReceipt,
  KeptMessageSchema,
  Outbox,
} from "../../messages/gen/unum/machine/v1/outbox_pb.ts";
import type { BoxLimits } from "../../outbox/box.ts";
import { type Fresh, Spool } from "../../outbox/spool.ts";
import type { Address, Transport } from "../../transports/transport.ts";
import type { MachineNode } from "../machine-node.ts";
import { Forwarding, OUTWARD } from "./forwarding.ts";
import { HandingIn, type WayIn } from "./handing-in.ts";
import { LatelyKept } from "./lately-kept.ts";
import { type Boxed, newTally, type Tally } from "./tally.ts";

export interface PostOfficeParts {
  readonly machine: MachineNode;
  /** Closed with it. */
  readonly transport: Transport;
  readonly wayIn: WayIn;
  /** Of what is kept for, or from, one node; looked at each time. */
  readonly limits: BoxLimits;
}

interface Box {
  readonly spool: Spool;
  readonly tally: Tally;
}
interface Outward extends Box {
  readonly forwarding: Forwarding;
}
interface Inward extends Box {
  /** By contract. */
  readonly lanes: Map<string, HandingIn>;
  /** One bundle after the other. */
  taking: Promise<unknown>;
}

const PURGE_EVERY_MS = 1_000;
const NODE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** What no component answers. */
const CONTROL = /^unum\.(?:control|machine)\./;
const MOST_FILES = 1_000_000;
/** As many as may be in one box. */
const MOST_REMEMBERED = 100_000;

export class PostOffice {
  readonly #parts: PostOfficeParts;
  readonly #outward = new Map<string, Promise<Outward>>();
  readonly #inward = new Map<string, Promise<Inward>>();
  /** As far as they are open. */
  readonly #open = new Map<string, Boxed>();
  readonly #clients = new Map<Address, Client>();
  readonly #lately = new LatelyKept(MOST_REMEMBERED);
  #timer: { cancel(): void } | undefined;
  #isClosed = false;

  constructor(parts: PostOfficeParts) {
    this.#parts = parts;
  }

  /** Takes up what an earlier process left. */
  async start(): Promise<void> {
    const { disk } = this.#machine.settings;
    const files = await disk.scan(this.#folder, { skip: [], limit: MOST_FILES });
    const left = new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf("/"))));
    for (const path of left) {
      const [way, node = ""] = path.split("/");
      if (!NODE_NAME.test(node)) continue;
      if (way === "to") await this.#to(node);
      if (way === "from") await this.#from(node);
    }
    this.#look();
  }

  /** Every box, for people. */
  get boxes(): readonly Boxed[] {
    return [...this.#open.values()];
  }

  /**
   * Settles when the message would outlast a loss of power. `ttlMs`: infinite where it does not expire. Throws `not-found` for
   * a node nobody has heard of, `denied` for one that was revoked, `overloaded` where its box is full.
   */
  async keep(kept: {
    readonly node: string;
    readonly to: string;
    readonly message: Uint8Array;
    readonly ttlMs: number;
    readonly supersede: string;
    /** Empty: it is kept however often it comes. */
    readonly id: string;
  }): Promise<void> {
    const contract = contractOf(kept.to);
    const node = this.#known(kept.node);
    if (kept.id === "") return this.#keep(node, contract, kept);
    // What an earlier process kept is known once its box is open.
    await (node === this.#machine.settings.node ? this.#from(node) : this.#to(node));
    return this.#lately.once(nameOf(node, kept), () => this.#keep(node, contract, kept));
  }

  async #keep(
    node: string,
    contract: string,
    { message, ttlMs, supersede }: { readonly message: Uint8Array; readonly ttlMs: number; readonly supersede: string },
  ): Promise<void> {
    const { clock } = this.#machine.settings.env;
    const key = supersede === "" ? "" : `${contract} ${supersede}`;
    const fresh = { message, key, mark: 0, expiresAt: clock.now() + ttlMs };
    if (node === this.#machine.settings.node) {
      const box = await this.#from(node);
      await counted(box.tally, () => box.spool.put({ ...fresh, lane: contract }));
      return this.#laneOf(node, box, contract).wake();
    }
    const box = await this.#to(node);
    await counted(box.tally, () => box.spool.put({ ...fresh, lane: OUTWARD }));
    box.forwarding.wake();
  }

  /** `msLeft`: of the call that brought it. */
  async takeBundle(bundle: Bundle, msLeft: number): Promise<{ upTo: bigint; full: boolean }> {
    const { from } = bundle;
    if (this.#machine.isRevoked(from))
      throw new Fault("denied", `node ${from} was revoked; it is no part of this machine any more`);
    if (!NODE_NAME.test(from)) throw new Fault("invalid", `'${from.slice(0, 64)}' is no name of a node`);
    const ageMs = Math.max(0, Number(bundle.ttlUs) / 1_000 - msLeft);
    const receivedAt = this.#machine.settings.env.clock.now() - ageMs;
    const box = await this.#from(from);
    const taking = box.taking.then(() => this.#take(box, bundle, receivedAt));
    box.taking = taking.catch(() => {});
    return taking;
  }

  /** What waits for these contracts is not wanted any more. */
  async purge(contracts: readonly string[]): Promise<void> {
    for (const opening of this.#inward.values()) {
      const { spool } = await opening;
      for (const contract of contracts) spool.clear(contract);
    }
  }

  /** What is kept for nodes that are no part of the machine any more, or came from them, goes. */
  async forget(nodes: ReadonlySet<string>): Promise<void> {
    for (const [node, opening] of this.#outward) {
      if (!nodes.has(node)) continue;
      (await opening).spool.clear(OUTWARD);
    }
    for (const [node, opening] of this.#inward) {
      if (!nodes.has(node)) continue;
      const { spool } = await opening;
      for (const lane of spool.box.lanes) spool.clear(lane);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const opening of this.#outward.values()) (await opening).forwarding.close();
    for (const opening of this.#inward.values()) for (const lane of (await opening).lanes.values()) lane.close();
    await Promise.all([...this.#open.values()].map(({ spool }) => spool.settled()));
    await this.#parts.transport.close();
  }

  get #machine(): MachineNode {
    return this.#parts.machine;
  }

  get #folder(): string {
    return `${this.#machine.settings.folder}/outbox`;
  }

  /** Now and then: what expired is taken out, and what waits for a container is tried. */
  #look(): void {
    if (this.#isClosed) return;
    for (const { spool } of this.#open.values()) spool.purge();
    this.#timer = this.#machine.settings.env.clock.after(PURGE_EVERY_MS, () => this.#look());
  }

  async #take(box: Inward, { from, stream, items }: Bundle, receivedAt: number) {
    const { spool, tally } = box;
    spool.follow(stream);
    const now = this.#machine.settings.env.clock.now();
    const puts: Promise<unknown>[] = [];
    let upTo = BigInt(spool.mark);
    let full = false;
    const wanted = new Set<string>();
    for (const item of items) {
      if (item.number <= upTo) {
        tally.duplicates++;
        continue;
      }
      const fresh = freshOf(item, receivedAt);
      if (fresh === undefined) tally.failed++;
      else if (fresh.expiresAt <= now) tally.expired++;
      else if (spool.isFull(item.message.length)) {
        full = true;
        tally.refused++;
        break;
      } else {
        puts.push(spool.put(fresh));
        wanted.add(fresh.lane);
      }
      upTo = item.number;
    }
    await Promise.all(puts);
    for (const contract of wanted) this.#laneOf(from, box, contract).wake();
    return { upTo, full };
  }

  #laneOf(from: string, { spool, tally, lanes }: Inward, contract: string): HandingIn {
    let lane = lanes.get(contract);
    if (lane === undefined) {
      const { env, node } = this.#machine.settings;
      const { wayIn } = this.#parts;
      const queue = `${node}/${from}/${spool.id}/${contract}`;
      lane = new HandingIn({ clock: env.clock, log: env.log, from, contract, spool, queue, tally, wayIn });
      lanes.set(contract, lane);
    }
    return lane;
  }

  #to(node: string): Promise<Outward> {
    this.#mustBeOpen();
    let opening = this.#outward.get(node);
    if (opening === undefined) {
      opening = this.#openBox(node, false).then((box) => {
        const { env, node: from } = this.#machine.settings;
        const handOver = (bundle: object, ttlMs: number) => this.#handOver(node, bundle, ttlMs);
        const forwarding = new Forwarding({ ...box, clock: env.clock, log: env.log, from, to: node, handOver });
        return { ...box, forwarding };
      });
      this.#outward.set(node, opening);
      opening.catch(() => this.#outward.delete(node));
    }
    return opening;
  }

  #from(node: string): Promise<Inward> {
    this.#mustBeOpen();
    let opening = this.#inward.get(node);
    if (opening === undefined) {
      opening = this.#openBox(node, true).then((box) => {
        const inward = { ...box, lanes: new Map(), taking: Promise.resolve() };
        for (const contract of box.spool.box.lanes) this.#laneOf(node, inward, contract).wake();
        return inward;
      });
      this.#inward.set(node, opening);
      opening.catch(() => this.#inward.delete(node));
    }
    return opening;
  }

  async #openBox(node: string, inward: boolean): Promise<Box> {
    const { disk, env } = this.#machine.settings;
    const tally = newTally();
    const spool = await Spool.open({
      ...{ disk, clock: env.clock, log: env.log, limits: this.#parts.limits },
      folder: `${this.#folder}/${inward ? "from" : "to"}/${node}`,
      id: newId(env.random, "s"),
      left: (items, why) => {
        tally[why] += items.length;
      },
    });
    // Those that came from elsewhere are known by their numbers.
    if (!inward || node === this.#machine.settings.node) await this.#rememberKept(node, spool);
    this.#open.set(`${inward} ${node}`, { node, inward, spool, tally });
    return { spool, tally };
  }

  /** O5 */
  async #rememberKept(node: string, spool: Spool): Promise<void> {
    for (const item of spool.box) {
      const [message] = await spool.read([item]).catch(() => []);
      if (message === undefined) continue;
      const { to, id } = decodeMessage(KeptMessageSchema, message);
      this.#lately.add(nameOf(node, { to, id }));
    }
  }

  async #handOver(node: string, bundle: object, ttlMs: number): Promise<BundleReceipt> {
    const door = this.#machine.peers.reports.find((report) => report.node === node)?.doors[0];
    if (door === undefined) throw new Fault("undeliverable", `no door of node ${node} is known`);
    let client = this.#clients.get(door);
    if (client === undefined) {
      const { clock, random } = this.#machine.settings.env;
      client = newClient({ env: { clock, random }, transports: [this.#parts.transport], to: [door] });
      this.#clients.set(door, client);
    }
    return client.of(Outbox).handOver(bundle, { ttlMs });
  }

  #mustBeOpen(): void {
    if (this.#isClosed)
      throw new Fault("undeliverable", `node ${this.#machine.settings.node} is closing and keeps nothing more`);
  }

  /** By its id, or the beginning of only one. */
  #known(name: string): string {
    const { settings, peers } = this.#machine;
    const known = [...new Set([settings.node, ...peers.reports.map(({ node }) => node), ...this.#outward.keys()])];
    const meant = known.filter((node) => node.startsWith(name));
    const node = known.includes(name) ? name : meant.length === 1 && name !== "" ? meant[0] : undefined;
    if (node === undefined) {
      const hint = didYouMean(name, known) || "; 'unum machine' lists those it knows";
      throw new Fault("not-found", `no node '${name.slice(0, 64)}' is part of this machine${hint}`);
    }
    if (this.#machine.isRevoked(node))
      throw new Fault("denied", `node ${node} was revoked; it is no part of this machine any more`);
    return node;
  }
}

function nameOf(node: string, { to, id }: { readonly to: string; readonly id: string }): string {
  return `${node} ${to} ${id}`;
}

/** Throws the Fault `invalid` for what no component answers. */
function contractOf(path: string): string {
  const at = path.lastIndexOf("/");
  if (at <= 0 || CONTROL.test(path)) throw new Fault("invalid", `'${path.slice(0, 200)}' is no method of a component`);
  return path.slice(0, at);
}

/** Undefined for what is no message. */
function freshOf({ number, ttlUs, supersede, message }: BundleItem, receivedAt: number): Fresh | undefined {
  try {
    const expiresAt = ttlUs === 0n ? Number.POSITIVE_INFINITY : receivedAt + Number(ttlUs) / 1_000;
    const lane = contractOf(decodeMessage(KeptMessageSchema, message).to);
    return { message, lane, key: supersede, mark: Number(number), expiresAt };
  } catch {
    return undefined;
  }
}

async function counted(tally: Tally, put: () => Promise<unknown>): Promise<void> {
  try {
    await put();
  } catch (error) {
    tally.refused++;
    throw error;
  }
}
