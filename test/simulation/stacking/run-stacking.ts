// Runs planned machines that are nodes of machines on virtual time, and judges what happened.
//
// Invariants, numbered after those of owners (../owners/run-owners.ts)
//   44. No call begins after its time, plus 100 ms, through however many machines it came.
//   45. A call begins in another machine only where each gateway on its way let it through by words of both sides, and the node
//       where it begins by its own machine's: as they were within the last 3 s, or as was known where nobody could hear others.
//       It passes no gateway twice, and none where its scope is its own network.
//   46. What a parent writes in a child is programs that the child's operator lets it deploy, with capabilities and rights that he
//       lets its programs have. Where a machine was taken out of its parent for 6 s nothing of the parent's is left, nor a gateway.
//   47. What a child's own operator wrote of a program, the parent's word is not set against; of all else the parent writes nothing.
//   48. No machine is let in by one of its own descendants, once that could hear for 6 s that it is one. Where two have let each other in at once, each finds itself among its
//       ancestors within 6 s, says so, and nothing passes it.
//   49. A machine that is well in itself answers its own callers and runs what it should, also while it is cut off from its parent.
//   50. At the end every machine's nodes have the same records and run what they say; of the parent's programs a child runs what
//       the parent wants as far as it may, with the capabilities that both grant, and nothing that the parent does not want.
//   51. At the end the parent sees a child as one node: online, with what truly serves there, and one place to call.

import { sleep } from "../../../src/base/clock.ts";
import { asError, Fault as CallFault } from "../../../src/base/fault.ts";
import { type Call, component } from "../../../src/index.ts";
import { secretHash } from "../../../src/machine/identity/token.ts";
import { settledOn } from "../../../src/testing/promises/settled.ts";
import { First, Second, type Step, Third } from "../../gen/unum/test/v1/chain_pb.ts";
import { SimA, SimB } from "../../gen/unum/test/v1/letters_pb.ts";
import { Findings, type Violation } from "../findings.ts";
import { Roads } from "../roads.ts";
import { beginFault } from "./begin-fault.ts";
import { codeOf, type Identities, identities } from "./identities.ts";
import { Judge } from "./judge.ts";
import { judgeEnd } from "./judge-end.ts";
import { Operators } from "./operators.ts";
import { StackedMachines, type StackingCode, type WorldParts } from "./stacked-machines.ts";
import { SOUND_CODE } from "./stacking-code.ts";
import {
  ALL_NODES,
  CHILDREN,
  type ChildName,
  type ContractName,
  type FaultKind,
  ID,
  machineOf,
  NODES,
  nodesOf,
  OWN,
  PACKAGE,
  type PlannedCall,
  parentOf,
  REST_MS,
  type StackingPlan,
  TROUBLE_MS,
  type Word,
} from "./stacking-plan.ts";
import { watchWords } from "./written.ts";

export const STACKING_INVARIANTS = [44, 45, 46, 47, 48, 49, 50, 51] as const;

interface StackingResult {
  readonly violations: readonly Violation[];
  /** What took effect. */
  readonly fired: Readonly<Record<FaultKind, number>>;
  /** Calls that began, of these in another machine, and those that did not. */
  readonly begun: number;
  readonly beyond: number;
  readonly failed: number;
  /** Words that were taken, and those that were refused; how often the top was not let in. */
  readonly said: number;
  readonly refused: number;
  readonly barred: number;
  /** Looks at machines cut off, and at circles that were seen. */
  readonly alone: number;
  readonly circled: number;
  /** Looks at machines that were taken out of their parent. */
  readonly out: number;
}

const CHAIN = { First, Second, Third } as const;
const LOOK_EVERY_MS = 250;
const JOINED_LIMIT_MS = 30_000;
const SAY_LIMIT_MS = 20_000;
const AGAIN_MS = 500;
const EVERYTHING = [`${PACKAGE}.*`];

export async function runStacking(
  plan: StackingPlan,
  code: StackingCode = SOUND_CODE,
  onLine?: (process: string, text: string) => void,
): Promise<StackingResult> {
  return new StackingWorld(plan, { code, onLine }, await identities()).run();
}

class StackingWorld {
  readonly #plan: StackingPlan;
  readonly #code: StackingCode;
  readonly #world: StackedMachines;
  readonly #findings = new Findings();
  readonly #roads: Roads;
  readonly #operators: Operators;
  readonly #judge: Judge;
  readonly #fired = { cut: 0, apart: 0, alone: 0, crash: 0, power: 0, wall: 0, gateway: 0, pause: 0 };
  readonly #counts = { failed: 0, said: 0, refused: 0, barred: 0 };
  #tokens = 0;

  constructor(plan: StackingPlan, { code, onLine }: Pick<WorldParts, "code" | "onLine">, known: Identities) {
    this.#plan = plan;
    this.#code = code;
    const world: StackedMachines = new StackedMachines({
      ...{ seed: plan.seed, identities: known, code, onLine, components: (node) => this.#componentsOf(node) },
      up: (node, machine) => watchWords(node, machine, { world, judge: this.#judge, findings: this.#findings }),
    });
    this.#world = world;
    const { clock } = world;
    this.#roads = new Roads({ clock, set: (from, to, isCut) => world.set(from, to, isCut) });
    this.#operators = new Operators(world, known.archives);
    this.#judge = new Judge(world, this.#roads, this.#findings);
  }

  async run(): Promise<StackingResult> {
    const { words, calls, faults, circle, out } = this.#plan;
    const { clock } = this.#world;
    await this.#begin();
    for (const word of words) clock.after(word.at, () => this.#say(this.#word(word)));
    for (const call of calls) clock.after(call.at, () => this.#call(call));
    for (const fault of faults) {
      clock.after(fault.at, () => {
        this.#fired[fault.kind]++;
        beginFault(fault, this.#world, this.#roads);
      });
    }
    if (circle !== undefined) clock.after(circle.at, () => this.#say(this.#circle(circle.below, circle.forMs)));
    if (out !== undefined) clock.after(out.at, () => void this.#takeOut(out));
    for (let at = LOOK_EVERY_MS; at < TROUBLE_MS + REST_MS; at += LOOK_EVERY_MS)
      clock.after(at, () => this.#judge.look());
    await clock.advance(TROUBLE_MS + REST_MS);
    judgeEnd(this.#world, this.#findings);
    this.#world.end();
    return { violations: this.#findings.all, fired: this.#fired, ...this.#counts, ...this.#judge.counts };
  }

  /** Everything is up and joined before anything is done to it. */
  async #begin(): Promise<void> {
    const { clock } = this.#world;
    for (const node of ALL_NODES) this.#world.up(node);
    const isUp = () => ALL_NODES.every((node) => this.#world.machine(node) !== undefined);
    if (!(await clock.runUntil(isUp, JOINED_LIMIT_MS))) throw new Error("a node does not come up");
    const said = CHILDREN.map(async (child) => {
      const parent = parentOf(child);
      this.#world.joins(NODES[child][0], parent);
      await this.#operators.child(NODES[parent][0], child, EVERYTHING);
      await this.#operators.link(child, parent, this.#plan.first[child]);
    });
    await settledOn(clock, Promise.all(said), SAY_LIMIT_MS);
    const state = (child: ChildName) => this.#world.machine(NODES[child][0])?.gateway().state;
    const isJoined = () => CHILDREN.every((child) => state(child) === "joined");
    if (!(await clock.runUntil(isJoined, JOINED_LIMIT_MS))) throw new Error("a machine does not join");
  }

  // --- components

  #componentsOf(node: string) {
    const step = (name: keyof typeof CHAIN) => () => [
      component(CHAIN[name], { go: (input: Step, call: Call) => this.#go(node, input, call) }),
    ];
    const letter = (contract: typeof SimA | typeof SimB) => () => [
      component(contract, { put: ({ text }, call) => this.#begun(node, text, call) }),
    ];
    const programs = ["1.0.0", "2.0.0"].flatMap((version) => [
      [codeOf("alpha", version), letter(SimA)] as const,
      [codeOf("beta", version), letter(SimB)] as const,
    ]);
    return { top: step(OWN.top), middle: step(OWN.middle), bottom: step(OWN.bottom), ...Object.fromEntries(programs) };
  }

  #begun(node: string, id: string | undefined, { from }: Call): object {
    this.#judge.begun({ id: Number(id), node, path: from });
    return {};
  }

  async #go(node: string, { way, passed }: Step, call: Call): Promise<{ way: string[]; passed: string[] }> {
    this.#begun(node, passed[0], call);
    const [next, ...rest] = way;
    const contract = CHAIN[next as keyof typeof CHAIN];
    if (next === undefined || contract === undefined) return { way: [], passed };
    const at = this.#world.clock.now();
    const id = this.#judge.asked({ contract: next, from: node, at, ttlMs: call.msLeft, scope: "anywhere" });
    await call
      .of(contract)
      .go({ way: rest, passed: [String(id)] }, { ttlMs: 600_000, scope: "anywhere" })
      .catch(() => {});
    return { way: [], passed };
  }

  // --- what happens

  #call({ from, contract, way, ttlMs, scope, withinMs }: PlannedCall): void {
    const node = ALL_NODES[from] ?? "";
    const caller = this.#world.caller(node);
    if (caller === undefined) return;
    const at = this.#world.clock.now();
    const id = this.#judge.asked({ contract, from: node, at, ttlMs, scope });
    const options = { ttlMs, scope, withinMs };
    const isOwn = contract === OWN[machineOf(node)] && way.length === 0 && ttlMs >= 2_000;
    const ended = (failure: Error | undefined) => {
      if (failure !== undefined) this.#counts.failed++;
      if (isOwn) this.#judge.ended(id, failure);
    };
    outcomeOf(caller, contract, { way, id: String(id), options }).then(
      () => ended(undefined),
      (error) => ended(asError(error)),
    );
  }

  #say(said: Promise<void>): void {
    said.then(
      () => void this.#counts.said++,
      (error) => {
        if (!(error instanceof CallFault)) throw error;
        this.#counts.refused++;
      },
    );
  }

  #word(word: Word): Promise<void> {
    const { kind, machine } = word;
    const nodeOf = (name: typeof machine) => nodesOf(name)[name === "top" ? word.node : 0] ?? "";
    if (kind === "program") return this.#operators.program(nodeOf(machine), word);
    if (kind === "link" && this.#judge.out?.machine === machine) return Promise.resolve(); // It has no parent to speak of.
    if (kind === "link") return this.#operators.link(machine, parentOf(machine), word);
    if (kind === "child") return this.#operators.child(nodeOf(parentOf(machine)), machine, word.calls);
    return this.#into(machine);
  }

  /** The top asks to be let in, by a token that the operator of its descendant has made for it. */
  async #into(machine: ChildName): Promise<void> {
    const [node] = NODES[machine];
    const [id, secret] = [`token${++this.#tokens}`, "secret of the simulated token"];
    const expiresMs = BigInt(Math.floor(this.#world.clock.wallNow())) + 3_600_000n;
    const value = { secretHash: secretHash(secret), expiresMs, at: node, machine: ID.top };
    await this.#operators.say(node, `token/${id}`, { case: "token", value });
    const living = this.#world.machine(node);
    if (living === undefined) return;
    const asked = { id, secret, node: ID.top, hosts: [], publicKey: "none", issuerKey: "" };
    const { issuer } = this.#world.identity(machine);
    const failure = await this.#code
      .letIn(JSON.stringify(asked), { machine: living, issuer, seeds: [] })
      .then(() => undefined, asError);
    // With such a key nobody is let in by anybody: that it comes to look at the key is too far.
    if (failure instanceof CallFault && failure.code === "denied") return void this.#counts.barred++;
    if (!this.#judge.isBelowTop(machine)) return;
    this.#findings.violate(
      48,
      `${machine} would let its ancestor in at ${this.#world.clock.now()}: ${failure?.message}`,
    );
  }

  /** `unum unstack`, and `unum stack` later. */
  async #takeOut({ machine, forMs, words }: NonNullable<StackingPlan["out"]>): Promise<void> {
    const [node] = NODES[machine];
    this.#judge.out = { machine, since: undefined };
    await this.#untilSaid(() => this.#operators.unlink(machine));
    this.#world.leaves(node);
    this.#judge.out = { machine, since: this.#world.clock.now() };
    await sleep(this.#world.clock, forMs);
    this.#judge.out = { machine, since: undefined };
    const parent = parentOf(machine);
    await this.#untilSaid(() => this.#operators.child(NODES[parent][0], machine, EVERYTHING));
    this.#world.joins(node, parent);
    await this.#untilSaid(() => this.#operators.link(machine, parent, words));
    this.#judge.back();
  }

  /** As an operator would: again, where nobody answers. */
  async #untilSaid(say: () => Promise<void>): Promise<void> {
    for (;;) {
      const failure = await say().then(() => undefined, asError);
      if (failure === undefined) return void this.#counts.said++;
      if (!(failure instanceof CallFault)) throw failure;
      this.#counts.refused++;
      await sleep(this.#world.clock, AGAIN_MS);
    }
  }

  /** As when each has let the other in before it heard what stands above that one. */
  async #circle(below: ChildName, forMs: number): Promise<void> {
    const { clock } = this.#world;
    const [node] = NODES.top;
    const words = { exports: EVERYTHING, calls: EVERYTHING, programs: [], capabilities: [], trusted: false };
    clock.after(forMs, () => this.#say(this.#operators.unlink("top").then(() => this.#world.leaves(node))));
    this.#judge.circle = { below, since: clock.now() };
    clock.after(forMs, () => {
      this.#judge.circle = undefined;
    });
    this.#world.joins(node, below);
    await this.#operators.say(NODES[below][0], `child/${ID.top}`, { case: "child", value: { calls: EVERYTHING } });
    await this.#operators.link("top", below, words);
  }
}

function outcomeOf(
  caller: NonNullable<ReturnType<StackedMachines["caller"]>>,
  contract: ContractName,
  { way, id, options }: { readonly way: readonly string[]; readonly id: string; readonly options: object },
): Promise<unknown> {
  if (contract === "SimA" || contract === "SimB") {
    const { put } = { SimA, SimB }[contract].method;
    return caller.send(put, { text: id }, { ...options, wantResult: false });
  }
  return caller.of(CHAIN[contract]).go({ way: [...way], passed: [id] }, options);
}
