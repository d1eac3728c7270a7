// Which nodes there are, what each offers, and who is gone: one member per node, in its governor's process.
//
//   datagrams ──▶ port ──▶ protocol ──▶ port ──▶ datagrams      the protocol decides; here it gets time, a port,
//   clock ───────────────▶    │    ──▶ sync (the door's)         and somebody who brings tables to other doors
//                             └──────▶ members, onChange
//
// Bounds, with T the probe interval and n the nodes, while everybody is healthy and nothing is lost:
//   - A crash is suspected after e/(e − 1)·T = 1.6·T on average, by whoever asks first (SWIM, section 3.1), and by any
//     given node after (2n − 1)·T at the latest.
//   - It is known as dead suspicionTimeoutMs (suspicion.ts) after that, and to all within some gossip intervals more.
//   - Who can be reached through one other member is not counted as dead as long as rumours reach him, and his answer
//     those who suspect him, within the suspicion's time.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { sleep, type Timer } from "../base/clock.ts";
import { type DatagramAddress, readAddress } from "../base/datagrams.ts";
import { asError, Fault } from "../base/fault.ts";
import type { EntrySchema, SyncReply, SyncRequest } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import { type Member, Members, type MembersListener } from "./members.ts";
import { checkOptions, type Membership, type MembershipOptions, type MembershipStats } from "./options.ts";
import type { Packet } from "./packet.ts";
import { Port } from "./port.ts";
import { Protocol } from "./protocol.ts";
import { DEFAULT_SETTINGS, type MembershipSettings } from "./settings.ts";
import { answerSync, SyncSession, statementsOf, syncBytes } from "./sync.ts";
import type { NodeRecord } from "./table.ts";

/** One step of a comparison, there and back. */
const SYNC_STEP_MS = 10_000;

/** Later than this is neither the clock's grain nor a busy turn: this process stood still. */
const STALL_MS = 250;

/** Of gossip, before a node that leaves closes. */
const FAREWELL_INTERVALS = 3;

/** Throws a Fault where the options make no sense. */
export function newMembership(options: MembershipOptions): Membership {
  checkOptions(options);
  return new Shell(options);
}

/** What exists once the node's address is known. */
interface Started {
  readonly protocol: Protocol;
  readonly members: Members;
  readonly address: DatagramAddress;
}

class Shell implements Membership {
  readonly #options: MembershipOptions;
  readonly #settings: MembershipSettings;
  readonly #port: Port;
  readonly #listeners = new Set<MembersListener>();
  #started: Started | undefined;
  #entry: MessageInitShape<typeof EntrySchema> = {};
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  #telling = false;
  #closed = false;
  #barred: ReadonlySet<string> = new Set();
  #syncBytes = 0;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#settings = { ...DEFAULT_SETTINGS, ...options.settings };
    const { clock, log, datagrams, key } = options;
    const { network, clockWindowMs } = this.#settings;
    const onPacket = (packet: Packet, from: DatagramAddress) => {
      if (!this.#barred.has(packet.from)) this.#turn((protocol, now) => protocol.receive(packet, from, now));
    };
    this.#port = new Port({ clock, log, datagrams, network, key, clockWindowMs, onPacket });
  }

  async start(): Promise<void> {
    const { self, beacon, seeds, clock, random } = this.#options;
    const bound = await this.#port.open(self.listen, beacon);
    const address = self.advertise ?? bound;
    const protocol = new Protocol({
      id: self.id,
      incarnation: self.incarnation,
      address,
      doors: self.doors,
      seeds: seeds.flatMap((seed) => readAddress(seed) ?? []),
      beacon: beacon !== undefined,
      settings: this.#settings,
      random: random.fork(),
      now: clock.now(),
      outside: {
        send: (to, packet) => this.#port.send(to, packet),
        beacon: (packet) => beacon && this.#port.sendBeacon(beacon, packet),
        sync: (peer) => void this.#compare(peer),
      },
    });
    protocol.own.update(this.#entry);
    this.#started = { protocol, members: new Members(protocol.table, protocol.own, this.#listeners), address };
    this.#turn((running, now) => running.advance(now));
  }

  rekey(keys: readonly Uint8Array[]): void {
    this.#port.rekey(keys);
  }

  bar(ids: ReadonlySet<string>): void {
    this.#barred = ids;
  }

  update(entry: MessageInitShape<typeof EntrySchema>): void {
    this.#entry = entry;
    this.#turn((protocol) => protocol.own.update(entry));
  }

  members(): readonly Member[] {
    return this.#started?.members.list() ?? [];
  }

  onChange(listener: MembersListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  answerSync(request: SyncRequest): SyncReply {
    const { protocol } = this.#mustBeStarted();
    if (this.#barred.has(request.from)) throw new Fault("denied", `node ${request.from} is no part of this network`);
    const { id } = this.#options.self;
    const now = this.#options.clock.now();
    const reply = answerSync(protocol.table, { network: this.#settings.network, id }, request, now);
    // After the answer: what it teaches the asking side it knows already.
    const statements = statementsOf(request);
    this.#turn((running) => running.learn(statements, request.from, now));
    const bytes = syncBytes(reply);
    this.#syncBytes += bytes;
    protocol.budget.spend(bytes, now);
    return reply;
  }

  async leave(): Promise<void> {
    if (this.#closed || this.#started === undefined) return this.close();
    this.#turn((protocol, now) => protocol.leave(now));
    const { protocol } = this.#started;
    if (protocol.table.live.length > 0) {
      await sleep(this.#options.clock, FAREWELL_INTERVALS * this.#settings.gossipIntervalMs);
    }
    await this.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#port.close();
  }

  get address(): DatagramAddress {
    return this.#mustBeStarted().address;
  }

  stats(): MembershipStats {
    const { protocol } = this.#mustBeStarted();
    const states = { alive: 0, suspect: 0, dead: 0, left: 0 };
    for (const { state } of protocol.table.records()) if (state !== undefined) states[state]++;
    const { probes, indirect, failed } = protocol.prober.counts;
    return {
      ...states,
      ...this.#port.stats(),
      ...protocol.hearing.counts,
      probes,
      indirectProbes: indirect,
      failedProbes: failed,
      syncs: protocol.syncs.counts.done,
      failedSyncs: protocol.syncs.counts.failed,
      syncBytes: this.#syncBytes,
      localHealth: protocol.health.score,
      pressure: protocol.budget.pressure(this.#options.clock.now()),
      waitingRumours: protocol.gossip.size,
      refusedNodes: protocol.table.refused,
    };
  }

  /** All that happens to the protocol happens here: time is told, the next due moment armed, changes noticed. */
  #turn(act: (protocol: Protocol, now: number) => void): void {
    if (this.#closed || this.#started === undefined) return;
    const { protocol } = this.#started;
    const now = this.#options.clock.now();
    const late = now - this.#armedFor;
    if (late > STALL_MS) protocol.stalled(late, now);
    act(protocol, now);
    this.#arm(protocol, now);
    this.#tellSoon(protocol);
  }

  #arm(protocol: Protocol, now: number): void {
    const due = Math.max(now, protocol.dueAt);
    if (due === this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = due;
    this.#timer = this.#options.clock.after(due - now, () => this.#turn((running, at) => running.advance(at)));
  }

  #tellSoon(protocol: Protocol): void {
    if (this.#telling || !protocol.table.hasChanges) return;
    this.#telling = true;
    this.#options.clock.soon(() => this.#tell());
  }

  #tell(): void {
    this.#telling = false;
    if (this.#closed) return;
    const { log } = this.#options;
    const failed = (thrown: unknown) =>
      log.write("error", "a listener for members threw", { error: asError(thrown).message });
    this.#started?.members.tell(failed, log);
  }

  /** Compares tables with a node, step by step, and tells the protocol how it went. */
  async #compare(record: NodeRecord): Promise<void> {
    const { protocol, members } = this.#mustBeStarted();
    const { clock, random, log, self, sync } = this.#options;
    const session = new SyncSession(protocol.table, { network: this.#settings.network, id: self.id }, random.u32());
    let bytes = 0;
    let succeeded = false;
    try {
      let request: SyncRequest | undefined = session.first(clock.now());
      while (request !== undefined && !this.#closed) {
        bytes += syncBytes(request);
        const peer = members.of(record);
        if (peer === undefined) throw new Fault("undeliverable", `'${record.id}' is forgotten`);
        const reply: SyncReply = await this.#within(SYNC_STEP_MS, sync(peer, request));
        const statements = statementsOf(reply);
        for (const statement of statements) session.arrived(statement);
        this.#turn((running, now) => running.learn(statements, record.id, now));
        request = session.next(reply, clock.now());
      }
      succeeded = true;
    } catch (thrown) {
      log.write("debug", "comparing tables failed", { node: record.id, error: asError(thrown).message });
    }
    this.#syncBytes += bytes;
    this.#turn((running, now) => running.synced({ succeeded, bytes }, now));
  }

  #within<T>(ms: number, promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Fault("unknown", `no answer within ${ms} ms`));
      const timer = this.#options.clock.after(ms, late);
      promise.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  #mustBeStarted(): Started {
    if (this.#started !== undefined) return this.#started;
    throw new Fault("undeliverable", "this node has not joined yet; start it first");
  }
}
