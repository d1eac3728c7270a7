// What may come in at an address: judged by the table of commands before anybody reads the request.

import { asError, Fault } from "../../base/fault.ts";
import type { Envelope } from "../../messages/envelope.ts";
import type { Address } from "../../transports/transport.ts";
import { allowanceIn } from "../controller/admission.ts";
import type { MachineNode } from "../machine-node.ts";
import { childGrants, isMachineName } from "../stacking/links.ts";
import { refusedAtContainer, refusedToMachine } from "../stacking/peer-guard.ts";
import { isOwn, ruleOf } from "./commands.ts";
import { refusal } from "./roles.ts";
import { CommandGate } from "./signed-command.ts";

/** Answers with the Fault that refuses a request; undefined lets it in. */
export type Admit = (address: Address, request: Envelope, peer: string | undefined) => Fault | undefined;

/** Looking changes nothing, and is not written down. */
const LOOKS = new Set(["status", "show", "audit"]);

/** At the door of a node that other computers reach. */
export function doorGuard(machine: MachineNode): Admit {
  const { machine: id, node, env } = machine.settings;
  const gate = new CommandGate({ machine: id, node }, () => env.clock.wallNow());
  return (address, request, peer) => {
    if (isMachineName(peer)) {
      const refused = refusedToMachine(peer, request, childGrants(machine.records));
      if (refused !== undefined) return refused;
    }
    const rule = isOwn(address) ? undefined : ruleOf(request.to);
    if (rule?.needs === "here") return new Fault("denied", `${request.to} is asked on its own computer only`);
    if (rule?.needs !== "role") return undefined;
    const { command } = rule;
    const what = `${command} node/${node}`;
    let who = "";
    try {
      const proved = gate.prove(request);
      const { key } = proved;
      who = key.id;
      gate.once(proved);
      const refused = refusal(command, "", allowanceIn(machine.authority, key.id));
      if (refused !== undefined) throw new Fault("denied", `key ${key.id}: ${refused}`);
      if (!LOOKS.has(command)) void machine.note({ who: key.id, what, verdict: "done", why: "" });
      return undefined;
    } catch (error) {
      const fault = error instanceof Fault ? error : new Fault("denied", asError(error).message);
      void machine.note({ who, what, verdict: "refused", why: fault.message });
      return new Fault(fault.code, `'${command}': ${fault.message}`);
    }
  };
}

/**
 * At a container's address for other computers: its components, and whether it lives. `machines`: what those that are nodes of
 * this one may call.
 */
export function containerGuard(machines: () => ReadonlyMap<string, readonly string[]>): Admit {
  return (address, request, peer) => {
    if (isMachineName(peer)) return refusedAtContainer(peer, request, machines());
    const needs = isOwn(address) ? undefined : ruleOf(request.to)?.needs;
    if (needs === undefined || needs === "node") return undefined;
    return new Fault("denied", `${request.to} is asked on its own computer only`);
  };
}
