// What has come of it when nothing has been done to stacked machines for a while.

import { keyIdOf } from "../../../src/machine/keys/signing-key.ts";
import type { MachineNode } from "../../../src/machine/machine-node.ts";
import { parentLink } from "../../../src/machine/stacking/links.ts";
import { viewOf } from "../../../src/machine/view.ts";
import type { MachineView, NodeView } from "../../../src/messages/gen/unum/machine/v1/machine_pb.ts";
import type { Findings } from "../findings.ts";
import type { StackedMachines } from "./stacked-machines.ts";
import {
  ALL_NODES,
  CHILDREN,
  type ChildName,
  ID,
  MACHINES,
  type MachineName,
  NODES,
  nodesOf,
  OWN,
  PACKAGE,
  PROGRAM_NAMES,
  type ProgramName,
  parentOf,
} from "./stacking-plan.ts";

export function judgeEnd(world: StackedMachines, findings: Findings): void {
  const lives = new Map<string, MachineNode>();
  for (const node of ALL_NODES) {
    const machine = world.machine(node);
    if (machine === undefined) findings.violate(50, `${node} does not run at the end`);
    else lives.set(node, machine);
  }
  if (lives.size < ALL_NODES.length) return;
  for (const machine of MACHINES) judgeRecords(machine, lives, findings);
  for (const child of CHILDREN) {
    for (const program of PROGRAM_NAMES) judgeProgram(child, program, { world, lives, findings });
    judgeSeen(child, { world, lives, findings });
  }
}

interface End {
  readonly world: StackedMachines;
  readonly lives: ReadonlyMap<string, MachineNode>;
  readonly findings: Findings;
}

function judgeRecords(machine: MachineName, lives: ReadonlyMap<string, MachineNode>, findings: Findings): void {
  const told = nodesOf(machine).map((node) =>
    JSON.stringify(Object.entries(lives.get(node)?.records.digests ?? {}).sort()),
  );
  if (new Set(told).size > 1) findings.violate(50, `records of ${machine} differ: ${told.join(" | ")}`);
}

/** 50 */
function judgeProgram(child: ChildName, program: ProgramName, { world, lives, findings }: End): void {
  const [above, here] = [lives.get(NODES[parentOf(child)][0]), lives.get(NODES[child][0])];
  if (above === undefined || here === undefined) return;
  const known = here.records.get(`program/${program}`);
  const present = here.program(program);
  const key = world.identity(child).commands.id;
  const runs = present?.running === true ? present.digest : undefined;
  judgeRuns(child, program, runs, { world, lives, findings });
  // Its own operator's word stands: that it was not written over is seen when it happens (47).
  if (present !== undefined && known?.signer.id !== key) return;
  const link = parentLink(here.records);
  // What it may not any more is its operator's to take away.
  if (link === undefined || !mayDeploy(here, key, program)) return;
  const wanted = wantedOf(parentOf(child), program, above, world);
  const where = `'${program}' of the parent at ${child}`;
  if (wanted === undefined) {
    if (runs !== undefined) findings.violate(50, `${where} runs at the end, and is not wanted`);
    return;
  }
  if (program === "beta" && !link.trusted) {
    // 46: whatever let it run inline before.
    const inline = nodesOf(child).filter((node) =>
      world.loaded(node).some(({ name }) => name.startsWith(`${program} `)),
    );
    if (present !== undefined && inline.length > 0)
      findings.violate(46, `${where} runs inline at ${inline} at the end, and the parent is not trusted`);
    return;
  }
  if (runs !== wanted.digest)
    return findings.violate(
      50,
      `${where}: ${short(runs)} runs at the end, wanted is ${short(wanted.digest)}; ${problems(here)}`,
    );
  const granted = wanted.granted.filter((each) => link.capabilities.includes(each));
  if (String(present?.granted) !== String(granted))
    findings.violate(50, `${where} gets '${present?.granted}' at the end, both grant '${granted}'`);
}

/** What a machine has its nodes run; undefined where nothing: what it does not trust any more, it wants nowhere. */
function wantedOf(machine: MachineName, program: ProgramName, at: MachineNode, world: StackedMachines) {
  const wanted = at.program(program);
  if (wanted?.running !== true) return undefined;
  const word = wanted.loaded.find((each) => each.digest === wanted.digest)?.trust;
  const { id } = world.identity(machine).commands;
  if (word === undefined || keyIdOf(word.key).toString("hex") !== id) return wanted;
  return parentLink(at.records)?.trusted === true && mayDeploy(at, id, program) ? wanted : undefined;
}

function mayDeploy({ records }: MachineNode, key: string, program: ProgramName): boolean {
  const grant = records.get(`grant/${key}`)?.record.body;
  return grant?.case === "grant" && (grant.value.programs.includes("*") || grant.value.programs.includes(program));
}

/** Whether containers have loaded what the machine's records say. */
function judgeRuns(
  child: ChildName,
  program: ProgramName,
  digest: string | undefined,
  { world, lives, findings }: End,
): void {
  const version = lives
    .get(NODES[child][0])
    ?.program(program)
    ?.loaded.find((each) => each.digest === digest)?.version;
  for (const node of nodesOf(child)) {
    const containers = world.loaded(node).filter(({ name }) => name.startsWith(`${program} `));
    const loaded = containers.map(({ name }) => name);
    const refused = lives.get(node)?.programs.find((each) => each.program === program)?.problems ?? [];
    const isAsWanted = version === undefined ? loaded.length === 0 : loaded.includes(`${program} ${version}`);
    if (!isAsWanted && refused.length === 0)
      findings.violate(50, `${node} runs '${loaded}' of '${program}' at the end, wanted is ${version}`);
    const granted = String(lives.get(NODES[child][0])?.program(program)?.granted);
    const other = containers.find((each) => String(each.granted) !== granted);
    if (other !== undefined)
      findings.violate(50, `'${program}' has '${other.granted}' at ${node} at the end, granted is '${granted}'`);
  }
}

/** 51 */
function judgeSeen(child: ChildName, { world, lives, findings }: End): void {
  const parent = parentOf(child);
  const here = lives.get(NODES[child][0]);
  const link = here && parentLink(here.records);
  if (here === undefined || link === undefined) return;
  const own = viewOf(here);
  for (const node of nodesOf(parent)) {
    const machine = lives.get(node);
    if (machine === undefined) continue;
    const view = viewOf(machine);
    const seen = view.nodes.find(({ id }) => id === ID[child]);
    if (seen?.online !== true || !seen.machine) findings.violate(51, `${node} does not see ${child} at the end`);
    const inside = view.nodes.filter(({ id }) => nodesOf(child).includes(id)).map(({ id }: NodeView) => id);
    if (inside.length > 0) findings.violate(51, `${node} sees ${inside} of ${child}`);
    for (const program of PROGRAM_NAMES) {
      // What is left of what the parent wants no more is told nobody: it may not take it away (50).
      if (wantedOf(parent, program, machine, world) === undefined) continue;
      judgeReport(child, program, { node, view, own, key: world.identity(child).commands.id }, findings);
    }
    judgeDirectory(child, { node, exports: link.exports }, { world, findings });
  }
}

function judgeReport(
  child: ChildName,
  program: ProgramName,
  {
    node,
    view,
    own,
    key,
  }: { readonly node: string; readonly view: MachineView; readonly own: MachineView; readonly key: string },
  findings: Findings,
): void {
  const told = view.programs.find(({ name }) => name === program)?.nodes.find((each) => each.node === ID[child]);
  const truly = own.programs.find(({ name, by }) => name === program && by === key);
  if (truly?.running !== true || told === undefined) return;
  const serving = truly.nodes.reduce((sum, each) => sum + each.serving, 0);
  if (told.serving === serving && told.digest === truly.digest) return;
  const what = `${serving} containers of ${short(truly.digest)}`;
  findings.violate(
    51,
    `${node} is told of ${told.serving} of ${short(told.digest)} of '${program}' at ${child}: ${what}`,
  );
}

/** What may be called there is one place to call, at the gateway. */
function judgeDirectory(
  child: ChildName,
  { node, exports }: { readonly node: string; readonly exports: readonly string[] },
  { world, findings }: Pick<End, "world" | "findings">,
): void {
  const nodes = world.caller(node)?.nodes() ?? [];
  const there = nodes.find(({ id }) => id === ID[child]);
  const contracts = there?.containers.flatMap(({ components }) => components.map(({ contract }) => contract)) ?? [];
  const own = `${PACKAGE}.${OWN[child]}`;
  const isExported = exports.some((each) => each === own || each === `${PACKAGE}.*`);
  if ((there?.containers.length ?? 0) > 1 || contracts.includes(own) !== isExported)
    findings.violate(51, `${node} knows '${contracts}' at ${child} at the end, which exports '${exports}'`);
}

function problems(machine: MachineNode): string {
  return machine.gateway().problems.join("; ");
}

function short(digest: string | undefined): string {
  return digest?.slice(0, 8) ?? "nothing";
}
