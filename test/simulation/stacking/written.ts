// What controllers of machines with a parent write down, record by record, and whose word it is.

import type { MachineNode } from "../../../src/machine/machine-node.ts";
import type { KnownRecord } from "../../../src/machine/records/signed-record.ts";
import { parentLink } from "../../../src/machine/stacking/links.ts";
import type { Findings } from "../findings.ts";
import type { Judge } from "./judge.ts";
import type { StackedMachines } from "./stacked-machines.ts";
import { machineOf, NODES } from "./stacking-plan.ts";

/** What the parent has said before is still carried out. */
const HEARD_MS = 3_000;

/** Looks over the shoulder of a node that has come up. */
export function watchWords(
  node: string,
  machine: MachineNode,
  { world, judge, findings }: { readonly world: StackedMachines; readonly judge: Judge; readonly findings: Findings },
): void {
  const name = machineOf(node);
  // Where the gateway is, the parent's commands are judged; from there on they are told as any record is.
  if (node !== NODES[name][0]) return;
  const { founder, commands } = world.identity(name);
  const { records } = machine;
  const merge = records.merge.bind(records);
  records.merge = (known) => {
    const before = records.get(known.record.name);
    const merged = merge(known);
    const at = `${known.record.name} at ${node} at ${world.clock.now()}`;
    if (merged.kind !== "taken") return merged;
    const { signer, record } = known;
    if (signer.id === commands.id && record.name === "program/alpha" && record.body.case === "removed") {
      const cutOffMs = judge.cutOffMs(name);
      if (cutOffMs > HEARD_MS)
        findings.violate(49, `${at} is removed ${cutOffMs} ms after it was cut off from its parent`);
    }
    if (known.signer.id === commands.id) judgeParents(known, { before, machine, at }, findings);
    else if (known.signer.id !== founder.id) findings.violate(47, `${at} is written by key ${known.signer.id}`);
    return merged;
  };
}

/** 46 and 47 */
function judgeParents(
  { record, signer }: KnownRecord,
  {
    before,
    machine,
    at,
  }: { readonly before: KnownRecord | undefined; readonly machine: MachineNode; readonly at: string },
  findings: Findings,
): void {
  if (before !== undefined && before.signer.id !== signer.id && before.record.body.case === "program")
    findings.violate(47, `${at}: the parent's word is set against that of the machine's own operator`);
  if (!record.name.startsWith("program/")) return findings.violate(46, `${at} is written by the parent`);
  if (record.body.case !== "program") return;
  const program = record.name.slice("program/".length);
  const grant = machine.records.get(`grant/${signer.id}`)?.record.body;
  const programs = grant?.case === "grant" ? grant.value.programs : [];
  if (!programs.includes("*") && !programs.includes(program))
    findings.violate(46, `${at}: the parent may deploy '${programs.join(", ")}'`);
  const { capabilities = [], trusted = false } = parentLink(machine.records) ?? {};
  const { granted, loaded, digest, running } = record.body.value;
  const beyond = granted.filter((each) => !capabilities.includes(each));
  if (beyond.length > 0) findings.violate(46, `${at}: it gets '${beyond}', and the parent's may get '${capabilities}'`);
  const asksTrust = loaded.find((each) => each.digest === digest)?.trust !== undefined;
  if (running && asksTrust && !trusted) findings.violate(46, `${at}: it runs inline, and the parent is not trusted`);
}
