// What a confined cell may ask its container for, each by the capability that it was granted.

import { type DescMethod, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Fault } from "../../base/fault.ts";
import { registryOf } from "../../messages/schema.ts";
import type { Call } from "../call.ts";
import type { CellFrame } from "./frames.ts";
import { isGranted } from "./granted.ts";

export type Answer = (ask: CellFrame, call: Call) => Promise<Uint8Array>;

/** Throws the Fault `denied` that names the capability that is missing. */
export function brokerOf(granted: readonly string[]): Answer {
  return ({ head, body }, call) => {
    const path = String(head["path"]);
    const contract = path.slice(0, path.lastIndexOf("/"));
    if (!isGranted("send", contract, granted)) throw missing(`a call to ${path}`, `send=${contract}`);
    return callFor(call, path, head, body);
  };
}

/** In the name of the call that the cell works on: its ttl, its scope, its chain. */
async function callFor(call: Call, path: string, head: CellFrame["head"], body: Uint8Array): Promise<Uint8Array> {
  const size = Number(head["schema"]);
  const registry = registryOf(fromBinary(FileDescriptorSetSchema, body.subarray(0, size)));
  const contract = path.slice(0, path.lastIndexOf("/"));
  const method = registry.getService(contract)?.methods.find(({ name }) => path === `${contract}/${name}`);
  if (method === undefined || method.methodKind !== "unary")
    throw new Fault("invalid", `${path} is no method with one answer`);
  const options = { ttlMs: positive(head["ttlMs"]), withinMs: positive(head["withinMs"]) };
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  // Narrowed above; the union of methods does not carry it.
  const unary = method as DescMethod & { methodKind: "unary" };
  const { durable, key } = head;
  if (typeof durable === "object" && durable !== null) {
    const { node, supersede } = durable as Record<string, unknown>;
    const kept = { node: String(node), ...(supersede === undefined ? {} : { supersede: String(supersede) }) };
    const named = typeof key === "string" ? { idempotencyKey: key } : {};
    await call.send(unary, fromBinary(method.input, body.subarray(size)), { ...given, ...named, durable: kept });
    return new Uint8Array();
  }
  return toBinary(method.output, await call.call(unary, fromBinary(method.input, body.subarray(size)), given));
}

export function missing(what: string, capability: string): Fault {
  return new Fault(
    "denied",
    `${what} needs the capability '${capability}', which this program was not granted; it asks for it in program.json, and 'unum start' grants it with --grant`,
  );
}

function positive(value: unknown): number | undefined {
  return typeof value === "number" && value > 0 ? value : undefined;
}
