// A node leaves the machine: it says so by its own key, and goes when another has heard it.
//
//   signed by the node ──▶ taken here ──▶ told to the others ──▶ they take it, answer, and then bar its certificate
//
// Invariants
//   L1. Nobody can say it for another node: the word is signed by the key of the certificate that it carries.
//   L2. Unless it is told otherwise it does not go unheard, nor where others' certificates would go with it.

import { Fault } from "../base/fault.ts";
import { readSigningKey } from "./keys/signing-key.ts";
import type { MachineNode } from "./machine-node.ts";
import { readRecord, signRecord } from "./records/signed-record.ts";

/** Answers with the nodes that heard it. Throws the Fault `denied` or `invalid` that says what is in the way. */
export async function leave(machine: MachineNode, { force }: { readonly force: boolean }): Promise<readonly string[]> {
  const { own } = machine;
  const { node, machine: id, controller } = machine.settings;
  const others = machine.peers.reports.filter((report) => !machine.isRevoked(report.node));
  if (own === undefined)
    throw new Fault("invalid", `node ${node} is the only one of machine ${id}; 'unum down' ends it`);
  if (controller && !force) {
    throw new Fault(
      "denied",
      `node ${node} is a controller: those that it let in have certificates that it signed, and would be out with it; --force leaves all the same`,
    );
  }
  if (others.length === 0 && !force)
    throw new Fault(
      "denied",
      `node ${node} has heard of no other node, so nobody would know; --force leaves all the same`,
    );
  const name = `revoked/${node}`;
  const revoked = { node, key: "", reason: "it left", certificate: own.cert };
  const body = { case: "revoked", value: revoked } as const;
  const history = [...machine.records.historyFor(name)];
  const counter = machine.records.counter + 1n;
  const record = signRecord({ machine: id, name, counter, history, body }, readSigningKey(own.key));
  const told = await machine.tell(record);
  if (told.length === 0 && !force) {
    throw new Fault(
      "denied",
      `none of ${others.length} other nodes heard it; try again when one answers, or --force, and let an operator say 'unum revoke ${node}' there`,
    );
  }
  await machine.take(readRecord(record)).catch(() => {});
  return told;
}
