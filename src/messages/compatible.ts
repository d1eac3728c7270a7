// What a new version of a contract changes for callers that run with the old one.
//
// Every change is judged in the direction in which it travels: a request is written by the old contract and read by the new
// one, a reply the other way round. The rules are those that buf names WIRE and WIRE_JSON, and stricter in one thing: a
// number that arrives as another number breaks its reader, though its bytes can be read.

import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { FileDescriptorSet } from "@bufbuild/protobuf/wkt";
import { MessageComparison } from "./compatible-messages.ts";
import { type ContractChange, Findings } from "./contract-change.ts";
import { type Mode, ModeSchema } from "./gen/unum/v1/options_pb.ts";
import { modeOf } from "./mode.ts";
import { registryOf } from "./schema.ts";

/** The worst first. `after` undefined: the contract is gone. */
export function contractChanges(before: DescService, after: DescService | undefined): ContractChange[] {
  const found = new Findings();
  compareContracts(before, after, found);
  return found.sorted();
}

/**
 * Of these contracts, as two containers describe themselves; a schema also holds contracts that nobody serves.
 * One that `before` does not have is new. Throws the Fault `invalid` where a schema contradicts itself.
 */
export function schemaChanges(
  before: FileDescriptorSet,
  after: FileDescriptorSet,
  contracts: Iterable<string>,
): ContractChange[] {
  const [old, present] = [registryOf(before), registryOf(after)];
  const found = new Findings();
  for (const name of new Set(contracts)) {
    const contract = old.getService(name);
    if (contract !== undefined) compareContracts(contract, present.getService(name), found);
    else found.add("new", { message: name, field: "", what: `${name} is new`, breaks: "nothing" });
  }
  return found.sorted();
}

function compareContracts(before: DescService, after: DescService | undefined, found: Findings): void {
  const contract = before.typeName;
  if (after === undefined) {
    return found.add("gone", { message: contract, field: "", what: `${contract} is gone`, breaks: "wire" });
  }
  const messages = new MessageComparison(found);
  for (const method of before.methods) {
    const next = after.methods.find(({ name }) => name === method.name);
    const path = `${contract}/${method.name}`;
    if (next === undefined) {
      found.add("gone", { message: contract, field: method.name, what: `${path} is gone`, breaks: "wire" });
      continue;
    }
    compareMode(method, next, found);
    for (const side of ["input", "output"] as const) {
      const [old, now] = [method[side], next[side]];
      if (old.typeName !== now.typeName) {
        const does = side === "input" ? "takes" : "answers with";
        const what = `${path} ${does} ${now.typeName}, before ${old.typeName}`;
        found.add(side, { message: contract, field: method.name, what, breaks: "wire" });
      }
      messages.compare(old, now, side === "input" ? "request" : "reply");
    }
  }
  for (const { name } of after.methods) {
    if (before.methods.some((method) => method.name === name)) continue;
    found.add("new", { message: contract, field: name, what: `${contract}/${name} is new`, breaks: "nothing" });
  }
}

function compareMode(before: DescMethod, after: DescMethod, found: Findings): void {
  const [old, now] = [modeOf(before), modeOf(after)];
  if (old === now) return;
  const name = (mode: Mode) => ModeSchema.value[mode]?.name ?? String(mode);
  const { typeName } = before.parent;
  const what = `${typeName}/${before.name} is ${name(now)}, before ${name(old)}`;
  found.add("mode", { message: typeName, field: before.name, what, breaks: "wire" });
}
