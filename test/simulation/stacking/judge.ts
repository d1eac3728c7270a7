// What is seen of stacked machines while they run, and what of it does not hold.

import { ancestorsOf, childGrants, parentLink } from "../../../src/machine/stacking/links.ts";
import type { Findings } from "../findings.ts";
import type { Roads } from "../roads.ts";
import type { StackedMachines } from "./stacked-machines.ts";
import {
  ALL_NODES,
  CHILDREN,
  type ChildName,
  ID,
  MACHINES,
  type MachineName,
  machineOf,
  NODES,
  nodesOf,
  PACKAGE,
  type PlannedCall,
  parentOf,
} from "./stacking-plan.ts";

interface Asked extends Pick<PlannedCall, "scope"> {
  readonly contract: string;
  /** Node. */
  readonly from: string;
  readonly at: number;
  readonly ttlMs: number;
}

/** The marks of gateways after its caller's id. */
interface Begun {
  readonly id: number;
  readonly node: string;
  readonly path: readonly string[];
}

/** What a word that was taken back still lets through: until those that judge by it have heard, or have looked again. */
const WINDOW_MS = 3_000;
const LATE_MS = 100;
/** How long a machine and the roads within it have to have been well to be held to what it should do by itself. */
const WELL_MS = 6_000;
/** Until each machine of a circle has heard that it is one. */
const SEEN_MS = 6_000;

export class Judge {
  readonly #world: StackedMachines;
  readonly #roads: Roads;
  readonly #findings: Findings;
  readonly #asked: Asked[] = [];
  /** NODE WHAT CONTRACT → when it was last allowed, by what the node knew. */
  readonly #allowed = new Map<string, number>();
  /** Since when it and the roads within it have been well, or no way has led to its parent. */
  readonly #wellSince = new Map<MachineName, number>();
  readonly #cutSince = new Map<MachineName, number>();
  /** MACHINE PROGRAM → digest that should run by its own records, and since when. */
  readonly #wanted = new Map<string, { readonly digest: string; readonly since: number }>();
  /** Below which machine the top stands, and since when. */
  circle: { readonly below: MachineName; readonly since: number } | undefined;
  /** Which machine was taken out of its parent, and since when that is done. */
  out: { readonly machine: ChildName; readonly since: number | undefined } | undefined;
  #back: { readonly machine: ChildName; readonly at: number } | undefined;
  readonly counts = { begun: 0, beyond: 0, circled: 0, alone: 0, out: 0 };

  constructor(world: StackedMachines, roads: Roads, findings: Findings) {
    this.#world = world;
    this.#roads = roads;
    this.#findings = findings;
  }

  asked(asked: Asked): number {
    return this.#asked.push(asked) - 1;
  }

  begun({ id, node, path }: Begun): void {
    const asked = this.#asked[id];
    if (asked === undefined) return;
    const now = this.#world.clock.now();
    const what = `call ${id} of ${asked.from} to ${asked.contract}`;
    const lateMs = now - (asked.at + asked.ttlMs);
    if (lateMs > LATE_MS) this.#findings.violate(44, `${what} begins at ${node} ${lateMs} ms after its time`);
    const marks = path.slice(1).filter((mark) => mark.startsWith("gateway/"));
    this.counts.begun++;
    if (marks.length > 0) this.counts.beyond++;
    const why = this.#refused(asked, node, marks);
    if (why !== undefined) this.#findings.violate(45, `${what} begins at ${node} by ${path.join(" ")}: ${why}`);
    const isInside = this.#members.some((member) => marks.includes(`gateway/${ID[member]}`));
    if (isInside && this.#isCircleSeen)
      this.#findings.violate(48, `${what} begins at ${node} at ${now}, in a circle since ${this.circle?.since}`);
  }

  /** The outcome of a call to what the caller's own machine serves. */
  ended(id: number, failure: Error | undefined): void {
    const asked = this.#asked[id];
    if (asked === undefined || failure === undefined) return;
    const machine = machineOf(asked.from);
    const since = this.#wellSince.get(machine);
    if (since === undefined || asked.at - since < WELL_MS) return;
    this.#findings.violate(49, `${asked.contract}, called at ${asked.from} itself at ${asked.at}: ${failure.message}`);
  }

  /** It is in its parent again. */
  back(): void {
    const { machine } = this.out ?? {};
    this.out = undefined;
    this.#back = machine === undefined ? undefined : { machine, at: this.#world.clock.now() };
  }

  /** Whether it stands below the top, and has long heard so. */
  isBelowTop(machine: ChildName): boolean {
    const concerns = (other: ChildName | undefined) => other === machine || other === "middle";
    if (concerns(this.out?.machine)) return false;
    return !(concerns(this.#back?.machine) && this.#world.clock.now() - (this.#back?.at ?? 0) < SEEN_MS);
  }

  /** Again and again. */
  look(): void {
    for (const node of ALL_NODES) this.#lookAtWords(node);
    for (const machine of MACHINES) {
      this.#since(this.#wellSince, machine, this.#isWell(machine));
      this.#lookAtPrograms(machine);
    }
    for (const child of CHILDREN) {
      this.#since(this.#cutSince, child, this.#isCutOff(child));
      this.#judgeAlone(child);
    }
    this.#judgeCircle();
    this.#judgeOut();
  }

  /** Since how long no way has led from it to its parent, in ms. */
  cutOffMs(machine: MachineName): number {
    const since = this.#cutSince.get(machine);
    return since === undefined ? 0 : this.#world.clock.now() - since;
  }

  // --- what was allowed

  #lookAtWords(node: string): void {
    const now = this.#world.clock.now();
    const machine = this.#world.machine(node);
    if (machine === undefined || !this.#world.isWell(node)) {
      // Whatever judges by what it knew may go on judging by that.
      for (const [key, at] of this.#allowed)
        if (key.startsWith(`${node} `) && now - at <= WINDOW_MS) this.#allowed.set(key, now);
      return;
    }
    const link = parentLink(machine.records);
    const lists = new Map<string, readonly string[]>([
      ["exports", link?.exports ?? []],
      ["calls", link?.calls ?? []],
      ...childGrants(machine.records),
    ]);
    for (const [what, list] of lists) for (const each of list) this.#allowed.set(`${node} ${what} ${each}`, now);
  }

  #isAllowed(node: string, what: string, contract: string): boolean {
    const now = this.#world.clock.now();
    const named = [`${PACKAGE}.${contract}`, `${PACKAGE}.*`];
    return named.some((name) => now - (this.#allowed.get(`${node} ${what} ${name}`) ?? -WINDOW_MS - 1) <= WINDOW_MS);
  }

  /** Why it should not have come there by these gateways; undefined where each on the way let it through. */
  #refused({ contract, from, scope }: Asked, node: string, marks: readonly string[]): string | undefined {
    if (scope === "network" && marks.length > 0) return "its scope ends at the border of its machine";
    if (new Set(marks).size < marks.length) return "it passes a gateway twice";
    let here = machineOf(from);
    let cameFrom: MachineName | undefined;
    for (const mark of marks) {
      const child = MACHINES.find((machine) => mark === `gateway/${ID[machine]}`);
      const parent = child && this.#parentOf(child);
      if (child === undefined || parent === undefined) return `${mark} leads nowhere`;
      const [gateway] = NODES[child];
      if (here === child) {
        if (!this.#isAllowed(gateway, "calls", contract)) return `${child} lets it not be called at ${parent}`;
        if (cameFrom !== undefined && !this.#isAllowed(gateway, ID[cameFrom], contract))
          return `${child} lets ${cameFrom} not call it beyond`;
        [here, cameFrom] = [parent, child];
      } else if (here === parent) {
        if (!this.#isAllowed(gateway, "exports", contract)) return `${child} does not export it`;
        [here, cameFrom] = [child, undefined];
      } else return `${mark} is not at ${here}`;
    }
    if (here !== machineOf(node)) return `${node} is not in ${here}`;
    const isLetIn = cameFrom === undefined || this.#isAllowed(node, ID[cameFrom], contract);
    return isLetIn ? undefined : `${here} lets ${cameFrom} not call it`;
  }

  #parentOf(machine: MachineName): MachineName | undefined {
    return machine === "top" ? this.circle?.below : parentOf(machine);
  }

  // --- a machine by itself

  #since(since: Map<MachineName, number>, machine: MachineName, isSo: boolean): void {
    if (!isSo) since.delete(machine);
    else if (!since.has(machine)) since.set(machine, this.#world.clock.now());
  }

  #isWell(machine: MachineName): boolean {
    const nodes = nodesOf(machine);
    const isWhole = nodes.every((one) => nodes.every((other) => this.#roads.areWhole(one, other)));
    return isWhole && nodes.every((node) => this.#world.isWell(node));
  }

  #isCutOff(child: MachineName): boolean {
    const parent = this.#parentOf(child);
    if (parent === undefined) return false;
    const isCut = (one: string, other: string) => this.#roads.isCut(one, other) && this.#roads.isCut(other, one);
    return nodesOf(child).every((one) => nodesOf(parent).every((other) => isCut(one, other)));
  }

  #lookAtPrograms(machine: MachineName): void {
    const node = this.#world.machine(NODES[machine][0]);
    if (node === undefined) return;
    const now = this.#world.clock.now();
    const running = new Map<string, string>();
    for (const name of node.programNames) {
      const wanted = node.program(name);
      if (wanted?.running === true) running.set(`${machine} ${name}`, wanted.digest);
    }
    for (const key of this.#wanted.keys())
      if (key.startsWith(`${machine} `) && !running.has(key)) this.#wanted.delete(key);
    for (const [key, digest] of running)
      if (this.#wanted.get(key)?.digest !== digest) this.#wanted.set(key, { digest, since: now });
  }

  /** 49 */
  #judgeAlone(child: MachineName): void {
    const now = this.#world.clock.now();
    const isLong = (since: number | undefined) => since !== undefined && now - since >= WELL_MS;
    if (!isLong(this.#cutSince.get(child)) || !isLong(this.#wellSince.get(child))) return;
    this.counts.alone++;
    for (const node of nodesOf(child)) {
      const runs = this.#world.machine(node)?.programs ?? [];
      const loaded = this.#world.loaded(node).map(({ name }) => name);
      if (!loaded.includes(child))
        this.#findings.violate(49, `nothing of its own runs at ${node} at ${now}, cut off from its parent`);
      for (const [key, { since }] of this.#wanted) {
        const name = key.slice(child.length + 1);
        if (!key.startsWith(`${child} `) || !isLong(since)) continue;
        const isDistrusted = runs.some(({ program, problems }) => program === name && problems.length > 0);
        if (!isDistrusted && !loaded.some((each) => each.startsWith(`${name} `)))
          this.#findings.violate(49, `'${name}' does not run at ${node} at ${now}, cut off from its parent`);
      }
    }
  }

  /** 46 */
  #judgeOut(): void {
    const { machine, since } = this.out ?? {};
    const now = this.#world.clock.now();
    if (machine === undefined || since === undefined || now - since < SEEN_MS || !this.#hasBeenWell(machine)) return;
    this.counts.out++;
    const { id } = this.#world.identity(machine).commands;
    for (const node of nodesOf(machine)) {
      const all = this.#world.machine(node)?.records.all ?? [];
      const left = all.filter(({ record: { body }, signer }) => signer.id === id && body.case === "program");
      if (left.length > 0)
        this.#findings.violate(46, `${node} has '${left.map(({ record }) => record.name)}' of the parent at ${now}`);
      if (this.#world.processes(node, "gateway").length > 0)
        this.#findings.violate(46, `${node} has a gateway at ${now}, though it has no parent`);
    }
  }

  // --- circles

  get #isCircleSeen(): boolean {
    const now = this.#world.clock.now();
    return (
      this.circle !== undefined && now - this.circle.since > SEEN_MS && this.#members.every((m) => this.#hasBeenWell(m))
    );
  }

  #hasBeenWell(machine: MachineName): boolean {
    const since = this.#wellSince.get(machine);
    return since !== undefined && this.#world.clock.now() - since > SEEN_MS;
  }

  get #members(): readonly MachineName[] {
    return this.circle?.below === "middle" ? ["top", "middle"] : MACHINES;
  }

  #judgeCircle(): void {
    if (!this.#isCircleSeen) return;
    this.counts.circled++;
    for (const member of this.#members) {
      const node = this.#world.machine(NODES[member][0]);
      if (node === undefined) continue;
      const { problems } = node.gateway();
      if (!ancestorsOf(node).includes(ID[member]) || !problems.some((text) => text.includes("its own ancestor")))
        this.#findings.violate(48, `${member} does not say that it is its own ancestor at ${this.#world.clock.now()}`);
    }
  }
}
