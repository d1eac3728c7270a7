// The processes of a node's containers: started, taken over, given code, drained, written down.
//
//   spawn ──▶ answered ──▶ give ──▶ assigned ──▶ drain ──▶ gone
//   adopt ──────┘                      └── all told to the governor, which decides what follows
//
// Invariants
//   F1. What is to be started is written down before (an intent), again as soon as its process is known (a record), and
//       forgotten only when its process has ended. Nothing is given to one that has no record yet.
//   F2. Every container is told to drain once, and is ended by force only when its time for that is over.

import { sleep } from "../base/clock.ts";
import { asError } from "../base/fault.ts";
import type { ProcessExit, WatchedProcess } from "../base/processes.ts";
import { newId } from "../base/random.ts";
import type { Fenced } from "../messages/gen/unum/control/v1/governed_pb.ts";
import type { ContainerRecord } from "./decisions/adoption.ts";
import type { Member } from "./decisions/members.ts";
import type { Room } from "./decisions/room.ts";
import type { Events } from "./events.ts";
import { FleetFigures } from "./fleet-figures.ts";
import type { FleetListener, FleetParts, FleetSettings } from "./fleet-settings.ts";
import { Kept, type ProgramEpoch, type Reach } from "./kept.ts";
import { type LeftBehind, takeOver } from "./left-behind.ts";
import { readNote } from "./note.ts";
import { Records } from "./records.ts";
import { Registry } from "./registry.ts";
import type { Code } from "./served.ts";

const CHANGED_MEANWHILE = "the folder changed while it was loaded";
/** How long a look at the folder may take. */
const LOOK_MS = 2_000;
/** What a container is reckoned with that has not been measured yet. */
const EMPTY_CONTAINER_BYTES = 64 * 2 ** 20;
const LOG_LIMIT_BYTES = 16 * 2 ** 20;
/** For one that was told to drain by a governor that is gone. */
const LONGEST_GRACE_MS = 60_000;
/** What a container may take to end after its calls have. */
const DRAIN_SLACK_MS = 5_000;

export class Fleet {
  readonly #settings: FleetSettings;
  readonly #parts: FleetParts;
  readonly #events: Events;
  readonly #listener: FleetListener;
  readonly #registry: Registry;
  readonly #records: Records;
  readonly #kept = new Map<string, Kept>();
  /** Asked of the system, and its process not known yet. */
  #spawning = 0;
  /** Started here, and not answered yet: nobody knows them, so there is nothing in them to be lost. */
  readonly #unborn = new Set<Kept>();
  /** Given a folder, and not heard what of it they serve. */
  readonly #taking = new Set<Kept>();
  /** Given code where people write it, and not looked yet whether that has changed meanwhile. */
  readonly #inPlace = new WeakSet<Kept>();
  #cut: Promise<unknown> = Promise.resolve();
  #measuring: Promise<void> | undefined;
  readonly #starts = new Set<Promise<void>>();
  #ending = false;
  #lastChangeAt = 0;
  #spareMs = 0;
  #newMs = 0;
  readonly figures = new FleetFigures();
  #reach: Reach | undefined;
  #epochs: readonly ProgramEpoch[] = [];
  /** Told what a container refused that was done by an older epoch than is known. */
  onFenced: (kept: Kept, fenced: readonly Fenced[]) => void = () => {};

  constructor(settings: FleetSettings, parts: FleetParts, events: Events, listener: FleetListener) {
    this.#settings = settings;
    this.#reach = settings.reach;
    this.#parts = parts;
    this.#events = events;
    this.#listener = listener;
    this.#registry = new Registry(parts.disk, settings.run, () => parts.env.clock.wallNow());
    this.#records = new Records(this.#registry);
  }

  get all(): readonly Kept[] {
    return [...this.#kept.values()];
  }

  /** Started, and not yet what they are for. */
  get coming(): number {
    return this.count("starting") + this.#spawning;
  }

  get isSpawning(): boolean {
    return this.#spawning > 0;
  }

  /** When one was last started or told to end. */
  get lastChangeAt(): number {
    return this.#lastChangeAt;
  }

  /** How long a warm one, and a new one, took to be there lately, in ms; 0 before the first. */
  get times(): { readonly spareMs: number; readonly newMs: number } {
    return { spareMs: this.#spareMs, newMs: this.#newMs };
  }

  get(id: string): Kept | undefined {
    return this.#kept.get(id);
  }

  /** Started, and not yet given anything: no matter what for. */
  get unassigned(): number {
    return this.all.filter(({ state, digest }) => state === "starting" && digest === "").length + this.#spawning;
  }

  count(state: Kept["state"]): number {
    let count = 0;
    for (const kept of this.#kept.values()) if (kept.state === state) count++;
    return count;
  }

  room(allowed: number, memoryAllowedBytes: number): Room {
    const members = this.all.map(({ member }) => member);
    const measured = members.map(({ memoryBytes }) => memoryBytes).filter((bytes) => bytes > 0);
    const mean = measured.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, measured.length);
    return {
      members: [...members, ...Array.from({ length: this.#spawning }, () => COMING)],
      allowed,
      memoryAllowedBytes,
      memoryOfOneBytes: Math.max(EMPTY_CONTAINER_BYTES, mean),
    };
  }

  /** Takes over what an earlier governor left. */
  async open(): Promise<void> {
    await this.#parts.disk.makeFolder(this.#settings.logs);
    await this.#registry.open();
    const taken = await takeOver(
      { registry: this.#registry, processes: this.#parts.processes },
      {
        forgotten: (id, why) => this.#events.say("info", `container ${id} is forgotten: ${why}`),
        unreadable: (text) => this.#events.say("warn", `a record of a container cannot be read: ${text}`),
      },
    );
    for (const left of taken) this.#adopt(left);
  }

  get epochs(): readonly ProgramEpoch[] {
    return this.#epochs;
  }

  /** Told with each container's next sign of life. */
  setEpochs(epochs: readonly ProgramEpoch[]): void {
    this.#epochs = epochs;
  }

  /** What containers speak TLS with from now on, and whom they do not speak with; all of them are told at once. */
  secure({ tls, barred, machines }: Pick<Reach, "tls" | "barred" | "machines">): void {
    if (this.#reach === undefined) return;
    this.#reach = {
      ...this.#reach,
      ...(tls === undefined ? {} : { tls }),
      ...(barred === undefined ? {} : { barred }),
      ...(machines === undefined ? {} : { machines }),
    };
    for (const kept of this.all) kept.secure();
  }

  spawn(): Promise<void> {
    const starting = this.#start().finally(() => this.#starts.delete(starting));
    this.#starts.add(starting);
    return starting;
  }

  async #start(): Promise<void> {
    const { env, processes } = this.#parts;
    const id = newId(env.random, "k");
    const nonce = newId(env.random, "");
    const address = `ipc://${this.#settings.run}/${id}.sock`;
    const { id: node, host } = this.#settings;
    const [note, intent] = [this.#registry.notePath(id), this.#registry.intentPath(id)];
    this.#spawning++;
    this.#lastChangeAt = env.clock.now();
    try {
      this.#records.intend({ id, nonce, address });
      const process = await processes
        .spawn({
          ...this.#settings.command({ id, nonce, node, host, address, note, intent }),
          environment: this.#settings.environment,
          folder: this.#settings.workingFolder,
          logPath: this.#logPath(id),
        })
        .catch((error) => this.#unintended(id, error));
      const served = { digest: "", program: "", hasAnswered: false, budgetMs: 0 };
      const kept = this.#keep({ id, nonce, address, ...served, process, startedAt: env.clock.now() });
      this.figures.started++;
      this.#unborn.add(kept);
      await this.#write(kept, "starting").catch((error) => this.#endUnwritten(kept, error));
      if (this.#ending) await this.drain(kept, 0, "the node is drained");
    } catch (error) {
      this.#listener.unstartable(`a container cannot be started: ${asError(error).message}`);
    } finally {
      this.#spawning--;
    }
  }

  #unintended(id: string, error: unknown): never {
    void this.#records.forget(id).catch(() => {});
    throw asError(error);
  }

  /** F1: one that the next governor would not find has no work yet, and ends. */
  #endUnwritten(kept: Kept, error: unknown): never {
    kept.state = "draining";
    kept.reason = "it could not be written down";
    kept.kill();
    throw asError(error);
  }

  /** Its first answer to this governor. Written down: the next one must not take it for one that never came to answer. */
  hasAnswered(kept: Kept): void {
    this.#unborn.delete(kept);
    void this.#write(kept, "running").catch(this.#warn);
  }

  /** Its first answer, and nothing given yet: warm. */
  isWarm(kept: Kept): void {
    kept.state = "spare";
    this.#newMs = this.#parts.env.clock.now() - kept.startedAt;
    this.figures.tookToStart(this.#newMs);
  }

  /** Gives a warm container what it serves from now on. */
  async give(kept: Kept, program: string, code: Code): Promise<void> {
    const since = this.#parts.env.clock.now();
    kept.state = "starting";
    kept.probed = false;
    kept.program = program;
    kept.digest = code.digest;
    this.#lastChangeAt = since;
    this.#taking.add(kept);
    try {
      const { folder, source } = await this.#listener.placeOf(program, code);
      await this.#records.written(kept.id);
      if (isDraining(kept)) return;
      if (source === "") this.#inPlace.add(kept);
      const failures = await kept.assign({ program, folder, source, digest: code.digest }, code.hosting);
      if (await this.#loadedHalf(kept)) return void this.drain(kept, 0, CHANGED_MEANWHILE);
      this.#inPlace.delete(kept);
      // It works already, and an earlier record names it: better an old one than no container.
      if (!isDraining(kept)) await this.#write(kept, "running").catch(this.#warn);
      if (isDraining(kept)) return;
      this.#spareMs = this.#parts.env.clock.now() - since;
      this.figures.tookTheFolder(this.#spareMs);
      this.#listener.assigned(kept, failures);
    } catch (error) {
      if (isDraining(kept)) return;
      this.#events.say("error", `container ${kept.id} did not take the components: ${asError(error).message}`);
      kept.kill();
    } finally {
      this.#taking.delete(kept);
    }
  }

  /** Whether it will say itself what of a folder it serves, and what not. */
  isTaking(kept: Kept): boolean {
    return this.#taking.has(kept);
  }

  /** Settles with the calls that were left when the grace ended. */
  drain(kept: Kept, graceMs: number, reason: string): Promise<number> {
    const now = this.#parts.env.clock.now();
    kept.state = "draining";
    kept.reason = reason;
    kept.killAt = now + graceMs + DRAIN_SLACK_MS;
    this.#lastChangeAt = now;
    this.#listener.draining();
    if (this.#unborn.has(kept)) {
      kept.kill();
      return Promise.resolve(0);
    }
    void this.#write(kept, "draining").catch(this.#warn);
    return kept.drain(graceMs).catch(() => kept.load.running);
  }

  /** The last thing: what is being started meanwhile is ended too. */
  async drainAll(graceMs: number, reason: string): Promise<number> {
    this.#ending = true;
    const all = this.all;
    const lefts = await Promise.all(all.map((kept) => this.drain(kept, graceMs, reason)));
    await Promise.all(this.#starts);
    await Promise.all(this.all.map(({ process }) => this.#endedOrKilled(process)));
    return lefts.reduce((sum, left) => sum + left, 0);
  }

  /** Looks what each uses, and keeps its log from growing. */
  measure(): Promise<void> {
    // Where a disk takes longer than it is between two looks, they do not pile up.
    this.#measuring ??= this.#measure().finally(() => {
      this.#measuring = undefined;
    });
    return this.#measuring;
  }

  async #measure(): Promise<void> {
    for (const kept of this.all) {
      const { pid } = kept.process.id;
      const memory = await this.#parts.resources.memoryOf(pid);
      if (memory !== undefined) kept.usage.memory(memory.proportionalBytes ?? memory.residentBytes);
      kept.usage.processors(await this.#parts.resources.processorMsOf(pid), this.#parts.env.clock.now());
      await this.#cutLog(kept);
    }
  }

  /** One at a time: two that cut the same log would each take the other's copy of its end away. */
  #cutLog({ log }: Kept): Promise<unknown> {
    this.#cut = this.#cut.then(() => this.#parts.disk.capLog(log, LOG_LIMIT_BYTES)).catch(this.#warn);
    return this.#cut;
  }

  /** What it has said of itself in case it cannot answer. */
  note(kept: Kept): ReturnType<typeof readNote> {
    return readNote(this.#parts.disk, this.#registry.notePath(kept.id));
  }

  #adopt({ record, process }: LeftBehind): void {
    const { id, nonce, address, digest, program, budgetMs = 0 } = record;
    const { env } = this.#parts;
    this.#records.keep(id);
    const served = { digest, program, hasAnswered: record.state !== "starting", budgetMs };
    const kept = this.#keep({ id, nonce, address, ...served, process, startedAt: env.clock.now() });
    // Of one that only an intent named there is a record now, too.
    if (record.state === "starting") void this.#write(kept, "starting").catch(this.#warn);
    if (record.state === "draining") {
      kept.state = "draining";
      kept.reason = "an earlier governor has told it to drain";
      // How long that one gave it is not known: as long as it could be.
      kept.killAt = env.clock.now() + LONGEST_GRACE_MS;
    }
    this.#events.say("info", `container ${id} is taken over from an earlier governor`);
  }

  #keep(record: Omit<ConstructorParameters<typeof Kept>[0], "log">): Kept {
    const { clock, random } = this.#parts.env;
    const kept = new Kept(
      { ...record, log: this.#logPath(record.id) },
      {
        ...{ clock, random, transport: this.#parts.transport },
        changed: () => this.#listener.heard(kept),
        reach: () => this.#reach,
        epochs: () => this.epochs,
        fenced: (fenced) => this.onFenced(kept, fenced),
        gone: (_, exit) => void this.#onGone(kept, exit),
        unreachable: (why) =>
          this.#events.say("error", `container ${kept.id} is reached on this computer only: ${why}`),
      },
    );
    this.#kept.set(kept.id, kept);
    return kept;
  }

  /** Whether what it was given in place has changed since. Not waited for without end: a disk may not answer. */
  async #loadedHalf(kept: Kept): Promise<boolean> {
    if (!this.#inPlace.has(kept) || isDraining(kept)) return false;
    const { clock } = this.#parts.env;
    const left = this.#listener.hasLeft(kept.program, kept.digest).catch(() => false);
    return await Promise.race([left, sleep(clock, LOOK_MS).then(() => false)]);
  }

  async #onGone(kept: Kept, exit: ProcessExit): Promise<void> {
    if (await this.#loadedHalf(kept)) {
      kept.state = "draining";
      kept.reason = CHANGED_MEANWHILE;
    }
    this.#kept.delete(kept.id);
    this.#unborn.delete(kept);
    this.#listener.gone(kept, exit);
    if (kept.state === "draining") this.figures.drained++;
    else this.figures.crashed++;
    if (kept.state === "draining") this.#events.say("info", `container ${kept.id} has ended: ${kept.reason}`);
    else {
      const how =
        exit.signal === undefined ? `exited with code ${exit.code ?? "unknown"}` : `was ended by ${exit.signal}`;
      const { running } = await this.note(kept);
      const blamed = running.length === 0 ? "" : `, in the middle of ${running.join(", ")}`;
      this.#events.say("error", `container ${kept.id} ${how}${blamed}`);
    }
    await this.#records.forget(kept.id).catch(this.#warn);
    // What it wrote since it was measured last.
    await this.#cutLog(kept);
  }

  async #endedOrKilled(process: WatchedProcess): Promise<void> {
    const timer = this.#parts.env.clock.after(DRAIN_SLACK_MS, () => process.signal("SIGKILL"));
    await process.exited;
    timer.cancel();
  }

  #write(kept: Kept, state: ContainerRecord["state"]): Promise<void> {
    const { id, nonce, address, digest, program, budgetMs } = kept;
    return this.#records.write({ ...kept.process.id, id, nonce, address, digest, program, budgetMs, state });
  }

  readonly #warn = (error: unknown): void => this.#events.say("warn", asError(error).message);

  #logPath(id: string): string {
    return `${this.#settings.logs}/${id}.log`;
  }
}

/** Told to, perhaps while something else of it was waited for. */
function isDraining({ state }: Kept): boolean {
  return state === "draining";
}

const COMING: Member = {
  ...{ id: "", state: "starting", contracts: [], running: 0, waiting: 0, idleSince: undefined, memoryBytes: 0 },
};
