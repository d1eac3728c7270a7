// Everything that runs on one node: how many containers there are, what they serve, and which of them end.
//
//   something changed, or TICK_MS passed ──▶ turn: health ▸ excess ▸ withdrawn ▸ folder ▸ replacement ▸ targets ▸ reserve ▸ demands ▸ tell
//
// What is served (served.ts) is the components folder and the programs that were handed in; all of it shares the limits and
// the warm containers. What decides is in decisions/, what does it in fleet.ts. A turn only starts things: it waits for
// nothing, and what it started comes back as a change.
//
// Invariants
//   G1. What runs and starts is never more than the limit that held when it was started.
//   G2. Only what serves, has passed its probe and is not suspected is told to callers as ready.
//   G3. No process is ended that has work and grace left, but one that health found stuck.

import { nextBeat, type Timer } from "../base/clock.ts";
import { asError, Fault } from "../base/fault.ts";
import type { ProcessExit } from "../base/processes.ts";
import type { Limits, LimitsChange } from "../capacity/limits.ts";
import type { Directory, DirectoryNode, Fenced } from "../messages/gen/unum/control/v1/governed_pb.ts";
import type { NetworkLimit as NetworkLimitTold } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import type { Family } from "../plugins/figures/family.ts";
import { AcceptedCode } from "./accepted-code.ts";
import { ALONE } from "./alone.ts";
import { Deciding } from "./deciding.ts";
import { excess } from "./decisions/excess.ts";
import { RESERVE_POLICY } from "./decisions/reserve.ts";
import { startable } from "./decisions/room.ts";
import { type Asked, type Demand, Demands } from "./demands.ts";
import type { Events } from "./events.ts";
import { Filling } from "./filling.ts";
import { Fleet } from "./fleet.ts";
import type { FleetParts } from "./fleet-settings.ts";
import { ComponentsFolder } from "./folder.ts";
import { FolderWatch } from "./folder-watch.ts";
import type { GovernorParts, GovernorSettings } from "./governor-settings.ts";
import { HealthWatch } from "./health-watch.ts";
import type { Kept, ProgramEpoch, Reach } from "./kept.ts";
import type { NetworkLimit } from "./network-limit.ts";
import { OwnLimits } from "./own-limits.ts";
import { type NodeView, ownNode } from "./own-node.ts";
import type { Peers } from "./peers.ts";
import { FOLDER } from "./served.ts";
import { ServedList, type ServedProgram } from "./served-list.ts";
import { Telling } from "./telling.ts";

const TICK_MS = 100;
/** A loop that turned later than this was itself stopped: silence before that speaks against nobody. */
const GAP_MS = 1_000;
const SCAN_EVERY_MS = 1_000;
const MEASURE_EVERY_MS = 1_000;
/** How long other nodes may take to answer before containers are told that there are none. */
const HOLD_MS = 2_000;

export class Governor {
  readonly settings: GovernorSettings;
  readonly events: Events;
  readonly served: ServedList;
  readonly peers: Peers;
  readonly #parts: FleetParts;
  readonly #fleet: Fleet;
  readonly #folder: ComponentsFolder;
  readonly #code: AcceptedCode;
  readonly #watch: FolderWatch;
  readonly #own: OwnLimits;
  readonly #health: HealthWatch;
  readonly #filling: Filling;
  readonly #demands: Demands;
  readonly #telling: Telling;
  readonly #deciding: Deciding;
  readonly #startedAt: number;
  #awakeSince: number;
  #turnedAt: number;
  #scannedAt = Number.NEGATIVE_INFINITY;
  #measuredAt = Number.NEGATIVE_INFINITY;
  /** Containers that were taken over are told nothing until then, or until other nodes have been heard. */
  #holdUntil = 0;
  #turnScheduled = false;
  /** Nothing is decided before it is known what is there, what it serves and what is allowed, nor after the node was drained. */
  #isOpen = false;
  #tick: Timer | undefined;
  #ending: Promise<number> | undefined;
  #gateway: NodeView["gateway"];

  constructor(settings: GovernorSettings, parts: GovernorParts) {
    const { env, disk, resources, peers, events } = parts;
    this.settings = settings;
    this.#parts = parts;
    this.peers = peers;
    this.events = events;
    this.served = new ServedList(this.events);
    this.#folder = new ComponentsFolder(settings.folder, disk, env.clock);
    const say: Events["say"] = (level, text) => this.events.say(level, text);
    this.#code = new AcceptedCode(this.#folder, { disk, run: settings.run, say });
    this.#watch = new FolderWatch(this.#folder, this.#code, settings.id, this.events);
    this.#fleet = new Fleet(settings, parts, this.events, {
      heard: (kept) => this.#onHeard(kept),
      placeOf: async (program, { folder, digest }) =>
        program === FOLDER ? this.#code.placeOf(digest) : { folder, source: "" },
      hasLeft: async (program, digest) => program === FOLDER && (await this.#code.hasLeft(digest)),
      assigned: (kept, failures) => this.#onAssigned(kept, failures),
      gone: (kept, exit) => this.#onGone(kept, exit),
      unstartable: (why) => this.#onUnstartable(why),
      draining: () => this.#tell(),
    });
    this.#own = new OwnLimits(settings, { disk, resources, events, peers, clock: env.clock });
    this.#startedAt = this.#awakeSince = this.#turnedAt = env.clock.now();
    this.#demands = new Demands(env.clock, settings.host);
    this.#telling = new Telling(env.clock, peers);
    peers.onChange(() => this.#turnSoon());
    this.#deciding = new Deciding(settings.decisions);
    const [fleet, deciding] = [this.#fleet, this.#deciding];
    this.#health = new HealthWatch({ fleet, deciding, events, clock: env.clock, changed: () => this.#turnSoon() });
    this.#filling = new Filling({
      ...{ fleet, deciding, clock: env.clock, served: this.served, own: this.#own, graceMs: settings.graceMs },
      idleMs: settings.idleMs ?? RESERVE_POLICY.idleMs,
      ...{ demands: this.#demands, telling: this.#telling, changed: () => this.#turnSoon(), tell: () => this.#tell() },
      drainOne: (id, graceMs, reason) => this.drainOne(id, graceMs, reason),
    });
  }

  get limits(): Limits {
    return this.#own.limits;
  }

  get network(): NetworkLimit {
    return this.#own.network;
  }

  get containers(): readonly Kept[] {
    return this.#fleet.all;
  }

  /** What cannot be served, for people. */
  get problems(): readonly string[] {
    return this.served.all.flatMap((served) => served.problems(this.now));
  }

  get fleetFigures(): readonly Family[] {
    return this.#fleet.figures.families();
  }

  get upMs(): number {
    return this.now - this.#startedAt;
  }

  /** As the containers were told last. */
  get directory(): Directory {
    return this.#telling.directory;
  }

  /** This node as it is now. */
  get own(): DirectoryNode {
    const { id, host, doors } = this.settings;
    const { count } = startable(this.#filling.room);
    const view = { id, host, doors, containers: this.containers, gateway: this.#gateway, offers: this.served.offers };
    const actsBy = (kept: Kept) => this.served.actsBy(kept, this.#fleet.epochs, this.now);
    return ownNode({ ...view, actsBy, startable: count, ...this.#fleet.times });
  }

  /** Takes over what an earlier governor left, then keeps the node until `drain`. */
  async start(): Promise<void> {
    await this.#own.takeOver();
    await this.#fleet.open();
    const left = this.containers.some(({ digest }) => digest !== "");
    if (left && this.peers !== ALONE) this.#holdUntil = this.now + HOLD_MS;
    if (this.settings.folder !== "") await this.#serveFolder();
    this.#isOpen = true;
    this.#turnSoon();
  }

  /** The programs to serve beside the components folder: those not named any more end after their calls. */
  setPrograms(programs: readonly ServedProgram[]): void {
    this.served.setPrograms(programs, this.containers);
    this.#turnSoon();
  }

  /** Programs that run on one node alone: their newest epochs, and until when this node is the owner. */
  setEpochs(epochs: readonly ProgramEpoch[]): void {
    this.#fleet.setEpochs(epochs);
    this.#turnSoon();
  }

  /** `told`: what a container refused that was done by an older epoch than is known. */
  onFenced(told: (container: string, fenced: readonly Fenced[]) => void): void {
    this.#fleet.onFenced = (kept, fenced) => told(kept.id, fenced);
  }

  /** Where the machine's gateway is reached and what it leads to; undefined where this node keeps none that lives. */
  setGateway(gateway: NodeView["gateway"]): void {
    this.#gateway = gateway;
    this.#turnSoon();
  }

  /** See Fleet.secure. */
  secure(change: Pick<Reach, "tls" | "barred" | "machines">): void {
    this.#fleet.secure(change);
  }

  /** Brings in the components folder as it is now; by force also where that would break callers. */
  async deploy(force: boolean): Promise<{ readonly digest: string; readonly serving: boolean }> {
    const { folder } = this.served;
    if (folder === undefined) throw new Fault("invalid", "this node has no components folder; it serves programs only");
    const begun = await this.#watch.deploy(folder, () => this.containers, force);
    this.#turnSoon();
    return begun;
  }

  /** Takes effect at once. Throws the Fault `invalid`, and nothing is changed. */
  setLimits(change: LimitsChange): Limits {
    this.#own.change(change);
    for (const kept of this.containers) kept.limit(this.limits.container);
    this.events.say("info", "limits changed");
    this.#turnSoon();
    return this.limits;
  }

  /** Settles when the next governor would find the limits as they are, or cannot be made to. */
  limitsKept(): Promise<void> {
    return this.#own.kept();
  }

  /** Another node says how much the network may run. Answers with the newest that is known here. */
  limitNetwork(told: NetworkLimitTold): NetworkLimitTold {
    if (this.#own.take(told)) this.#turnSoon();
    return this.network.told ?? told;
  }

  /** Addresses with room for the contract, or why there are none within that time. */
  demand(asked: Asked): Promise<Demand> {
    const answer = this.#demands.wait(asked);
    this.#turnSoon();
    return answer;
  }

  /** Ends one container after its calls; another takes the place of the last one that serves. Undefined where there is none of that id. */
  drainOne(id: string, graceMs: number, reason: string): Promise<number> | undefined {
    const kept = this.#fleet.get(id);
    if (kept === undefined) return undefined;
    const served = this.served.of(kept);
    if (kept.state === "serving" && served !== undefined) served.target = Math.max(1, served.target - 1);
    return this.#fleet.drain(kept, graceMs, reason);
  }

  /** Ends all containers after their calls; then the governor is done. Settles with the calls that were left. */
  drain(graceMs: number): Promise<number> {
    this.#ending ??= this.#end(graceMs);
    return this.#ending;
  }

  get now(): number {
    return this.#parts.env.clock.now();
  }

  // --- what comes back

  #onHeard(kept: Kept): void {
    if (kept.state === "starting" && !this.#fleet.isTaking(kept)) this.#onAnswered(kept);
    this.#turnSoon();
  }

  /** The first answer of a process: what it is for is decided with what is wanted now. */
  #onAnswered(kept: Kept): void {
    this.#fleet.hasAnswered(kept);
    if (kept.digest === "") this.#fleet.isWarm(kept);
    else if (kept.components.length > 0) {
      kept.state = "serving";
      this.served.of(kept)?.onFound(kept);
    }
    kept.limit(this.limits.container);
  }

  #onAssigned(kept: Kept, failures: readonly string[]): void {
    this.#turnSoon();
    kept.state = "serving";
    const useless = this.served.of(kept)?.onAssigned(kept, failures, this.now);
    if (useless !== undefined) void this.#fleet.drain(kept, 0, useless);
    // Before it has passed its probe: when callers hear of it, its limits hold.
    else kept.limit(this.limits.container);
  }

  #onUnstartable(why: string): void {
    this.events.say("error", why);
    this.#filling.holdBack(GAP_MS);
    this.#turnSoon();
  }

  #onGone(kept: Kept, exit: ProcessExit): void {
    this.#turnSoon();
    if (kept.state === "draining") return;
    const served = this.served.of(kept);
    const chance = this.#parts.env.random.float();
    if (served !== undefined) served.onGone(kept, exit, { now: this.now, chance });
    // One that served nothing yet: what it was started for is not to be blamed.
    else if (kept.digest === "") this.#filling.holdBack(GAP_MS);
  }

  // --- one turn

  #turnSoon(): void {
    if (this.#turnScheduled || !this.#isOpen) return;
    this.#turnScheduled = true;
    this.#parts.env.clock.soon(() => this.#turn());
  }

  #turn(): void {
    this.#turnScheduled = false;
    this.#tick?.cancel();
    // One that was to come soon when the node was drained.
    if (!this.#isOpen) return;
    const now = this.now;
    if (now - this.#turnedAt > GAP_MS) this.#awakeSince = now;
    this.#turnedAt = now;
    this.#health.check(now, this.#awakeSince);
    this.#own.shareOut(this.containers.length);
    this.#endExcess(now);
    if (this.#ending === undefined) {
      this.#endWithdrawn();
      this.#look(now);
      for (const served of this.served.all) this.#filling.replace(served);
      this.#filling.fill();
      this.#filling.keepReserve(now);
      this.#filling.answerDemands(now);
    }
    this.#tell();
    this.#tick = this.#parts.env.clock.at(nextBeat(now, TICK_MS), () => this.#turn());
  }

  #endExcess(now: number): void {
    const { node, container } = this.limits;
    const { drain, kill } = excess({
      members: this.containers.map((kept) => kept.memberUnder(this.served.limitsOf(kept))),
      allowed: this.#own.allowed,
      memoryOfOneBytes: container.memoryBytes,
      memoryOfAllBytes: node.memoryBytes,
      graceMs: this.settings.graceMs,
      now,
    });
    for (const { id, reason } of drain) {
      const kept = this.#fleet.get(id);
      if (kept === undefined) continue;
      this.events.say("warn", `container ${id} is drained: ${reason}`);
      void this.#fleet.drain(kept, this.settings.graceMs, reason);
    }
    for (const id of kill) this.#fleet.get(id)?.kill();
    const most = Math.max(1, node.containers);
    for (const served of this.served.all) served.target = Math.min(served.target, most);
  }

  #endWithdrawn(): void {
    for (const kept of this.containers) {
      if (!this.served.isWithdrawn(kept)) continue;
      const graceMs = this.served.graceOf(kept.program) ?? this.settings.graceMs;
      void this.#fleet.drain(kept, graceMs, "not wanted any more");
    }
  }

  /** Looks at the folder and at what the containers use, now and then. */
  #look(now: number): void {
    const { folder } = this.served;
    if (folder !== undefined && now - this.#scannedAt >= SCAN_EVERY_MS) {
      this.#scannedAt = now;
      void this.#watch
        .scan(folder, () => this.containers)
        .then(() => this.#turnSoon())
        .catch((error) => this.events.say("error", asError(error).message));
    }
    if (now - this.#measuredAt >= MEASURE_EVERY_MS) {
      this.#measuredAt = now;
      void this.#fleet.measure().catch((error) => this.events.say("warn", asError(error).message));
    }
  }

  async #serveFolder(): Promise<void> {
    const { cpus } = this.#parts.resources.available();
    const serving = this.containers.filter((kept) => kept.digest !== "" && kept.program === FOLDER);
    const present = await this.#code.among(serving.map(({ digest }) => digest));
    const digest = present ?? (await this.#folder.digest());
    const wanted = Math.max(1, Math.min(Math.floor(cpus), this.limits.node.containers));
    // Those that serve are counted in; what they serve is heard with their first answer.
    const target = Math.max(wanted, serving.length);
    this.served.addFolder({ folder: this.settings.folder, digest }, target, (state) => this.#code.isForced(state));
  }

  // --- acting

  async #end(graceMs: number): Promise<number> {
    this.events.say("info", "the node is drained");
    // Others send no more calls here as soon as they hear it.
    const [left] = await Promise.all([this.#fleet.drainAll(graceMs, "the node is drained"), this.peers.leave()]);
    this.#isOpen = false;
    this.#tick?.cancel();
    return left;
  }

  #tell(): void {
    const { own } = this;
    this.peers.tell(own, this.#own.claim);
    if (this.peers.nodes.length > 0) this.#holdUntil = 0;
    // What an earlier governor told of other nodes is better than that there are none.
    if (this.now >= this.#holdUntil) this.#telling.tell(this.containers, own, this.#fleet.epochs);
  }
}
