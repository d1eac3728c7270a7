// The machine as one node keeps it: the records of what should be, and the node's own way towards them.
//
//   records ──▶ what should run ──▶ life (pure) ──▶ load ▸ serve ▸ withdraw ▸ delete ──▶ governor
//      ▲                                                                              └──▶ report to the others
//      └── proposed at a controller, or told by another node: signature ▸ privilege ▸ merge ▸ kept on disk
//
// Invariants
//   M1. No record is taken, wherever it comes from, whose signer may not write it.
//   M2. A record is on disk before anybody is told that it was taken.
//   M3. One pass over the programs runs at a time; what changes meanwhile starts another after it.

import { create } from "@bufbuild/protobuf";
import type { Timer } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import type { Env } from "../base/env.ts";
import { asError, Fault } from "../base/fault.ts";
import { type NodeReport, NodeReportSchema, type ProgramAtNode } from "../messages/gen/unum/machine/v1/machine_pb.ts";
import type { LoadedVersion, ProgramWanted, SignedRecord } from "../messages/gen/unum/machine/v1/record_pb.ts";
import { type FileStore, fileStore } from "../stores/file-store.ts";
import { folderNameOf } from "../stores/key.ts";
import { type Archive, readArchive } from "./archive/archive.ts";
import { ARCHIVE_LIMITS } from "./archive/entries.ts";
import { partsAt } from "./archive/manifest.ts";
import { AuditLog } from "./audit/audit-log.ts";
import { BoundedAudit, type Noted } from "./audit/bounded-audit.ts";
import { type Authority, admit, allowanceIn, commandOf, grantsIn, isRevoked } from "./controller/admission.ts";
import { checkProgramChange } from "./controller/program-change.ts";
import { whileAway } from "./disconnection/policy.ts";
import { Silence } from "./disconnection/silence.ts";
import type { LeafWanted } from "./identity/authority.ts";
import { GossipKeys } from "./identity/gossip-keys.ts";
import type { OwnCertificate } from "./identity/renewing.ts";
import { type PublicKey, publicKeyOf } from "./keys/signing-key.ts";
import { type Life, type LifeState, lifeOf, type There, type Wanted } from "./life/life.ts";
import type { Boxed } from "./outbox/tally.ts";
import { Peers } from "./peers.ts";
import { refusal } from "./privileges/roles.ts";
import { distrusted } from "./privileges/trust.ts";
import { ArchiveFolder } from "./programs/archive-folder.ts";
import { type Merged, RecordSet } from "./records/record-set.ts";
import { type KnownRecord, readRecord, recordBytes, recordOf } from "./records/signed-record.ts";
import { Tombstones } from "./records/tombstones.ts";
import { childGrants, trustOfParent } from "./stacking/links.ts";

/** The governor, as the machine needs it. */
export interface ProgramHost {
  /** All programs to serve; those not named end after their calls. */
  setPrograms(programs: readonly HostedProgram[]): void;
  /** How long its calls may take to end when it is withdrawn. */
  setGrace(program: string, graceMs: number): void;
  /** What is served of them now. */
  readonly programs: readonly HostedState[];
  /** Containers that serve it, or end after they did. */
  containersOf(program: string): number;
}

export interface HostedProgram {
  readonly name: string;
  readonly digest: string;
  /** Absolute: its components. */
  readonly folder: string;
  readonly containers: number;
  readonly mayBreak: boolean;
  readonly graceMs: number;
  readonly hosting: HostedParts;
}

export interface HostedParts {
  /** Absolute: its files. */
  readonly root: string;
  readonly granted: readonly string[];
  readonly inline: boolean;
  /** Absolute: where its objects are kept. */
  readonly store: string;
  /** Whether its node is a controller. */
  readonly controller: boolean;
}

export interface HostedState {
  readonly name: string;
  /** Of what serves. */
  readonly digest: string;
  readonly serving: number;
  readonly problems: readonly string[];
  /** New code that did not pass. */
  readonly refused: { readonly digest: string; readonly why: string } | undefined;
}

export interface MachineSettings {
  readonly env: Env;
  readonly disk: Disk;
  /** Absolute: all that the machine keeps on this node. */
  readonly folder: string;
  readonly machine: string;
  readonly node: string;
  readonly doors: readonly string[];
  readonly controller: boolean;
  /** It is a whole machine, which is one node of this one. */
  readonly isMachine?: boolean;
  /** Public key of who founded the machine. */
  readonly founder: PublicKey;
  readonly host: ProgramHost;
  /** Doors of nodes to ask first. */
  readonly seeds?: readonly string[];
  /** Where it lets other computers in, and the hash of the machine's root certificate. */
  readonly joins?: { readonly at: string; readonly root: string };
  /** Undefined for a machine of one node. */
  readonly own?: OwnCertificate;
  /** Signs certificates of nodes; only at a controller. */
  readonly issue?: (wanted: LeafWanted) => Promise<string>;
  /** What the nodes' gossip is sealed with; 32 bytes. Undefined for a machine of one node. */
  readonly gossipKey?: Uint8Array;
}

const NO_GATEWAY = { state: "", problems: [] };
const PASS_EVERY_MS = 250;
const MOVING_EVERY_MS = 25;
const MOVING: ReadonlySet<LifeState> = new Set(["starting", "stopping"]);
const AGAIN_AFTER_MS = 2_000;
const HEARD_AFTER_MS = 1_000;

export class MachineNode {
  readonly settings: MachineSettings;
  readonly records = new RecordSet();
  readonly archives: ArchiveFolder;
  readonly audit: AuditLog;
  readonly #noted: BoundedAudit;
  readonly peers: Peers;
  readonly #store: FileStore;
  readonly #tombstones: Tombstones;
  /** What the governor was told to serve. */
  #told = new Map<string, HostedProgram>();
  readonly #refused = new Map<string, string>();
  readonly #lives = new Map<string, Life>();
  /** What could not be done, and when it is tried again. */
  readonly #failed = new Map<string, { readonly why: string; readonly notBefore: number }>();
  /** Programs that do not run here because no controller is reached, or was, each with why. */
  readonly #away = new Map<string, string>();
  #reports = 0n;
  #passing: Promise<void> | undefined;
  #again = false;
  #timer: Timer | undefined;
  #isClosed = false;
  /** Fetches an archive from another node; answers whether it is here now. */
  fetch: (digest: string) => Promise<boolean> = () => Promise.resolve(false);
  /** Told of the certificate that the node has from now on. */
  onRenewed: (own: OwnCertificate) => void = () => {};
  /** The node's own, as it is now. */
  own: OwnCertificate | undefined;
  /** Brings a record to every other node that answers; settles with those that took it. */
  tell: (record: SignedRecord) => Promise<readonly string[]> = () => Promise.resolve([]);
  /** Told which nodes are no part of the machine any more: all of them, whenever one more is not. */
  onBarred: (nodes: ReadonlySet<string>) => void = () => {};
  /** Told what gossip is sealed with from now on: the first is spoken under, all are heard. */
  onGossipKeys: (keys: readonly Uint8Array[]) => void = () => {};
  /** Told what each machine that may be a node of this one may call, whenever that changed. */
  onChildren: (grants: ReadonlyMap<string, readonly string[]>) => void = () => {};
  /** At the controller with the gateway, as that told it: the parent, its parent and so on. */
  ancestors: readonly string[] = [];
  /** At the controller with the gateway: how that is, for people. */
  gateway: () => { readonly state: string; readonly problems: readonly string[] } = () => NO_GATEWAY;
  /** Told when there is something that the other nodes have not heard. */
  onNews: () => void = () => {};
  /** Told which contracts' messages nobody waits for any more: their program was stopped or taken away. */
  onWithdrawn: (contracts: readonly string[]) => void = () => {};
  /** What it keeps for other nodes, and from them. */
  boxes: () => readonly Boxed[] = () => [];
  readonly gossip: GossipKeys;
  readonly silence: Silence;

  constructor(settings: MachineSettings) {
    const { env, disk, folder } = settings;
    this.settings = settings;
    this.own = settings.own;
    this.archives = new ArchiveFolder(disk, folder, env.random);
    this.audit = new AuditLog(disk, folder, () => env.clock.wallNow());
    this.#noted = new BoundedAudit(this.audit, env.clock);
    this.peers = new Peers(env.clock);
    const { clock, log } = env;
    const { controller } = settings;
    this.silence = new Silence({ clock, log, disk, controller, path: `${folder}/stopped-away.json` });
    this.#tombstones = new Tombstones({ disk, folder, node: settings.node });
    const identity = `${folder}/identity`;
    const changed = (keys: readonly Uint8Array[]) => this.onGossipKeys(keys);
    this.gossip = new GossipKeys({ clock: env.clock, disk, folder: identity, changed });
    this.#store = fileStore({ folder: `${folder}/records`, disk, clock: env.clock, log: env.log });
    this.#reports = BigInt(Math.floor(env.clock.wallNow())) * 1_000n;
  }

  /** Reads what it knows, so that nobody is let in meanwhile who should not be; does nothing yet. */
  async open(): Promise<void> {
    const { disk, folder, env, gossipKey } = this.settings;
    await disk.makeFolder(folder);
    await this.gossip.open(gossipKey);
    this.records.raise(await this.#tombstones.open());
    for (const key of await this.#store.keys("")) {
      try {
        const object = await this.#store.get(key);
        if (object?.bytes !== undefined) this.records.merge(recordOf(object.bytes));
      } catch (error) {
        // Another node has it, or its signer says it again.
        env.log.write("error", `a record of the machine cannot be read: ${asError(error).message}`);
      }
    }
    this.onBarred(this.barred);
    this.onChildren(childGrants(this.records));
  }

  async start(): Promise<void> {
    await this.archives.open();
    await this.silence.open();
    await this.audit.open();
    this.#passSoon();
  }

  /** Doors that are known when nothing else is. */
  get seeds(): readonly string[] {
    return this.settings.seeds ?? [];
  }

  isRevoked(node: string): boolean {
    return isRevoked(this.records, node);
  }

  /** Nodes that are no part of the machine any more. */
  get barred(): ReadonlySet<string> {
    return new Set(
      this.records.all.flatMap(({ record: { body } }) =>
        body.case === "revoked" && body.value.node !== "" ? [body.value.node] : [],
      ),
    );
  }

  /** Into the audit log; refusals without end are counted. */
  note(entry: Noted): Promise<void> {
    return this.#noted.write(entry);
  }

  /** Throws the Fault `denied` where its signer may not load it. */
  judgeArchive({ manifest: { name, version }, signer }: Archive): void {
    const refused = refusal("load", name, allowanceIn(this.authority, signer.id));
    const why = this.isRevoked(signer.id) ? "that key was revoked" : refused;
    if (why === undefined) return;
    if (this.settings.controller)
      void this.note({ who: signer.id, what: `load program/${name}`, verdict: "refused", why });
    throw new Fault("denied", `${name} ${version} is signed by key ${signer.id}: ${why}`);
  }

  /** What other nodes said of themselves, by way of whoever told it. */
  hear(reports: readonly NodeReport[]): void {
    for (const report of reports) {
      const isOther = report.node !== this.settings.node && !this.isRevoked(report.node);
      if (!isOther) continue;
      this.#tombstones.heard(report.node);
      if (this.peers.hear(report)) this.#passSoon();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.gossip.close();
    void this.#noted.close();
    this.#store.close();
  }

  get authority(): Authority {
    const { machine, founder, env, own } = this.settings;
    return { machine, founder: founder.id, records: this.records, nowMs: env.clock.wallNow(), root: own?.root };
  }

  /** Keys that may sign archives, each within its grant. */
  get signers(): readonly PublicKey[] {
    return [this.settings.founder, ...grantsIn(this.records).map(({ grant }) => publicKeyOf(grant.key))];
  }

  program(name: string): ProgramWanted | undefined {
    const body = this.records.get(`program/${name}`)?.record.body;
    return body?.case === "program" ? body.value : undefined;
  }

  /** A command to this controller: judged, written down whatever comes of it, kept. Throws the Fault that refuses it. */
  async propose(signed: SignedRecord): Promise<Merged> {
    let what = "a record that cannot be read";
    let who = "";
    try {
      const known = readRecord(signed);
      who = known.signer.id;
      what = `${commandOf(known, this.records)} ${known.record.name}`;
      admit(known, this.authority);
      if (!this.settings.controller)
        throw new Fault("denied", `node ${this.settings.node} is no controller; 'unum machine' lists those`);
      await this.#checkChange(known);
      const merged = await this.take(known);
      if (merged.kind === "older")
        throw new Fault(
          "denied",
          `${known.record.name}: something newer was said meanwhile; look again, then say it again`,
        );
      if (merged.kind === "lost") {
        const by = merged.against.signer.id;
        throw new Fault(
          "denied",
          `${known.record.name}: key ${by} commanded otherwise at the same time, and that counts; look again, then say it again`,
        );
      }
      if (known.record.body.case === "revoked") await this.gossip.renew(known.record.counter);
      await this.note({
        who,
        what,
        verdict: "done",
        why: "",
      });
      return merged;
    } catch (error) {
      const fault = error instanceof Fault ? error : new Fault("internal", asError(error).message, { cause: error });
      await this.note({ who, what, verdict: "refused", why: fault.message });
      throw fault;
    }
  }

  /** A record that was told by another node, or proposed here. Throws the Fault that refuses it. */
  async take(known: KnownRecord): Promise<Merged> {
    admit(known, this.authority);
    if (this.#tombstones.isOver(known)) return { kind: "known" };
    const merged = this.records.merge(known);
    if (merged.kind === "taken") {
      await this.#store.put(known.record.name, recordBytes(known.signed));
      this.#refused.clear();
      this.#failed.clear();
      this.#bar(known);
      if (known.record.name.startsWith("child/")) this.onChildren(childGrants(this.records));
      this.onNews();
      this.#passSoon();
      if (merged.conflict && merged.over !== undefined) await this.#noteLost(merged.over, known);
    }
    if (merged.kind === "lost") await this.#noteLost(known, merged.against);
    return merged;
  }

  /** One that says itself that it leaves hears first that it was heard. */
  #bar({ record: { body } }: KnownRecord): void {
    if (body.case !== "revoked") return;
    if (body.value.certificate === "") return this.onBarred(this.barred);
    if (body.value.node === this.settings.node) return;
    this.settings.env.clock.after(HEARD_AFTER_MS, () => this.onBarred(this.barred));
    if (this.settings.controller) void this.gossip.renew(this.records.counter);
  }

  /** Its giver was told that it was done, here or elsewhere: that it counts no more is written where commands are. */
  async #noteLost(loser: KnownRecord, winner: KnownRecord): Promise<void> {
    if (!this.settings.controller) return;
    const what = `${commandOf(loser, this.records)} ${loser.record.name}`;
    const why = `what key ${winner.signer.id} wrote at the same time counts in its place`;
    await this.note({ who: loser.signer.id, what, verdict: "refused", why });
  }

  async archiveOf(digest: string): Promise<Archive | undefined> {
    const bytes = await this.settings.disk.read(
      `${this.settings.folder}/archives/${digest}.zip`,
      ARCHIVE_LIMITS.archiveBytes,
    );
    return bytes === undefined ? undefined : readArchive(bytes, this.settings.founder);
  }

  /** Of this node, as it is now. */
  report(): NodeReport {
    const { node, doors, controller, isMachine = false } = this.settings;
    const acted = this.#removed.filter((each) => this.#isActedUpon(each)).map(({ digest }) => digest);
    const removed = [...acted, ...this.#tombstones.digests];
    const programs = this.programs.map((each) => ({ ...each, problems: [...each.problems] }));
    return create(NodeReportSchema, {
      node,
      version: ++this.#reports,
      doors: [...doors],
      programs,
      removed,
      controller,
      machine: isMachine,
      ancestors: [...this.ancestors],
    });
  }

  /** What this node has of each program. */
  get programs(): readonly ProgramAtNode[] {
    const { host, node } = this.settings;
    return [...this.#lives].map(([program, { state }]) => {
      const served = host.programs.find(({ name }) => name === program);
      const failed = this.#failed.get(program);
      return {
        $typeName: "unum.machine.v1.ProgramAtNode",
        ...{ node, program, state, digest: served?.digest ?? "", serving: served?.serving ?? 0 },
        problems: [
          ...(served?.problems ?? []),
          ...(failed === undefined ? [] : [failed.why]),
          ...(this.#away.has(program) ? [this.#away.get(program) ?? ""] : []),
        ],
        refused: this.#refusalOf(program),
      };
    });
  }

  // --- towards what should be

  #passSoon(): void {
    if (this.#isClosed) return;
    this.#again = true;
    this.#passing ??= this.#passes().finally(() => {
      this.#passing = undefined;
    });
  }

  async #passes(): Promise<void> {
    this.#timer?.cancel();
    while (this.#again && !this.#isClosed) {
      this.#again = false;
      try {
        await this.#pass();
      } catch (error) {
        this.settings.env.log.write("error", `the machine's programs: ${asError(error).message}`);
      }
    }
    // What the governor does comes back by looking: soon, where something is under way that it does.
    const isMoving = [...this.#lives.values()].some(({ state }) => MOVING.has(state));
    const waitMs = isMoving ? MOVING_EVERY_MS : PASS_EVERY_MS;
    if (!this.#isClosed) this.#timer = this.settings.env.clock.after(waitMs, () => this.#passSoon());
  }

  async #pass(): Promise<void> {
    for (const { refused } of this.settings.host.programs) {
      if (refused !== undefined) this.#refused.set(refused.digest, refused.why);
    }
    const wantedNames = this.records.all.flatMap(({ record }) =>
      record.body.case === "program" ? [record.name.slice("program/".length)] : [],
    );
    const names = new Set([...wantedNames, ...this.archives.programs, ...this.#told.keys()]);
    for (const name of this.#lives.keys())
      if (!names.has(name) && this.settings.host.containersOf(name) === 0) this.#lives.delete(name);
    const before = this.#told;
    const next = new Map(before);
    const loads: (() => Promise<void>)[] = [];
    for (const name of new Set([...names, ...this.#lives.keys()])) {
      const life = lifeOf(this.#wantedOf(name), this.#thereOf(name));
      this.#lives.set(name, life);
      const { step } = life;
      if (step.kind === "serve") this.#serve(name, step.digest, next);
      else if (step.kind === "withdraw") this.#withdraw(name, next);
      else if (step.kind !== "none") loads.push(() => this.#onDisk(name, step));
    }
    if (
      this.#isFirst ||
      [...next].some(([name, program]) => before.get(name) !== program) ||
      next.size !== before.size
    ) {
      this.#isFirst = false;
      this.#told = next;
      this.settings.host.setPrograms([...next.values()]);
    }
    for (const load of loads) await load();
    await this.#giveUpTombstones();
  }

  /** The governor knows of no programs before it is told, and ends what an earlier one served only then. */
  #isFirst = true;

  #serve(name: string, digest: string, next: Map<string, HostedProgram>): void {
    const manifest = this.archives.manifestOf(digest);
    const wanted = this.program(name);
    if (manifest === undefined || wanted === undefined) return;
    const distrust = manifest.trust === "operator" ? this.#distrust(name, wanted, digest) : undefined;
    if (distrust !== undefined) {
      // T1, of trust.ts: whatever record told it, and by whatever controller.
      this.#failed.set(name, { why: distrust, notBefore: 0 });
      return;
    }
    const { controller } = this.settings;
    const part = partsAt(manifest, controller).find(({ kind }) => kind === "component");
    const folder = `${this.archives.pathOf(digest)}/${part?.kind === "component" ? part.folder : ""}`;
    const { mayBreak, graceMs, granted } = wanted;
    const store = this.#storeOf(name);
    const inline = manifest.trust === "operator";
    const hosting = { root: this.archives.pathOf(digest), granted, inline, store, controller };
    next.set(name, { name, digest, folder, containers: manifest.containers, mayBreak, graceMs, hosting });
  }

  #withdraw(name: string, next: Map<string, HostedProgram>): void {
    const graceMs = this.program(name)?.graceMs ?? next.get(name)?.graceMs;
    if (graceMs !== undefined) this.settings.host.setGrace(name, graceMs);
    const manifest = this.archives.manifestOf(next.get(name)?.digest ?? "");
    // Its messages wait where it comes back by itself.
    if (manifest !== undefined && !this.#away.has(name)) this.onWithdrawn(manifest.serves);
    next.delete(name);
  }

  async #onDisk(name: string, step: { readonly kind: "load" | "delete"; readonly digest: string }): Promise<void> {
    const { env } = this.settings;
    if ((this.#failed.get(name)?.notBefore ?? 0) > env.clock.now()) return;
    try {
      if (step.kind === "delete") {
        await this.archives.remove(step.digest);
        // What a program keeps goes with it, when no container of it is left (L2).
        if (this.program(name) === undefined) await this.settings.disk.removeFolder(this.#storeOf(name));
      } else if ((await this.archives.has(step.digest)) || (await this.fetch(step.digest)))
        await this.archives.unpack(step.digest);
      else throw new Fault("not-found", `no node that answers has the archive ${step.digest.slice(0, 12)}`);
      this.#failed.delete(name);
      this.#again = true;
    } catch (error) {
      const why = asError(error).message;
      if (this.#failed.get(name)?.why !== why) env.log.write("error", `program ${name}: ${why}`);
      this.#failed.set(name, { why, notBefore: env.clock.now() + AGAIN_AFTER_MS });
    }
  }

  get #removed(): readonly KnownRecord[] {
    return this.records.all.filter(({ record }) => record.body.case === "removed");
  }

  /** Of a program: when nothing of it is left here. */
  #isActedUpon({ record: { name } }: KnownRecord): boolean {
    if (!name.startsWith("program/")) return true;
    const state = this.#lives.get(name.slice("program/".length))?.state ?? "unloaded";
    return state === "unloaded";
  }

  async #giveUpTombstones(): Promise<void> {
    const own = this.#removed.filter((each) => this.#isActedUpon(each));
    const { disk, folder } = this.settings;
    for (const each of this.#tombstones.settled(own, this.peers.reports, (node) => this.isRevoked(node))) {
      const { name } = each.record;
      await this.#tombstones.giveUp(each);
      this.records.forget(each);
      await disk.removeFolder(`${folder}/records/${folderNameOf(name)}`);
      // Somebody may have written another meanwhile.
      const next = this.records.get(name);
      if (next !== undefined) await this.#store.put(name, recordBytes(next.signed));
    }
  }

  /** A name is of letters, digits and hyphens: no way out of the folder. */
  #storeOf(name: string): string {
    return `${this.settings.folder}/stores/${name}`;
  }

  #wantedOf(name: string): Wanted | undefined {
    const wanted = this.program(name);
    if (wanted === undefined) return undefined;
    const { node, controller } = this.settings;
    const manifest = this.archives.manifestOf(wanted.digest);
    // Before it is unpacked nobody knows what has its place here.
    const hasPlace = manifest === undefined || partsAt(manifest, controller).length > 0;
    const isHere = hasPlace && (wanted.nodes.length === 0 || wanted.nodes.includes(node));
    const runs = wanted.running && isHere && !this.#isStoppedAway(name, wanted.digest);
    return {
      loaded: wanted.loaded.map(({ digest }) => digest),
      run: runs ? wanted.digest : undefined,
      fallback: wanted.fallback,
      started: wanted.digest !== "",
      elsewhere: wanted.running && !isHere,
    };
  }

  /** By its manifest: it is not to run while no controller is reached, or since. */
  #isStoppedAway(name: string, digest: string): boolean {
    const policy = this.archives.manifestOf(digest)?.disconnected;
    const record = this.records.get(`program/${name}`)?.digest ?? "";
    if (policy === undefined) return this.#away.has(name);
    const { silentMs } = this.silence;
    const stoppedUnder = this.silence.stoppedUnder(name);
    const decision = whileAway(policy, { silentMs, stoppedUnder, record });
    const stops = decision.kind === "stop";
    if (stops !== this.#away.has(name)) {
      const what = stops ? decision.why : "runs again: a controller was reached";
      this.settings.env.log.write("warn", `program ${name} ${what}`);
    }
    this.silence.remember(name, stops ? (stoppedUnder ?? record) : undefined);
    if (stops) this.#away.set(name, decision.why);
    else this.#away.delete(name);
    return stops;
  }

  #thereOf(name: string): There {
    const { host } = this.settings;
    const told = this.#told.get(name);
    const state = host.programs.find((each) => each.name === name);
    const elsewhere = this.peers.reports.flatMap(({ programs }) => programs).filter(({ program }) => program === name);
    return {
      unpacked: this.archives.unpackedOf(name),
      served:
        told === undefined
          ? undefined
          : {
              digest: told.digest,
              serving: state?.serving ?? 0,
              refused: state?.refused,
              problems: state?.problems ?? [],
            },
      containers: host.containersOf(name),
      refused: [...this.#refused.keys(), ...elsewhere.map(({ refused }) => refused).filter((digest) => digest !== "")],
    };
  }

  #refusalOf(program: string): string {
    const loaded = this.program(program)?.loaded.map(({ digest }) => digest) ?? [];
    return loaded.find((digest) => this.#refused.has(digest)) ?? "";
  }

  async #checkChange({ record }: KnownRecord): Promise<void> {
    if (record.body.case !== "program") return;
    const name = record.name.slice("program/".length);
    await checkProgramChange(name, this.program(name), record.body.value, {
      archiveOf: (digest) => this.archiveOf(digest),
      distrust: (loaded) => this.#distrustOf(name, loaded),
    });
  }

  #distrust(program: string, { loaded }: ProgramWanted, digest: string): string | undefined {
    const version = loaded.find((each) => each.digest === digest);
    return version === undefined ? `nobody loaded ${digest.slice(0, 12)}` : this.#distrustOf(program, version);
  }

  #distrustOf(program: string, { digest, trust }: LoadedVersion): string | undefined {
    const trusted = { machine: this.settings.machine, program, digest };
    // T1 as well: the word of a parent's key is an operator's where an operator's record says so.
    const allowance = (id: string) => trustOfParent(this.records, id, allowanceIn(this.authority, id));
    return distrusted(trusted, trust, allowance);
  }
}
