// Whether a record may be taken: its signer may write it, and what it says makes sense.

import { Fault } from "../../base/fault.ts";
import { leafOf } from "../identity/leaf.ts";
import { keyIdOf, publicKeyOf } from "../keys/signing-key.ts";
import { checkOwnership } from "../ownership/ownership.ts";
import {
  type Allowance,
  allowanceOf,
  type Command,
  type GivenGrant,
  isRole,
  isWithin,
  refusal,
} from "../privileges/roles.ts";
import type { RecordSet } from "../records/record-set.ts";
import type { KnownRecord } from "../records/signed-record.ts";
import { checkStacking } from "../stacking/links.ts";
import { isRevoked } from "./revoked.ts";

export interface Authority {
  readonly machine: string;
  /** Id of the founder's key. */
  readonly founder: string;
  readonly records: RecordSet;
  readonly nowMs: number;
  /** PEM: the machine's root certificate; left out where it has none. */
  readonly root?: string | undefined;
}

/** Throws the Fault `denied` or `invalid` that names the command, the key and what is missing. */
export function admit(known: KnownRecord, authority: Authority): void {
  const { record, signer } = known;
  if (record.machine !== authority.machine) {
    throw new Fault("denied", `${record.name}: it is for machine ${record.machine}, this one is ${authority.machine}`);
  }
  if (saysItself(known, authority)) return checkRevocation(known, authority);
  const allowance = allowanceIn(authority, signer.id);
  const [, name = ""] = record.name.split("/");
  const command = commandOf(known, authority.records);
  if (command === "own") {
    const { root, records } = authority;
    return checkOwnership(known, { root, isRevoked: (node) => isRevoked(records, node) });
  }
  const program = record.name.startsWith("program/") ? name : "";
  const refused = refusal(command, program, allowance);
  if (refused !== undefined) throw new Fault("denied", `key ${signer.id}: ${refused}`);
  if (record.body.case === "grant") checkGrant(known, allowance);
  if (kindOf(record.name) === "revoked") checkRevocation(known, authority);
  checkStacking(record);
}

/** A node that leaves, by its own key: that it is his, and his node, its certificate shows. */
function saysItself({ record: { body }, signer }: KnownRecord, { root }: Authority): boolean {
  if (body.case !== "revoked" || body.value.certificate === "") return false;
  if (root === undefined) throw new Fault("denied", "a node that leaves: this machine has no certificates");
  const { node, key } = leafOf(body.value.certificate, root);
  if (node !== body.value.node || key.id !== signer.id || body.value.key !== "")
    throw new Fault("denied", `node ${body.value.node.slice(0, 40)} has not said that it leaves: key ${signer.id} has`);
  return true;
}

/** What a key may here and now. */
export function allowanceIn({ founder, records, nowMs }: Authority, id: string): Allowance | undefined {
  if (isRevoked(records, id)) return undefined;
  return allowanceOf(id, { founder, grants: grantsIn(records), nowMs });
}

/** Those of keys that were not revoked; what a revoked key gave is not among them either. */
export function grantsIn(records: RecordSet): readonly GivenGrant[] {
  return records.all.flatMap(({ record: { name, body }, signer }) =>
    body.case === "grant" && !isRevoked(records, name.slice("grant/".length)) && !isRevoked(records, signer.id)
      ? [{ grant: body.value, by: signer.id }]
      : [],
  );
}

/** By what a record changes. `own`: no key's role is for that, controllers decide. */
export function commandOf({ record }: KnownRecord, records: RecordSet): Command | "own" {
  const { body } = record;
  switch (kindOf(record.name)) {
    case "program": {
      if (body.case !== "program") return "unload";
      const before = records.get(record.name)?.record.body;
      const was = before?.case === "program" ? before.value : undefined;
      if (body.value.running)
        return body.value.loaded.length > (was?.loaded.length ?? 0) && was?.running ? "load" : "start";
      return was?.running ? "stop" : "load";
    }
    case "variable":
      return "set";
    case "grant":
      return "grant";
    case "token":
      return "token";
    case "parent":
    case "child":
      return "stack";
    case "owner":
      return "own";
    default:
      return "revoke";
  }
}

function kindOf(name: string): string {
  return name.slice(0, name.indexOf("/"));
}

/** Who is out stays out: a stolen key that was operator must not be able to take its own revocation back. */
function checkRevocation({ record, signer }: KnownRecord, { founder }: Authority): void {
  const id = record.name.slice("revoked/".length);
  if (record.body.case !== "revoked")
    throw new Fault("denied", `${record.name}: a revocation is for good; let it join as another, or grant another key`);
  const { node, key } = record.body.value;
  if (node + key !== id || (node !== "" && key !== ""))
    throw new Fault("invalid", `${record.name}: it says something of '${(node + key).slice(0, 40)}'`);
  if (key !== "" && key === founder)
    throw new Fault("denied", `key ${founder} founded the machine; without it nobody could command`);
  if (key !== "" && key === signer.id)
    throw new Fault("denied", `key ${key} cannot revoke itself; another operator can`);
}

function checkGrant({ record, signer }: KnownRecord, giver: Allowance | undefined): void {
  if (record.body.case !== "grant" || giver === undefined) return;
  const { key, role, programs, expiresMs } = record.body.value;
  const id = publicKeyOf(key).id;
  if (record.name !== `grant/${keyIdOf(key).toString("hex")}`)
    throw new Fault("invalid", `${record.name}: it is of key ${id}`);
  if (!isRole(role)) throw new Fault("invalid", `'${role}' is no role; there are operator, deployer and observer`);
  if (!isWithin({ role, programs, expiresMs: Number(expiresMs) }, giver)) {
    throw new Fault("denied", `key ${signer.id} cannot give more than it has: role, programs and end only shrink`);
  }
}
