// The machine as one node keeps it: the records of what should be, who may say so, and what the others said of themselves.
//
//   records ──▶ what should run ──▶ programs/reconciler ──▶ report to the others
//      ▲
//      └── proposed at a controller, or told by another node: signature ▸ privilege ▸ merge ▸ kept on disk
//
// Invariants
//   M1. No record is taken, wherever it comes from, whose signer may not write it.
//   M2. A record is on disk before anybody is told that it was taken.

import { create } from "@bufbuild/protobuf";
import type { Disk } from "../base/disk.ts";
import type { Env } from "../base/env.ts";
import { asError, Fault } from "../base/fault.ts";
import type { Proxies } from "../client/client.ts";
import {
  type Machine,
  type NodeReport,
  NodeReportSchema,
  type ProgramAtNode,
} from "../messages/gen/unum/machine/v1/machine_pb.ts";
import type { LoadedVersion, ProgramWanted, SignedRecord } from "../messages/gen/unum/machine/v1/record_pb.ts";
import { type FileStore, fileStore } from "../stores/file-store.ts";
import { folderNameOf } from "../stores/key.ts";
import { type Archive, readArchive } from "./archive/archive.ts";
import { ARCHIVE_LIMITS } from "./archive/entries.ts";
import { AuditLog } from "./audit/audit-log.ts";
import { BoundedAudit, type Noted } from "./audit/bounded-audit.ts";
import { type Authority, admit, allowanceIn, commandOf, grantsIn } from "./controller/admission.ts";
import { givenBy } from "./controller/given.ts";
import { checkProgramChange } from "./controller/program-change.ts";
import { isRevoked, nodesOut } from "./controller/revoked.ts";
import { Silence } from "./disconnection/silence.ts";
import type { LeafWanted } from "./identity/authority.ts";
import { GossipKeys } from "./identity/gossip-keys.ts";
import type { OwnCertificate } from "./identity/renewing.ts";
import type { Issuing } from "./identity/renewing-issuer.ts";
import { type PublicKey, publicKeyOf } from "./keys/signing-key.ts";
import type { Boxed } from "./outbox/tally.ts";
import { Owners } from "./ownership/owners.ts";
import { Peers } from "./peers.ts";
import { refusal } from "./privileges/roles.ts";
import { TrustWords } from "./privileges/trust.ts";
import { ArchiveFolder } from "./programs/archive-folder.ts";
import type { ProgramHost } from "./programs/program-host.ts";
import { Reconciler } from "./programs/reconciler.ts";
import { type Merged, RecordSet } from "./records/record-set.ts";
import { type KnownRecord, readRecord, recordBytes, recordOf } from "./records/signed-record.ts";
import { Tombstones } from "./records/tombstones.ts";
import { checkParentsWord, childGrants, trustOfParent } from "./stacking/links.ts";

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
  /** By what it signs them. */
  readonly issuing?: Issuing;
  /** What the nodes' gossip is sealed with; 32 bytes. Undefined for a machine of one node. */
  readonly gossipKey?: Uint8Array;
}

const NO_GATEWAY = { state: "", problems: [] };
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
  readonly #programs: Reconciler;
  #reports = 0n;
  /** Fetches an archive from another node; answers whether it is here now. */
  fetch: (digest: string) => Promise<boolean> = () => Promise.resolve(false);
  /** Asks a node by its id; undefined where nobody knows its door, or it was revoked. */
  callsOf: (node: string) => Proxies<typeof Machine> | undefined = () => undefined;
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
  readonly owners: Owners;
  readonly #words = new TrustWords();

  constructor(settings: MachineSettings) {
    const { env, disk, folder, controller } = settings;
    this.settings = settings;
    this.own = settings.own;
    this.archives = new ArchiveFolder(disk, folder, env.random);
    this.audit = new AuditLog(disk, folder, () => env.clock.wallNow());
    this.#noted = new BoundedAudit(this.audit, env.clock);
    this.peers = new Peers(env.clock);
    const { clock, log } = env;
    this.silence = new Silence({ clock, log, disk, controller, path: `${folder}/stopped-away.json` });
    this.#tombstones = new Tombstones({ disk, folder, node: settings.node });
    this.owners = new Owners(this);
    const { archives, silence } = this;
    this.#programs = new Reconciler({
      ...{ env, disk, folder, node: settings.node, controller, host: settings.host, archives, silence },
      standing: (name) => this.owners.standing(name),
      wanted: () => this.programNames,
      program: (name) => this.program(name),
      recordOf: (name) => this.records.get(`program/${name}`)?.digest ?? "",
      reports: () => this.peers.reports,
      distrust: (name, wanted, digest) => this.#distrust(name, wanted, digest),
      fetch: (digest) => this.fetch(digest),
      withdrawn: (contracts) => this.onWithdrawn(contracts),
      passed: () => this.#giveUpTombstones(),
    });
    const changed = (keys: readonly Uint8Array[]) => this.onGossipKeys(keys);
    this.gossip = new GossipKeys({ clock: env.clock, disk, folder: `${folder}/identity`, changed });
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
    this.owners.tellHost();
  }

  async start(): Promise<void> {
    await this.archives.open();
    await this.silence.open();
    await this.audit.open();
    await this.owners.start();
    this.#programs.passSoon();
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
    return nodesOut(this.records);
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
      if (this.peers.hear(report)) this.#programs.passSoon();
    }
  }

  /** Something that decides what runs here is otherwise. */
  passSoon(): void {
    this.#programs.passSoon();
  }

  close(): void {
    this.owners.close();
    this.#programs.close();
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
      const command = commandOf(known, this.records);
      what = `${command} ${known.record.name}`;
      admit(known, this.authority);
      if (!this.settings.controller)
        throw new Fault("denied", `node ${this.settings.node} is no controller; 'unum machine' lists those`);
      await this.#checkChange(known);
      // After all that is waited for: nothing is said between this and what is said.
      checkParentsWord(known, this.records);
      const merged = await this.take(known);
      const again = "look again, then say it again";
      const { name } = known.record;
      if (merged.kind === "older") throw new Fault("denied", `${name}: something newer was said meanwhile; ${again}`);
      if (merged.kind === "lost") {
        const by = `key ${merged.against.signer.id}`;
        throw new Fault("denied", `${name}: ${by} commanded otherwise at the same time, and that counts; ${again}`);
      }
      if (known.record.body.case === "revoked") await this.gossip.renew(known.record.counter);
      await this.note({ who, what, verdict: "done", why: givenBy(command, known.record) });
      return merged;
    } catch (error) {
      const fault = error instanceof Fault ? error : new Fault("internal", asError(error).message, { cause: error });
      await this.note({ who, what, verdict: "refused", why: fault.message });
      throw fault;
    }
  }

  /** Who brings what is older has lost with its power that it was removed: it is told again, and given up again. */
  async #takeBack(tombstone: KnownRecord): Promise<void> {
    this.#tombstones.takeBack(tombstone);
    await this.take(tombstone);
  }

  /** A record that was told by another node, or proposed here. Throws the Fault that refuses it. */
  async take(known: KnownRecord): Promise<Merged> {
    admit(known, this.authority);
    const tombstone = this.#tombstones.over(known);
    if (tombstone !== undefined) {
      if (tombstone.digest !== known.digest) await this.#takeBack(tombstone);
      return { kind: "known" };
    }
    const merged = this.records.merge(known);
    if (merged.kind === "taken") {
      await this.#store.put(known.record.name, recordBytes(known.signed));
      this.#bar(known);
      if (known.record.name.startsWith("child/")) this.onChildren(childGrants(this.records));
      this.onNews();
      if (known.record.name.startsWith("owner/")) this.owners.recordChanged();
      this.#programs.recordChanged();
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
    return this.#programs.programs;
  }

  /** Of the programs that there are records of. */
  get programNames(): readonly string[] {
    return this.records.all.flatMap(({ record }) =>
      record.body.case === "program" ? [record.name.slice("program/".length)] : [],
    );
  }

  get #removed(): readonly KnownRecord[] {
    return this.records.all.filter(({ record }) => record.body.case === "removed");
  }

  /** Of a program: when nothing of it is left here. */
  #isActedUpon({ record: { name } }: KnownRecord): boolean {
    return !name.startsWith("program/") || this.#programs.isUnloaded(name.slice("program/".length));
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
    return this.#words.distrusted(trusted, trust, allowance);
  }
}
