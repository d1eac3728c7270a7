// How this machine stands to others, by its records: the one that it is a node of, and those that are nodes of it.
//
// Invariants
//   T1. A machine has one parent at most, and is never its own ancestor.
//   T2. What a machine may call here is said by an operator of this one, and nothing is what it may before that.

import { Fault } from "../../base/fault.ts";
import type { ParentLink, Record as SaidRecord } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { keyIdOf } from "../keys/signing-key.ts";
import type { MachineNode } from "../machine-node.ts";
import type { Allowance } from "../privileges/roles.ts";
import type { RecordSet } from "../records/record-set.ts";

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

/** Of this machine: its parent, the parent's parent and so on, as far as they are known here. */
export function ancestorsOf({ records, settings, peers, ancestors }: MachineNode): readonly string[] {
  const link = parentLink(records);
  if (link === undefined) return [];
  const known = link.node === settings.node ? ancestors : told(peers.reports.filter(({ node }) => node === link.node));
  return known[0] === link.machine ? known : [link.machine];
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
