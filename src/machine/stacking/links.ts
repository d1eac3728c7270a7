// How this machine stands to others, by its records: the one that it is a node of, and those that are nodes of it.
//
// Invariants
//   T1. A machine has one parent at most, and is never its own ancestor.
//   T2. What a machine may call here is said by an operator of this one, and nothing is what it may before that.
//   T3. Whatever a gateway has seen before it wrote: the parent's key writes nothing against what another key wrote of a program,
//       and gets its programs no capability that the link does not name.

import { Fault } from "../../base/fault.ts";
import type { ParentLink, Record as SaidRecord } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { keyIdOf } from "../keys/signing-key.ts";
import type { MachineNode } from "../machine-node.ts";
import type { Allowance } from "../privileges/roles.ts";
import type { RecordSet } from "../records/record-set.ts";
import type { KnownRecord } from "../records/signed-record.ts";

export const PARENT_RECORD = "parent/link";
/** Envelopes are handed on no more often. */
export const MOST_DEEP = 16;
const CHILD_NAME = /^child\/(m[a-z0-9]{1,31})$/;

/** What a certificate names: a machine, and not a node. */
export function isMachineName(name: string | undefined): name is string {
  return name !== undefined && /^m[a-z0-9]{1,31}$/.test(name);
}

/** Undefined where this machine is none's. */
export function parentLink(records: RecordSet): ParentLink | undefined {
  const body = records.get(PARENT_RECORD)?.record.body;
  return body?.case === "parent" ? body.value : undefined;
}

/** By id, contracts that each machine which may be a node of this one may call. */
export function childGrants(records: RecordSet): ReadonlyMap<string, readonly string[]> {
  return new Map(
    records.all.flatMap(({ record: { name, body } }) =>
      body.case === "child" ? [[name.slice("child/".length), body.value.calls] as const] : [],
    ),
  );
}

/** What a key may where it says of a program that it is trusted: the parent's as an operator's, for programs that it may deploy. */
export function trustOfParent(
  records: RecordSet,
  key: string,
  allowance: Allowance | undefined,
): Allowance | undefined {
  const link = parentLink(records);
  const isParents = link?.trusted === true && keyIdOf(link.key).toString("hex") === key;
  return isParents && allowance !== undefined ? { ...allowance, role: "operator" } : allowance;
}

/** Throws the Fault `denied` where the record is the parent's, and more than it may (T3): by the records as they are now. */
export function checkParentsWord({ record, signer }: KnownRecord, records: RecordSet): void {
  const link = parentLink(records);
  if (link === undefined || keyIdOf(link.key).toString("hex") !== signer.id) return;
  const present = records.get(record.name);
  if (present?.record.body.case === "program" && present.signer.id !== signer.id)
    throw new Fault(
      "denied",
      `${record.name}: key ${present.signer.id} has its own word on it, which the parent's is not set against`,
    );
  if (record.body.case !== "program") return;
  const beyond = record.body.value.granted.find((each) => !isAllowed(each, link.capabilities));
  if (beyond !== undefined)
    throw new Fault("denied", `${record.name}: programs of machine ${link.machine} do not get '${beyond}' here`);
}

/** `allowed`: NAME, or NAME=LIMIT for that limit alone. */
export function isAllowed(granted: string, allowed: readonly string[]): boolean {
  return allowed.some((each) => granted === each || (!each.includes("=") && granted.startsWith(`${each}=`)));
}

/** Of this machine: its parent, the parent's parent and so on, as far as they are known here. */
export function ancestorsOf(machine: MachineNode): readonly string[] {
  const link = parentLink(machine.records);
  return link === undefined ? [] : (heardAbove(machine, link) ?? [link.machine]);
}

/** Whether there are none, or who has the gateway has said which. */
export function knowsAncestors(machine: MachineNode): boolean {
  const link = parentLink(machine.records);
  return link === undefined || heardAbove(machine, link) !== undefined;
}

function heardAbove({ settings, peers, ancestors }: MachineNode, link: ParentLink): readonly string[] | undefined {
  const known = link.node === settings.node ? ancestors : told(peers.reports.filter(({ node }) => node === link.node));
  return known[0] === link.machine ? known : undefined;
}

function told(reports: readonly { readonly ancestors: readonly string[] }[]): readonly string[] {
  return reports.find(({ ancestors }) => ancestors.length > 0)?.ancestors ?? [];
}

/** As long as it is a way upwards: where it comes round to a machine again, that one is the last. */
export function upToCircle(own: string, ancestors: readonly string[]): readonly string[] {
  const round = ancestors.findIndex((id, place) => id === own || ancestors.indexOf(id) < place);
  return ancestors.slice(0, round < 0 ? MOST_DEEP : Math.min(round + 1, MOST_DEEP));
}

/** Throws the Fault `invalid` or `denied` for what cannot stand. */
export function checkStacking({ machine, name, body }: SaidRecord): void {
  if (name.startsWith("child/") && !CHILD_NAME.test(name)) throw new Fault("invalid", `'${name}' names no machine`);
  if (!name.startsWith("parent/")) return;
  if (name !== PARENT_RECORD)
    throw new Fault("invalid", `'${name}': a machine has one parent, written at ${PARENT_RECORD}`);
  if (body.case === "parent" && body.value.machine === machine)
    throw new Fault("denied", `machine ${machine} would be its own parent`);
}
