// What a machine that is a node of this one may ask here, known by the certificate that it shows.
//
//   at doors        what nodes tell each other of who is there and of records, in its own name; capacity for what it may call
//   at containers   the contracts that an operator of this machine lets it call
//
// Invariants
//   V1. What no row names is refused, and so is everything to a machine that this one knows of no grant for.
//   V2. It speaks for itself only: for no other node, and no limit, command or question about the machine comes from it.

import { Fault } from "../../base/fault.ts";
import { contractOf, isControl, isNamed } from "../../gateway/named.ts";
import { bodyMessage } from "../../messages/body.ts";
import type { Envelope } from "../../messages/envelope.ts";
import { DemandRequestSchema } from "../../messages/gen/unum/control/v1/node_pb.ts";
import { ExchangeRequestSchema } from "../../messages/gen/unum/machine/v1/machine_pb.ts";

type Grants = ReadonlyMap<string, readonly string[]>;

const PING = "unum.control.v1.Container/Ping";
/** As any node, it sees what is served. */
const DESCRIBE = "unum.control.v1.Container/Describe";

/** At a door. Undefined lets it in, to be judged as a node's is. */
export function refusedToMachine(peer: string, request: Envelope, grants: Grants): Fault | undefined {
  const calls = grants.get(peer);
  if (calls === undefined) return unknown(peer);
  try {
    switch (request.to) {
      case PING:
      case "unum.control.v1.Door/Sync":
      case "unum.machine.v1.Machine/GetArchive":
      // Whose certificate it is for stands in what is asked, under the key of the present one.
      case "unum.machine.v1.Machine/Renew":
        return undefined;
      case "unum.machine.v1.Machine/Exchange": {
        // What crosses computers is bytes, which may be read again.
        const { node } = bodyMessage(request.value ?? EMPTY, ExchangeRequestSchema);
        return node === peer ? undefined : denied(`machine ${peer} speaks in the name of node ${node.slice(0, 64)}`);
      }
      case "unum.control.v1.Node/Demand":
        return notGranted(peer, bodyMessage(request.value ?? EMPTY, DemandRequestSchema).contract, calls);
      default:
        return denied(`${request.to} is not asked by a machine that is a node`);
    }
  } catch (cause) {
    return new Fault("invalid", `${request.to} of machine ${peer} cannot be read`, { cause });
  }
}

/** At a container's address. */
export function refusedAtContainer(peer: string, { to }: Envelope, grants: Grants): Fault | undefined {
  const calls = grants.get(peer);
  if (calls === undefined) return unknown(peer);
  if (to === PING || to === DESCRIBE) return undefined;
  return notGranted(peer, contractOf(to), calls);
}

function notGranted(peer: string, contract: string, calls: readonly string[]): Fault | undefined {
  if (!isControl(contract) && isNamed(contract, calls)) return undefined;
  const list = calls.length === 0 ? "nothing" : calls.join(", ");
  return denied(`machine ${peer} may call ${list} here, and not ${contract.slice(0, 200)}`);
}

function unknown(peer: string): Fault {
  return denied(`machine ${peer} may nothing here; 'unum token --machine ${peer} --calls …' says what it may`);
}

function denied(why: string): Fault {
  return new Fault("denied", why);
}

const EMPTY = new Uint8Array();
