// Every question that a door or a container answers, and what who asks it needs: the one table that is checked by.
//
//   over a socket of this computer   its owner asks, who could end the processes as well: no key is needed, but for records
//   over TLS from another computer   `role`: signed by a key of that role · `node`: any node of the machine · `here`: refused
//
// What is in no row is refused from outside.

import type { Command } from "./roles.ts";

export type Rule =
  | { readonly needs: "role"; readonly command: Command }
  /** What is handed in carries its signature itself: records, archives. */
  | { readonly needs: "signed" }
  /** Nodes among themselves, and their callers: who came in by mutual TLS. */
  | { readonly needs: "node" }
  /** Only its own computer. */
  | { readonly needs: "here" };

const NODE: Rule = { needs: "node" };
const HERE: Rule = { needs: "here" };
const SIGNED: Rule = { needs: "signed" };
const role = (command: Command): Rule => ({ needs: "role", command });

/** By path, `CONTRACT/METHOD`. */
export const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["unum.control.v1.Node/Status", role("status")],
  ["unum.control.v1.Node/Find", NODE],
  ["unum.control.v1.Node/Demand", NODE],
  ["unum.control.v1.Node/SetLimits", role("limits")],
  ["unum.control.v1.Node/Deploy", role("deploy")],
  ["unum.control.v1.Node/Drain", role("drain")],
  ["unum.control.v1.Door/Sync", NODE],
  ["unum.control.v1.Door/LimitNetwork", NODE],
  ["unum.control.v1.Container/Ping", NODE],
  ["unum.control.v1.Container/Describe", NODE],
  ["unum.control.v1.Container/Drain", HERE],
  ["unum.control.v1.Container/SetLimits", HERE],
  ["unum.control.v1.Governed/Renew", HERE],
  ["unum.control.v1.Governed/Assign", HERE],
  ["unum.control.v1.Governed/SetDirectory", HERE],
  ["unum.control.v1.Governed/Listen", HERE],
  ["unum.control.v1.Governed/SetConcurrency", HERE],
  ["unum.control.v1.Governed/Deliver", HERE],
  ["unum.control.v1.Governed/Figures", HERE],
  ["unum.control.v1.GatewayKeeper/Announce", HERE],
  ["unum.machine.v1.Machine/Head", NODE],
  ["unum.machine.v1.Machine/Show", role("show")],
  ["unum.machine.v1.Machine/Audit", role("audit")],
  ["unum.machine.v1.Machine/Propose", SIGNED],
  ["unum.machine.v1.Machine/PutArchive", SIGNED],
  ["unum.machine.v1.Machine/GetArchive", NODE],
  ["unum.machine.v1.Machine/Exchange", NODE],
  ["unum.machine.v1.Machine/Hold", NODE],
  ["unum.machine.v1.Machine/Vote", NODE],
  ["unum.machine.v1.Machine/Leave", HERE],
  ["unum.machine.v1.Machine/Renew", NODE],
  ["unum.machine.v1.Machine/RenewIssuer", NODE],
  ["unum.machine.v1.Machine/Facts", HERE],
  ["unum.machine.v1.Machine/Variable", HERE],
  ["unum.machine.v1.Outbox/Keep", NODE],
  ["unum.machine.v1.Outbox/HandOver", NODE],
  ["unum.machine.v1.Functions/Describe", HERE],
  ["unum.machine.v1.Functions/Variable", HERE],
  ["unum.machine.v1.Store/Get", HERE],
  ["unum.machine.v1.Store/Put", HERE],
  ["unum.machine.v1.Store/Remove", HERE],
  ["unum.machine.v1.Store/Keys", HERE],
  ["unum.machine.v1.Store/Watch", HERE],
  ["unum.machine.v1.Timer/Set", HERE],
  ["unum.machine.v1.Timer/Cancel", HERE],
]);

const CONTROL = /^unum\.(?:control|machine)\./;

/** Undefined for what components answer: that is for contracts and programs to say. */
export function ruleOf(path: string): Rule | undefined {
  return RULES.get(path) ?? (CONTROL.test(path) ? HERE : undefined);
}

/** A socket of this computer, whose folder is its owner's alone. */
export function isOwn(address: string): boolean {
  return address.startsWith("ipc:") || address.startsWith("direct:");
}
