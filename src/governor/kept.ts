// One container as its governor keeps it: its process, its link, and the signs of life that come over it.
//
//   starting ──answers──▶ spare ──assigned──▶ serving ──told to──▶ draining ──▶ gone
//       └──────────────────── the process ended ─────────────────────────────────▲
//
// Invariants
//   K1. One Renew is under way at a time; the oldest without an answer is what health goes by.
//   K2. `gone` is told once, when the process has ended.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Clock, nextBeat, type Timer } from "../base/clock.ts";
import { asError, Fault } from "../base/fault.ts";
import type { TlsSettings } from "../base/network.ts";
import type { ProcessExit, WatchedProcess } from "../base/processes.ts";
import type { Random } from "../base/random.ts";
import type { Limits, ProgramLimits } from "../capacity/limits.ts";
import { advertised } from "../capacity/reach.ts";
import { type Client, newClient } from "../client/client.ts";
import {
  type Component,
  Container,
  type Description,
  type Load,
} from "../messages/gen/unum/control/v1/container_pb.ts";
import {
  type DeliveryReply,
  type DeliverySchema,
  type Directory,
  type Fenced,
  Governed,
  type RenewReply,
} from "../messages/gen/unum/control/v1/governed_pb.ts";
import type { Family } from "../plugins/figures/family.ts";
import { familyFromWire } from "../plugins/figures/wire.ts";
import type { Address, Transport } from "../transports/transport.ts";
import type { CodePlace } from "./accepted-code.ts";
import type { ExcessView } from "./decisions/excess.ts";
import type { Running, Signs } from "./decisions/health.ts";
import type { ReplacementMember } from "./decisions/replacement.ts";
import type { Hosting } from "./served.ts";
import { Usage } from "./usage.ts";

export interface KeptParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Shared by all; not closed here. */
  readonly transport: Transport;
  /** How it is to be reached from other computers; undefined where it is not. */
  readonly reach: () => Reach | undefined;
  readonly changed: () => void;
  readonly gone: (kept: Kept, exit: ProcessExit) => void;
  /** Programs that run on one node alone, each with its newest epoch. */
  readonly epochs: () => readonly ProgramEpoch[];
  /** What it refused that was done by an older epoch than is known. */
  readonly fenced: (fenced: readonly Fenced[]) => void;
  /** It cannot listen for other computers. Told once. */
  readonly unreachable: (why: string) => void;
}

export interface ProgramEpoch {
  readonly program: string;
  readonly epoch: number;
  /** On the governor's clock: how long this node is the owner; undefined where it is not. */
  readonly until: number | undefined;
}

export interface Reach {
  /** Where each container listens, the port left to the system. */
  readonly addresses: readonly Address[];
  /** The host by which others reach it, where that is not the one it listens at. */
  readonly advertise?: string;
  readonly tls?: TlsSettings;
  /** Nodes whose certificates it takes no more. */
  readonly barred?: readonly string[];
  /** By id, the machines that are nodes of this one and the contracts that they may call. */
  readonly machines?: ReadonlyMap<string, readonly string[]>;
}

export interface KeptRecord {
  readonly id: string;
  readonly nonce: string;
  readonly address: Address;
  readonly process: WatchedProcess;
  readonly digest: string;
  readonly program: string;
  /** Of this governor's clock; for an adopted one, when it was adopted. */
  readonly startedAt: number;
  /** Whether it has answered an earlier governor: its silence is that of a loop that does not turn, not that of a start. */
  readonly hasAnswered: boolean;
  /** The longest that something in it may take, by its own word; 0 where nothing is known. */
  readonly budgetMs: number;
  readonly log: string;
}

/** How often a container is asked for a sign of life. */
const RENEW_EVERY_MS = 200;
/** … and while it has not come to listen: who waits for it waits for this, too. */
const FIRST_RENEW_EVERY_MS = 20;
/** How long a container goes on without its governor. */
const LEASE_MS = 60_000;
/** How long one sign of life is waited for before the next is asked for; health has decided long before. */
const RENEW_TTL_MS = 30_000;
const ASSIGN_TTL_MS = 60_000;
const SHORT_TTL_MS = 5_000;
const FIGURES_TTL_MS = 1_000;

export class Kept {
  readonly id: string;
  readonly nonce: string;
  readonly address: Address;
  readonly process: WatchedProcess;
  readonly startedAt: number;
  readonly log: string;
  state: ReplacementMember["state"] = "starting";
  /** Why it gets no new calls though it serves; undefined while nothing speaks against it. */
  suspected: string | undefined;
  /** Why it was told to drain. */
  reason = "";
  /** Of what it serves; empty while it serves nothing. */
  digest: string;
  /** Which program it serves a part of; empty for the components folder. */
  program: string;
  probed = true;
  killAt: number | undefined;
  /** When it was last given a folder, on the governor's clock. */
  assignedAt = Number.NEGATIVE_INFINITY;
  readonly usage = new Usage();
  began: readonly Running[] = [];
  /** When the last of those ended. */
  lastEndedAt: number | undefined;
  readonly #parts: KeptParts;
  readonly #client: Client;
  #network: readonly Address[] = [];
  #reaching: "not yet" | "asked" | "told" = "not yet";
  #saidUnreachable = false;
  #components: readonly Component[] = [];
  #load: Load | undefined;
  #answered: boolean;
  #budgetMs: number;
  #unansweredSince: number | undefined;
  #idleSince: number | undefined;
  #overdue: Signs["overdue"] = [];
  #knownDirectory = 0n;
  #telling = false;
  #exit: ProcessExit | undefined;
  #next: Timer | undefined;

  constructor(record: KeptRecord, parts: KeptParts) {
    this.id = record.id;
    this.nonce = record.nonce;
    this.address = record.address;
    this.process = record.process;
    this.digest = record.digest;
    this.program = record.program;
    this.startedAt = record.startedAt;
    this.log = record.log;
    this.#answered = record.hasAnswered;
    this.#budgetMs = record.budgetMs;
    this.#parts = parts;
    const { clock, random, transport } = parts;
    this.#client = newClient({ env: { clock, random }, transports: [transport], to: [record.address] });
    void this.process.exited.then((exit) => {
      this.#exit = exit;
      this.#next?.cancel();
      parts.gone(this, exit);
    });
    void this.#renew();
  }

  get components(): readonly Component[] {
    return this.#components;
  }

  /** The longest that something in it may take, by its own word; 0 where it has said nothing. */
  get budgetMs(): number {
    return Math.max(this.#budgetMs, ...this.#components.map(({ budgetMs }) => budgetMs));
  }

  /** Where it is reached, its socket on this computer first. */
  get addresses(): readonly Address[] {
    const host = this.#parts.reach()?.advertise;
    return [this.address, ...this.#network.map((address) => advertised(address, host))];
  }

  get load(): { readonly running: number; readonly waiting: number; readonly free: number; readonly done: bigint } {
    return this.#load ?? NO_LOAD;
  }

  /** Since it was started, or taken over. */
  get upMs(): number {
    return this.#parts.clock.now() - this.startedAt;
  }

  get signs(): Signs {
    return {
      startedAt: this.startedAt,
      answered: this.#answered,
      unansweredSince: this.#unansweredSince,
      began: this.began,
      lastEndedAt: this.lastEndedAt,
      overdue: this.#overdue,
      exit: this.#exit,
    };
  }

  get member(): ReplacementMember {
    const { running, waiting } = this.load;
    return {
      id: this.id,
      state: this.state,
      contracts: this.#components.map(({ contract }) => contract),
      running,
      waiting,
      idleSince: this.#idleSince,
      memoryBytes: this.usage.memoryBytes,
      ...(this.killAt === undefined ? {} : { killAt: this.killAt }),
      code: this.digest,
      probed: this.probed,
    };
  }

  /** As it is judged by what its program may use. */
  memberUnder({ memoryBytes }: ProgramLimits): ExcessView["members"][number] {
    return { ...this.member, programMemoryBytes: memoryBytes, lastingMemoryBytes: this.usage.lastingMemoryBytes };
  }

  /** The version that it was told last, by whichever governor. */
  get knownDirectory(): bigint {
    return this.#knownDirectory;
  }

  /** Gives it what it serves. Answers with what could not be loaded. */
  async assign(
    given: CodePlace & Readonly<Record<"program" | "digest", string>>,
    hosting: Hosting | undefined,
  ): Promise<readonly string[]> {
    this.digest = given.digest;
    this.program = given.program;
    this.assignedAt = this.#parts.clock.now();
    const reply = await this.#client
      .of(Governed)
      .assign({ ...given, ...hostingText(hosting) }, { ttlMs: ASSIGN_TTL_MS });
    this.#components = reply.components;
    return reply.failures;
  }

  describe(): Promise<Description> {
    return this.#client.of(Container).describe({}, { ttlMs: SHORT_TTL_MS });
  }

  /** Tells it who is there, unless it knows, or is just being told. */
  async tell(directory: Directory): Promise<void> {
    if (this.#telling || this.#knownDirectory >= directory.version) return;
    this.#telling = true;
    try {
      const { version } = await this.#client.of(Governed).setDirectory(directory, { ttlMs: SHORT_TTL_MS });
      this.#knownDirectory = version;
    } catch {
      // Told again with the next turn, if it still listens then.
    } finally {
      this.#telling = false;
    }
  }

  /** Messages that were kept, in order. Answered when the functions of those that found a place have ended. */
  deliver(delivery: MessageInitShape<typeof DeliverySchema>, ttlMs: number): Promise<DeliveryReply> {
    return this.#client.of(Governed).deliver(delivery, { ttlMs });
  }

  /** What its process has counted. */
  async figures(): Promise<readonly Family[]> {
    const { families } = await this.#client.of(Governed).figures({}, { ttlMs: FIGURES_TTL_MS });
    return families.map(familyFromWire);
  }

  /** Of one that has just ended, or is not there yet, the next answer brings the limits. */
  limit({ inbox, concurrency }: Pick<Limits["container"], "inbox" | "concurrency">): void {
    const options = { ttlMs: SHORT_TTL_MS };
    const ignored = () => {};
    this.#client.of(Container).setLimits({ inbox }, options).catch(ignored);
    for (const { contract } of this.components) {
      const wanted = concurrency[contract];
      const limit = { contract, concurrency: wanted ?? 0 };
      if (wanted !== undefined) this.#client.of(Governed).setConcurrency(limit, options).catch(ignored);
    }
  }

  /** Settles with the calls that were left when the grace ended. Told once; whoever asks again waits for the same. */
  async drain(graceMs: number): Promise<number> {
    const { left } = await this.#client.of(Container).drain({ graceMs }, { ttlMs: graceMs + SHORT_TTL_MS });
    return left;
  }

  kill(): void {
    this.process.signal("SIGKILL");
  }

  async #renew(): Promise<void> {
    const { clock, changed } = this.#parts;
    this.#unansweredSince ??= clock.now();
    try {
      const asked = { leaseMs: LEASE_MS, ttlUs: BigInt(RENEW_TTL_MS * 1_000), owned: [...this.#owned] };
      const reply = await this.#client.of(Governed).renew(asked, { ttlMs: RENEW_TTL_MS });
      if (reply.nonce !== this.nonce) throw new Fault("invalid", `${this.address} is answered by another container`);
      this.#heard(reply);
      void this.#beReached();
      changed();
    } catch (error) {
      // A process that has not come to listen, has just ended or stands still: its exit, or its silence, is judged elsewhere.
      if (!(error instanceof Fault)) throw asError(error);
    }
    if (this.#exit !== undefined) return;
    const again = () => void this.#renew();
    const now = clock.now();
    this.#next = this.#answered
      ? clock.at(nextBeat(now, RENEW_EVERY_MS), again)
      : clock.after(FIRST_RENEW_EVERY_MS, again);
  }

  /** All epochs, and of its own program what is left of the lease. */
  get #owned(): readonly { program: string; epoch: bigint; leaseUs: bigint }[] {
    const now = this.#parts.clock.now();
    return this.#parts.epochs().map(({ program, epoch, until = now }) => {
      const leftMs = program === this.program ? Math.max(0, until - now) : 0;
      return { program, epoch: BigInt(epoch), leaseUs: BigInt(Math.floor(leftMs * 1_000)) };
    });
  }

  /** With the keys that hold now and whom they do not hold for: told at once, else with its next sign of life. */
  secure(): void {
    // An answer that is under way is to what held before.
    this.#reaching = "not yet";
    if (this.#answered) void this.#beReached();
  }

  /** Once for what holds: a container that an earlier governor started gets keys that may have been renewed. */
  async #beReached(): Promise<void> {
    const { changed, unreachable } = this.#parts;
    const reach = this.#parts.reach();
    if (reach === undefined || this.#reaching !== "not yet") return;
    this.#reaching = "asked";
    const { addresses, tls, barred = [], machines = NO_MACHINES } = reach;
    try {
      const asked = {
        ...{ addresses: [...addresses], barred: [...barred], machines: callables(machines) },
        ...(tls === undefined ? {} : { tls }),
      };
      this.#network = (await this.#client.of(Governed).listen(asked, { ttlMs: SHORT_TTL_MS })).addresses;
      if (this.#parts.reach() === reach) this.#reaching = "told";
      changed();
    } catch (error) {
      // Asked again with its next sign of life.
      this.#reaching = "not yet";
      if (!this.#saidUnreachable && this.#exit === undefined) unreachable(asError(error).message);
      this.#saidUnreachable = true;
    }
  }

  #heard({ load, digest, program, components, directory, addresses, overdue, fenced }: RenewReply): void {
    this.#answered = true;
    this.#network = addresses;
    this.#unansweredSince = undefined;
    this.#load = load;
    const now = this.#parts.clock.now();
    this.#overdue = overdue.map(({ component, sinceMs }) => ({ component, since: now - sinceMs }));
    this.#knownDirectory = directory;
    if (fenced.length > 0) this.#parts.fenced(fenced);
    const busy = this.load.running + this.load.waiting > 0;
    if (busy) this.#idleSince = undefined;
    else this.#idleSince ??= now;
    if (components.length > 0) this.#components = components;
    if (this.digest === "") {
      this.digest = digest;
      this.program = program;
    }
  }
}

const NO_MACHINES: ReadonlyMap<string, readonly string[]> = new Map();

/** As it travels. */
export function callables(machines: ReadonlyMap<string, readonly string[]>): { [id: string]: { contracts: string[] } } {
  return Object.fromEntries([...machines].map(([id, contracts]) => [id, { contracts: [...contracts] }]));
}

const NO_LOAD = { running: 0, waiting: 0, free: 0, done: 0n };

function hostingText(hosting: Hosting | undefined) {
  if (hosting === undefined) return {};
  const { limits, granted, ...rest } = hosting;
  return {
    hosting: {
      ...rest,
      granted: [...granted],
      memoryBytes: BigInt(limits.memoryBytes),
      cpuPermille: limits.cpuPermille,
    },
  };
}
