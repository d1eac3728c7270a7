// Programs that run on one node alone, at this node: as a keeper where it is a controller that they name, as the owner where it is that.
//
//   records, manifests ──▶ which, and who ──┬▶ keeper ──▶ votes, grants, the next record
//                                           └▶ holder ──▶ runs here? until when? ──▶ programs, containers

import { Fault } from "../../base/fault.ts";
import type { HoldReply, HoldRequest, VoteReply } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import type { SignedRecord } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { admit } from "../controller/admission.ts";
import type { MachineNode } from "../machine-node.ts";
import type { OwnedEpoch } from "../programs/program-host.ts";
import { readRecord } from "../records/signed-record.ts";
import { Ballots } from "./ballots.ts";
import { Holder, type Standing } from "./holder.ts";
import { Keeper } from "./keeper.ts";
import type { Candidate } from "./next-owner.ts";
import { type OwnedProgram, ownedProgram } from "./owned-program.ts";
import { type ControllerSeal, type Owner, ownerIn, ownersIn, signOwnership } from "./ownership.ts";

const LOOK_EVERY_MS = 200;
const ASK_TTL_MS = 2_000;
const NOTHING = { granted: false, giveUp: false, epoch: 0n };

export class Owners {
  readonly #machine: MachineNode;
  readonly #ballots: Ballots;
  readonly #keeper: Keeper | undefined;
  readonly #holder: Holder;
  #timer: { cancel(): void } | undefined;
  #isClosed = false;

  constructor(machine: MachineNode) {
    const { env, disk, folder, node, issuing } = machine.settings;
    this.#machine = machine;
    this.#ballots = new Ballots({ disk, path: `${folder}/ballots.json`, clock: env.clock });
    const programs = () => this.#programs;
    const owner = (program: string) => ownerIn(machine.records, program);
    this.#holder = new Holder({
      ...{ clock: env.clock, node, programs, owner },
      isLeft: (program) => machine.settings.host.containersOf(program) > 0,
      ask: (keeper, request) => this.#askToHold(keeper, request),
      changed: () => this.#changed(),
    });
    if (issuing === undefined) return;
    this.#keeper = new Keeper({
      ...{ env, ballots: this.#ballots, node, programs, owner },
      candidates: (program) => this.#candidates(program),
      sign: (program, next) => this.#sign(program, next, issuing.present()),
      admit: (record) => admit(readRecord(record), machine.authority),
      ask: async (keeper, record) => callsOf(machine, keeper).vote({ record }, { ttlMs: ASK_TTL_MS }),
      elected: (record, next) => this.#elected(record, next),
      refused: (who, program, why) => {
        void machine.note({ who: `node ${who}`, what: `own program/${program}`, verdict: "refused", why });
      },
    });
  }

  async start(): Promise<void> {
    if (this.#keeper !== undefined) {
      const lost = await this.#ballots.open();
      if (lost !== undefined) this.#machine.settings.env.log.write("error", lost);
    }
    this.#look();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#holder.close();
  }

  /** Undefined for a program that has no one owner; also on a machine of one node that never was open to others. */
  standing(program: string): Standing | undefined {
    const { own, settings } = this.#machine;
    const owned = this.#owned(program);
    if (owned === undefined) return undefined;
    if (settings.isMachine) return { kind: "elsewhere", why: "" };
    return own === undefined ? undefined : this.#holder.standing(owned);
  }

  /** Every epoch that is known, and how long this node is the owner. */
  get epochs(): readonly OwnedEpoch[] {
    return ownersIn(this.#machine.records).map(({ program, epoch }) => {
      const owned = this.#owned(program);
      return { program, epoch, until: owned && this.#holder.leaseOf(owned) };
    });
  }

  /** Another record counts. */
  recordChanged(): void {
    this.#holder.look();
    this.tellHost();
  }

  hold(request: HoldRequest): Promise<Omit<HoldReply, "$typeName" | "$unknown">> {
    if (this.#machine.isRevoked(request.node))
      throw new Fault("denied", `node ${request.node} was revoked; it is no part of this machine any more`);
    return this.#keeper?.hold(request) ?? Promise.resolve(NOTHING);
  }

  vote(record: SignedRecord | undefined): Promise<Omit<VoteReply, "$typeName" | "$unknown">> {
    return this.#keeper?.vote(record) ?? Promise.resolve({ granted: false, epoch: 0n });
  }

  #look(): void {
    if (this.#isClosed) return;
    this.#holder.look();
    this.#keeper?.look(LOOK_EVERY_MS);
    this.#timer = this.#machine.settings.env.clock.after(LOOK_EVERY_MS, () => this.#look());
  }

  #changed(): void {
    this.tellHost();
    this.#machine.passSoon();
  }

  /** So that what was heard of before is refused by containers from their first call on. */
  tellHost(): void {
    this.#machine.settings.host.setEpochs(this.epochs);
  }

  #owned(program: string): OwnedProgram | undefined {
    const wanted = this.#machine.program(program);
    const manifest = wanted && this.#machine.archives.manifestOf(wanted.digest);
    return ownedProgram(program, wanted, manifest);
  }

  get #programs(): readonly OwnedProgram[] {
    if (this.#machine.own === undefined) return [];
    return this.#machine.programNames.flatMap((name) => this.#owned(name) ?? []);
  }

  #candidates(program: string): readonly Candidate[] {
    const { machine: own, peers, settings, records, isRevoked } = of(this.#machine);
    const owners = ownersIn(records).filter((each) => each.program !== program);
    const reports = [{ node: settings.node, machine: false, programs: own.programs, online: true }].concat(
      peers.reports.map((report) => ({
        node: report.node,
        machine: report.machine,
        programs: report.programs,
        online: peers.offlineMs(report.node) === 0,
      })),
    );
    return reports.map(({ node, machine: isMachine, programs, online }) => {
      const there = programs.find((each) => each.program === program);
      const hasFailed = there !== undefined && (there.state === "failed" || there.refused !== "");
      const owns = owners.filter((each) => each.node === node).length;
      return { node, online, fit: !isMachine && !hasFailed && !isRevoked(node), owns };
    });
  }

  #sign(program: string, next: Owner, seal: ControllerSeal): SignedRecord {
    const { records, settings } = this.#machine;
    const history = records.historyFor(`owner/${program}`);
    return signOwnership({ machine: settings.machine, program, history }, next, seal);
  }

  async #elected(record: SignedRecord, { node, epoch }: Owner): Promise<void> {
    const known = readRecord(record);
    const merged = await this.#machine.take(known);
    if (merged.kind !== "taken") return;
    const what = `own ${known.record.name.replace("owner/", "program/")}`;
    await this.#machine.note({ who: known.signer.id, what, verdict: "done", why: `node ${node}, epoch ${epoch}` });
  }

  async #askToHold(keeper: string, request: Omit<HoldRequest, "$typeName" | "$unknown">) {
    if (keeper === this.#machine.settings.node) return this.#keeper?.hold(request) ?? NOTHING;
    return callsOf(this.#machine, keeper).hold(request, { ttlMs: ASK_TTL_MS });
  }
}

function of(machine: MachineNode) {
  const { peers, settings, records } = machine;
  return { machine, peers, settings, records, isRevoked: (node: string) => machine.isRevoked(node) };
}

/** Throws the Fault `undeliverable` where nobody knows its door. */
function callsOf(machine: MachineNode, node: string) {
  const calls = machine.callsOf(node);
  if (calls === undefined) throw new Fault("undeliverable", `no door of node ${node} is known`);
  return calls;
}
