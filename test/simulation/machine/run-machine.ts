// Runs a planned machine on virtual time, and judges what happened.
//
// Invariants, numbered after those of nodes (src/testing/node-invariants.ts)
//   30. No durable message begins after its time, plus 100 ms.
//   31. What was acknowledged, lives and was not superseded is delivered by the end, and nothing waits any more.
//   32. A message begins once, unless the computer that it began on has lost power since.
//   33. Messages of one node to one contract on one node begin in the order in which they were sent.
//   34. At the end every node has the same records.
//   35. At the end every node serves what the records say, but for a program that stays stopped after it was cut off.
//   36. A program that stops when cut off is not served by a node that has been cut off from both controllers for longer than it
//       says, the time of one exchange and one look included.
//   37. A program that keeps running is served from the record that starts it to the one that stops it, as long as its node runs.

import { create, toBinary } from "@bufbuild/protobuf";
import { asError } from "../../../src/base/fault.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { newSigningKey, type SigningKey } from "../../../src/machine/keys/signing-key.ts";
import type { MachineNode } from "../../../src/machine/machine-node.ts";
import { readRecord, signRecord } from "../../../src/machine/records/signed-record.ts";
import { KeptMessageSchema } from "../../../src/messages/gen/unum/machine/v1/outbox_pb.ts";
import { settledOn } from "../../../src/testing/promises/settled.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";
import { MemoryNetwork } from "../../../src/transports/memory/memory-network.ts";
import { LetterSchema } from "../../gen/unum/test/v1/letters_pb.ts";
import { Findings, type Violation } from "../findings.ts";
import { Roads } from "../roads.ts";
import { type MachineCode, SOUND_CODE } from "./machine-code.ts";
import {
  CONTROLLERS,
  type Command,
  type Fault,
  type MachinePlan,
  NODES,
  PROGRAMS,
  type ProgramName,
  programNames,
  REST_MS,
  type Send,
  TROUBLE_MS,
} from "./machine-plan.ts";
import { MACHINE } from "./node-life.ts";
import { digestOf, SimulatedMachineNode } from "./simulated-machine-node.ts";

export interface MachineResult {
  readonly violations: readonly Violation[];
  /** What took effect. */
  readonly fired: Readonly<Record<Fault["kind"], number>>;
  readonly delivered: number;
  readonly expired: number;
  readonly conflicts: number;
}

/** Those above. */
export const MACHINE_INVARIANTS = [30, 31, 32, 33, 34, 35, 36, 37] as const;

interface Sent {
  readonly send: Send;
  readonly text: string;
  /** When it was called, and answered; undefined where it was refused, or nobody knows. */
  readonly at: number;
  ackedAt: number | undefined;
}

const LATE_MS = 100;
/** An exchange that hangs, then a look. */
const NOTICE_MS = 6_500;
/** Made once: keys of the system's own chance change nothing that is judged, but names of signers. */
let founder: SigningKey | undefined;

export async function runMachine(plan: MachinePlan, code: MachineCode = SOUND_CODE): Promise<MachineResult> {
  founder ??= newSigningKey();
  return new MachineWorld(plan, code, founder).run();
}

class MachineWorld {
  readonly #plan: MachinePlan;
  readonly #founder: SigningKey;
  readonly #clock = new VirtualClock();
  readonly #network: MemoryNetwork;
  readonly #nodes: readonly SimulatedMachineNode[];
  readonly #findings = new Findings();
  readonly #roads: Roads;
  readonly #fired: Record<Fault["kind"], number> = { cut: 0, apart: 0, crash: 0, power: 0, pause: 0, full: 0 };
  readonly #sent: Sent[] = [];
  readonly #deliveries: { readonly node: string; readonly text: string; readonly at: number }[] = [];
  readonly #powerLost = new Map<string, number>();
  /** NODE/PROGRAM → digest that is served. */
  readonly #served = new Map<string, string | undefined>();
  #conflicts = 0;
  /** Since when a node has had no way to or from any controller. */
  readonly #alone = new Map<string, number>();

  constructor(plan: MachinePlan, code: MachineCode, founder: SigningKey) {
    this.#plan = plan;
    this.#founder = founder;
    const random = seededRandom(plan.seed ^ 0x5eed);
    this.#network = new MemoryNetwork({ clock: this.#clock, random: random.fork() });
    this.#roads = new Roads({ clock: this.#clock, set: (from, to, cut) => this.#network.set(from, to, { cut }) });
    const watcher = {
      delivered: (node: string, text: string) => this.#onDelivered(node, text),
      serves: (node: string, program: string, digest: string | undefined) => this.#onServes(node, program, digest),
    };
    this.#nodes = NODES.map(
      (name, index) =>
        new SimulatedMachineNode({
          ...{ name, code, watcher, clock: this.#clock, network: this.#network, random: random.fork(), founder },
          ...{ controller: index < CONTROLLERS, others: NODES.filter((other) => other !== name) },
        }),
    );
  }

  async run(): Promise<MachineResult> {
    const { commands, sends, faults } = this.#plan;
    const started = Promise.all(this.#nodes.map((node) => node.start()));
    await settledOn(this.#clock, started, 10_000);
    for (const command of commands) this.#at(command.at, () => this.#command(command));
    for (const send of sends) this.#at(send.at, () => this.#send(send));
    for (const fault of faults) this.#at(fault.at, () => this.#begin(fault));
    for (let at = 250; at < TROUBLE_MS + REST_MS; at += 250) this.#at(at, () => this.#look());
    this.#at(TROUBLE_MS, () => this.#heal());
    await this.#clock.advance(TROUBLE_MS + REST_MS);
    this.#judgeEnd();
    for (const node of this.#nodes) node.crash();
    const boxes = this.#sent.filter(({ send }) => send.ttlMs !== undefined);
    return {
      violations: this.#findings.all,
      fired: this.#fired,
      delivered: this.#deliveries.length,
      expired: boxes.filter(({ text }) => !this.#deliveries.some((each) => each.text === text)).length,
      conflicts: this.#conflicts,
    };
  }

  // --- what happens

  #at(ms: number, act: () => void): void {
    this.#clock.after(ms, act);
  }

  /** Taken by the controller where it runs; else nobody hears of it. */
  #command({ controller, program, action }: Command): void {
    const machine = this.#nodes[controller]?.life?.machine;
    if (machine === undefined) return;
    const name = `program/${program}`;
    const present = machine.program(program);
    if (present === undefined && typeof action !== "number") return;
    const loaded = [1, 2].map((version) => ({
      version: `${version}.0.0`,
      digest: digestOf(program, version),
      bytes: 1n,
    }));
    const digest = typeof action === "number" ? digestOf(program, action) : (present?.digest ?? "");
    const wanted = { loaded, digest, running: typeof action === "number", fallback: "", graceMs: 100 };
    const { records } = machine;
    const signed = signRecord(
      {
        ...{ machine: MACHINE, name, counter: records.counter + 1n, history: [...records.historyFor(name)] },
        body: action === "unload" ? { case: "removed", value: {} } : { case: "program", value: wanted },
      },
      this.#founder,
    );
    machine.take(readRecord(signed)).catch(() => {});
  }

  /** By the node's own client: it waits for its answer as long as the node runs. */
  #send(send: Send): void {
    const [from, to] = [this.#nodes[send.from], NODES[send.to]];
    const life = from?.life;
    if (life === undefined || to === undefined) return;
    const text = `m${this.#sent.length}`;
    const sent: Sent = { send, text, at: this.#clock.now(), ackedAt: undefined };
    this.#sent.push(sent);
    const path = `${send.contract}/Put`;
    const value = toBinary(LetterSchema, create(LetterSchema, { text }));
    const message = toBinary(
      KeptMessageSchema,
      create(KeptMessageSchema, { to: path, value, id: text, from: ["sim"] }),
    );
    const kept = {
      node: to,
      to: path,
      message,
      ttlMs: send.ttlMs ?? Number.POSITIVE_INFINITY,
      supersede: send.key,
      id: text,
    };
    life.office.keep(kept).then(
      () => {
        if (life.process.alive) sent.ackedAt = this.#clock.now();
      },
      () => {},
    );
  }

  #begin(fault: Fault): void {
    const until = Math.min(TROUBLE_MS, this.#clock.now() + fault.forMs) - this.#clock.now();
    if (fault.kind === "cut") {
      this.#fired.cut++;
      this.#cut(fault.from, fault.to, until);
      return;
    }
    const node = this.#nodes[fault.node];
    if (node === undefined) return;
    if (fault.kind === "apart") {
      this.#fired.apart++;
      for (const other of NODES.keys()) {
        if (other === fault.node) continue;
        this.#cut(other, fault.node, until);
        this.#cut(fault.node, other, until);
      }
      return;
    }
    const { life } = node;
    if (fault.kind === "full") {
      node.disk.full = true;
      this.#fired.full++;
      this.#at(until, () => {
        node.disk.full = false;
      });
    } else if (life === undefined) return;
    else if (fault.kind === "pause") {
      this.#fired.pause++;
      life.process.pause();
      this.#at(until, () => life.process.resume());
    } else {
      this.#fired[fault.kind]++;
      if (fault.kind === "crash") node.crash();
      else {
        node.losePower();
        this.#powerLost.set(node.name, this.#clock.now());
      }
      this.#at(until, () => {
        node.start().catch((error) => this.#violate(31, `${node.name} does not start again: ${asError(error).stack}`));
      });
    }
  }

  #cut(from: number, to: number, forMs: number): void {
    this.#roads.cut(NODES[from] ?? "", NODES[to] ?? "", forMs);
  }

  #heal(): void {
    for (const node of this.#nodes) node.disk.full = false;
  }

  // --- what is seen

  #onDelivered(node: string, text: string): void {
    const at = this.#clock.now();
    const sent = this.#sent.find((each) => each.text === text);
    const over = sent?.send.ttlMs === undefined ? undefined : (sent.ackedAt ?? at) + sent.send.ttlMs;
    if (over !== undefined && at > over + LATE_MS) this.#violate(30, `${text} begins ${at - over} ms after its time`);
    const before = this.#deliveries.find((each) => each.text === text);
    const lostPowerAt = this.#powerLost.get(node) ?? Number.NEGATIVE_INFINITY;
    if (before !== undefined && lostPowerAt < before.at) this.#violate(32, `${text} begins again on ${node} at ${at}`);
    this.#deliveries.push({ node, text, at });
  }

  #onServes(node: string, program: string, digest: string | undefined): void {
    const before = this.#served.get(`${node}/${program}`);
    this.#served.set(`${node}/${program}`, digest);
    const life = this.#nodes.find(({ name }) => name === node)?.life;
    if (program !== "keeps" || digest !== undefined || before === undefined || life === undefined) return;
    if (life.machine.program(program)?.running === true) this.#violate(37, `${node} ends 'keeps' though it should run`);
  }

  /** Now and then: who is cut off from all controllers, and what it serves. */
  #look(): void {
    const now = this.#clock.now();
    for (const [index, name] of NODES.entries()) {
      if (index < CONTROLLERS) continue;
      const alone = NODES.slice(0, CONTROLLERS).every(
        (other) => this.#roads.isCut(name, other) && this.#roads.isCut(other, name),
      );
      if (!alone || this.#nodes[index]?.life?.process.free !== true) {
        this.#alone.delete(name);
        continue;
      }
      const since = this.#alone.get(name) ?? now;
      this.#alone.set(name, since);
      for (const program of programNames()) {
        const { policy, afterMs } = PROGRAMS[program];
        if (policy === "keep" || now - since < afterMs + NOTICE_MS) continue;
        if (this.#served.get(`${name}/${program}`) !== undefined)
          this.#violate(36, `${name} serves '${program}' at ${now}, cut off since ${since}`);
      }
    }
  }

  #judgeEnd(): void {
    const lives = this.#nodes.flatMap(({ life }) => life ?? []);
    if (lives.length < NODES.length) return this.#violate(34, "a node does not run at the end");
    this.#conflicts = lives.reduce((sum, { machine }) => sum + machine.records.conflicts.length, 0);
    const records = lives.map(({ machine }) => JSON.stringify(Object.entries(machine.records.digests).sort()));
    if (new Set(records).size > 1) this.#violate(34, `records differ: ${records.join(" | ")}`);
    for (const { machine, office } of lives) {
      const { node } = machine.settings;
      for (const program of programNames()) this.#judgeServed(machine, node, program);
      for (const { node: peer, inward, spool } of office.boxes)
        if (spool.box.items > 0)
          this.#violate(31, `${spool.box.items} messages wait at ${node} ${inward ? "from" : "for"} ${peer}`);
    }
    this.#judgeMessages();
  }

  #judgeServed(machine: MachineNode, node: string, program: ProgramName): void {
    const wanted = machine.program(program);
    const digest = wanted?.running === true ? wanted.digest : undefined;
    const served = this.#served.get(`${node}/${program}`);
    const mayStay = program === "stays" && served === undefined && !machine.settings.controller;
    if (served !== digest && !mayStay)
      this.#violate(35, `${node} serves ${served} of '${program}', wanted is ${digest}`);
  }

  #judgeMessages(): void {
    const firstAt = new Map<string, number>();
    for (const [index, { text }] of this.#deliveries.entries()) if (!firstAt.has(text)) firstAt.set(text, index);
    const lanes = new Map<string, Sent[]>();
    for (const sent of this.#sent) {
      const { from, to, contract } = sent.send;
      const lane = `${from} ${to} ${contract}`;
      lanes.set(lane, [...(lanes.get(lane) ?? []), sent]);
    }
    for (const lane of lanes.values()) {
      let latest = -1;
      for (const [index, { send, text, ackedAt, at }] of lane.entries()) {
        const order = firstAt.get(text);
        const replaced = send.key !== "" && lane.slice(index + 1).some((later) => later.send.key === send.key);
        if (order === undefined) {
          if (ackedAt !== undefined && send.ttlMs === undefined && !replaced)
            this.#violate(31, `${text}, acknowledged at ${ackedAt}, is lost`);
          continue;
        }
        if (order < latest) this.#violate(33, `${text}, sent at ${at}, begins before one that was sent earlier`);
        latest = Math.max(latest, order);
      }
    }
  }

  #violate(invariant: number, text: string): void {
    this.#findings.violate(invariant, text);
  }
}
