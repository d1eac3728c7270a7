// Runs a planned machine with a program of one owner on virtual time, and judges what happened.
//
// Invariants, numbered after those of machines (../machine/run-machine.ts)
//   38. At no time may more than one container of the program begin anything or have an effect.
//   39. A container that let in something of an epoch lets in nothing of an older one after it.
//   40. An epoch has one owner, whoever is asked.
//   41. Nobody is answered by an owner, whom he asked after something of a later one had been let in anywhere.
//   42. While more than half of the keepers and a node that may run it have reached each other for CALM_MS, the program has an
//       owner that acts.
//   43. At the end all name the same owner, and it acts; where its place is to be given back, it is whose place it is.

import { asError } from "../../../src/base/fault.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { type Client, newClient } from "../../../src/client/client.ts";
import { issueIssuer, newAuthority, newNodeKey } from "../../../src/machine/identity/authority.ts";
import { newSigningKey, type SigningKey } from "../../../src/machine/keys/signing-key.ts";
import { type ControllerSeal, ownerIn } from "../../../src/machine/ownership/ownership.ts";
import { readRecord, signRecord } from "../../../src/machine/records/signed-record.ts";
import { settledOn } from "../../../src/testing/promises/settled.ts";
import { SimulatedProcess } from "../../../src/testing/simulated-process.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";
import { MemoryNetwork } from "../../../src/transports/memory/memory-network.ts";
import { Ledger } from "../../gen/unum/test/v1/ledger_pb.ts";
import { Findings, type Violation } from "../findings.ts";
import { type MachineCode, SOUND_CODE } from "../machine/machine-code.ts";
import { MACHINE } from "../machine/node-life.ts";
import { Roads } from "../roads.ts";
import {
  CONTROLLERS,
  type Fault,
  NODES,
  type OwnerPlan,
  PROGRAM,
  REST_MS,
  TROUBLE_MS,
  type Word,
} from "./owner-plan.ts";
import { DIGEST, SimulatedOwnerNode, writesAt } from "./simulated-owner-node.ts";

export interface OwnersResult {
  readonly violations: readonly Violation[];
  /** What took effect. */
  readonly fired: Readonly<Record<Fault["kind"], number>>;
  readonly epochs: number;
  readonly accepted: number;
  /** Letters and calls that were refused for their epoch or their lease. */
  readonly refused: number;
}

export const OWNER_INVARIANTS = [38, 39, 40, 41, 42, 43] as const;

const SEALED = NODES.slice(0, CONTROLLERS);
const LOOK_EVERY_MS = 100;
const CALL_EVERY_MS = 250;
/** Until who is away is known to be, is replaced, and the next has taken up, with elections that come to nothing. */
const CALM_MS = 40_000;

interface Trust {
  readonly founder: SigningKey;
  readonly root: string;
  readonly seals: ReadonlyMap<string, ControllerSeal>;
}
/** Made once: keys of the system's own chance change nothing that is judged. */
let trust: Promise<Trust> | undefined;

async function newTrust(): Promise<Trust> {
  const now = Date.now();
  const { root, rootKey } = await newAuthority(MACHINE, now, "c0");
  const seals = new Map<string, ControllerSeal>();
  for (const node of SEALED) {
    const { key, publicKey } = newNodeKey();
    seals.set(node, { key, cert: await issueIssuer({ rootKey, root }, { machine: MACHINE, node, publicKey, now }) });
  }
  return { founder: newSigningKey(), root, seals };
}

export async function runOwners(plan: OwnerPlan, code: MachineCode = SOUND_CODE): Promise<OwnersResult> {
  trust ??= newTrust();
  return new OwnersWorld(plan, code, await trust).run();
}

class OwnersWorld {
  readonly #plan: OwnerPlan;
  readonly #founder: SigningKey;
  readonly #clock = new VirtualClock();
  readonly #network: MemoryNetwork;
  readonly #nodes: readonly SimulatedOwnerNode[];
  readonly #clients: readonly Client[];
  readonly #findings = new Findings();
  readonly #roads: Roads;
  readonly #fired: Record<Fault["kind"], number> = { cut: 0, apart: 0, pause: 0, crash: 0, power: 0, wall: 0 };
  /** By node: the newest that was let in. */
  readonly #accepted = new Map<string, number>();
  /** Epoch → its owner. */
  readonly #owners = new Map<number, string>();
  #newest = 0;
  #count = 0;
  #refused = 0;
  #calmSince: number | undefined;

  constructor(plan: OwnerPlan, code: MachineCode, { founder, root, seals }: Trust) {
    this.#plan = plan;
    this.#founder = founder;
    const random = seededRandom(plan.seed ^ 0x0f0f);
    this.#network = new MemoryNetwork({ clock: this.#clock, random: random.fork() });
    this.#roads = new Roads({ clock: this.#clock, set: (from, to, cut) => this.#network.set(from, to, { cut }) });
    const accepted = (node: string, epoch: number) => this.#onAccepted(node, epoch);
    const readsAnew = (node: string) => void this.#accepted.delete(node);
    this.#nodes = NODES.map(
      (name, index) =>
        new SimulatedOwnerNode({
          ...{
            name,
            code,
            accepted,
            readsAnew,
            root,
            founder,
            clock: this.#clock,
            network: this.#network,
            random: random.fork(),
          },
          ...{ seal: seals.get(name), onReturn: plan.onReturn, rate: plan.rates[index] ?? 1 },
        }),
    );
    this.#clients = NODES.map((name) => {
      const process = new SimulatedProcess(this.#clock, random.fork(), `${name}-caller`, "caller", (own) => own);
      const env = { clock: process.clock, random: process.random };
      return newClient({ env, transports: [this.#network.transport(process)], to: [writesAt(name)] });
    });
  }

  async run(): Promise<OwnersResult> {
    const { words, faults } = this.#plan;
    await settledOn(this.#clock, Promise.all(this.#nodes.map((node) => node.start())), 10_000);
    this.#clock.after(1_000, () => this.#say({ running: true, nodes: [NODES[this.#plan.first] ?? ""] }, 0));
    this.#clock.after(5_000, () => this.#say({ running: true, nodes: [] }, 0));
    for (const word of words) this.#clock.after(word.at, () => this.#word(word));
    for (const fault of faults) this.#clock.after(fault.at, () => this.#begin(fault));
    const endMs = TROUBLE_MS + REST_MS;
    for (let at = LOOK_EVERY_MS; at < endMs; at += LOOK_EVERY_MS) this.#clock.after(at, () => this.#look());
    for (let at = CALL_EVERY_MS; at < endMs; at += CALL_EVERY_MS) this.#clock.after(at, () => this.#callAll());
    // An operator's last word: it is to run, wherever.
    this.#clock.after(TROUBLE_MS + 1_000, () => this.#say({ running: true, nodes: [] }, 0));
    await this.#clock.advance(endMs);
    this.#judgeEnd();
    for (const node of this.#nodes) node.losePower();
    return {
      violations: this.#findings.all,
      fired: this.#fired,
      epochs: this.#owners.size,
      accepted: this.#count,
      refused: this.#refused,
    };
  }

  // --- what happens

  #word(word: Word): void {
    const nodes = word.kind === "on" ? [NODES[word.node] ?? "c1"] : word.kind === "anywhere" ? [] : undefined;
    this.#say({ running: word.kind !== "stop", nodes }, word.controller);
  }

  /** At a controller; at none where it does not run. */
  #say({ running, nodes }: { readonly running: boolean; readonly nodes: string[] | undefined }, at: number): void {
    const machine = this.#nodes[at]?.life?.machine;
    if (machine === undefined) return;
    const name = `program/${PROGRAM}`;
    const { records } = machine;
    const value = {
      ...{ loaded: [{ version: "1.0.0", digest: DIGEST, bytes: 1n }], digest: DIGEST, running, graceMs: 100 },
      ...{ keepers: [...this.#keepers], nodes: nodes ?? machine.program(PROGRAM)?.nodes ?? [] },
    };
    const signed = signRecord(
      {
        ...{ machine: MACHINE, name, counter: records.counter + 1n, history: [...records.historyFor(name)] },
        body: { case: "program", value },
      },
      this.#founder,
    );
    machine.take(readRecord(signed)).catch(() => {});
  }

  /** Callers everywhere ask every node that may have it, so that a second owner would be found. */
  #callAll(): void {
    for (const [index, client] of this.#clients.entries()) {
      const node = this.#nodes[index];
      if (node?.owned === undefined) continue;
      const newest = this.#newest;
      client.call(Ledger.method.write, {}, { ttlMs: 400 }).then(
        ({ epoch }) => {
          if (Number(epoch) < newest)
            this.#violate(41, `${node.name} answers by epoch ${epoch}, asked after ${newest} had acted`);
        },
        () => {
          this.#refused++;
        },
      );
    }
  }

  #begin(fault: Fault): void {
    const until = Math.min(TROUBLE_MS, this.#clock.now() + fault.forMs) - this.#clock.now();
    this.#fired[fault.kind]++;
    if (fault.kind === "cut") return this.#cut(fault.from, fault.to, until);
    const index = fault.node === "owner" ? this.#ownerIndex : fault.node;
    const node = this.#nodes[index];
    if (node === undefined) return;
    if (fault.kind === "apart") {
      for (const other of NODES.keys()) {
        if (other === index) continue;
        if (fault.way !== "out") this.#cut(other, index, until);
        if (fault.way !== "in") this.#cut(index, other, until);
      }
    } else if (fault.kind === "pause") {
      const processes = node.processes(fault.what);
      for (const process of processes) process.pause();
      this.#clock.after(until, () => {
        for (const process of processes) process.resume();
      });
    } else if (fault.kind === "wall") {
      for (const process of node.processes("all")) process.setWall((fault.forMs % 2 === 0 ? 1 : -1) * fault.forMs);
    } else if (node.life !== undefined) {
      if (fault.kind === "crash") node.crash();
      else node.losePower();
      this.#clock.after(until, () => {
        node.start().catch((error) => this.#violate(43, `${node.name} does not start: ${asError(error).stack}`));
      });
    }
  }

  #cut(from: number, to: number, forMs: number): void {
    this.#roads.cut(NODES[from] ?? "", NODES[to] ?? "", forMs);
  }

  get #keepers(): readonly string[] {
    return NODES.slice(0, this.#plan.keepers);
  }

  get #ownerIndex(): number {
    const acting = this.#nodes.findIndex(({ owned }) => owned !== undefined && owned.fence.closed === undefined);
    return acting < 0 ? 0 : acting;
  }

  // --- what is seen

  #onAccepted(node: string, epoch: number): void {
    const before = this.#accepted.get(node) ?? 0;
    if (epoch < before) this.#violate(39, `${node} lets in epoch ${epoch} after ${before} at ${this.#clock.now()}`);
    this.#accepted.set(node, Math.max(epoch, before));
    this.#newest = Math.max(epoch, this.#newest);
    this.#count++;
    this.#judgeActing();
  }

  #look(): void {
    this.#judgeActing();
    for (const { life } of this.#nodes) {
      const owner = life && ownerIn(life.machine.records, PROGRAM);
      if (owner === undefined) continue;
      const known = this.#owners.get(owner.epoch) ?? owner.node;
      if (known !== owner.node) this.#violate(40, `epoch ${owner.epoch} is of ${known} and of ${owner.node}`);
      this.#owners.set(owner.epoch, owner.node);
    }
    this.#judgeCalm();
  }

  get #acting(): readonly SimulatedOwnerNode[] {
    return this.#nodes.filter(({ owned }) => owned?.process.alive === true && owned.fence.closed === undefined);
  }

  #judgeActing(): void {
    const acting = this.#acting;
    if (acting.length < 2) return;
    const who = acting.map(({ name, owned }) => `${name} by epoch ${owned?.fence.mark?.epoch}`).join(" and ");
    this.#violate(38, `at ${this.#clock.now()} ${who} may act`);
  }

  #judgeCalm(): void {
    const up = this.#nodes.filter(({ life }) => life?.process.free === true);
    const reach = (one: string, other: string) => this.#roads.areWhole(one, other);
    // Those that all reach each other; where an operator named nodes, one of them among them.
    const core = up.filter(({ name }) => up.filter((other) => reach(name, other.name)).length > NODES.length / 2);
    const isClique = core.every(({ name }) => core.every((other) => reach(name, other.name)));
    const wanted = core.map(({ life }) => life?.machine.program(PROGRAM));
    const isWanted = wanted.length > 0 && wanted.every((each) => each?.running === true);
    const nodes = wanted[0]?.nodes ?? [];
    const hasPlace = nodes.length === 0 ? core.length === NODES.length : core.some(({ name }) => nodes.includes(name));
    const keepers = core.filter(({ name }) => this.#keepers.some((keeper) => keeper === name)).length;
    const noPause = core.every((node) => node.processes("all").every(({ free }) => free));
    const isCalm = isClique && isWanted && hasPlace && noPause && keepers > this.#keepers.length / 2;
    if (!isCalm || this.#acting.length > 0) {
      this.#calmSince = undefined;
      return;
    }
    this.#calmSince ??= this.#clock.now();
    if (this.#clock.now() - this.#calmSince < CALM_MS) return;
    this.#violate(42, `nobody has acted since ${this.#calmSince}, at ${this.#clock.now()}`);
    this.#calmSince = undefined;
  }

  #judgeEnd(): void {
    const lives = this.#nodes.flatMap(({ life }) => life ?? []);
    if (lives.length < NODES.length) return this.#violate(43, "a node does not run at the end");
    const named = lives.map(({ machine }) => JSON.stringify(ownerIn(machine.records, PROGRAM)));
    if (new Set(named).size > 1) return this.#violate(43, `they name ${named.join(" | ")}`);
    const owner = lives[0] && ownerIn(lives[0].machine.records, PROGRAM);
    const acting = this.#acting.map(({ name }) => name);
    if (acting.length !== 1 || acting[0] !== owner?.node)
      this.#violate(43, `${owner?.node} is the owner by epoch ${owner?.epoch}, and '${acting}' acts`);
    if (this.#plan.onReturn === "take-back" && owner?.home !== owner?.node)
      this.#violate(43, `${owner?.node} has the place of ${owner?.home}, which is there`);
  }

  #violate(invariant: number, text: string): void {
    this.#findings.violate(invariant, text);
  }
}
