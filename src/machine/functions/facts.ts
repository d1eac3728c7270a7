// What a node tells a program of its own about the machine: members, its capabilities, and the variables that are for it.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "../../base/fault.ts";
import type { MachineFactsSchema } from "../../messages/gen/unum/machine/v1/functions_pb.ts";
import type { MachineNode } from "../machine-node.ts";
import { ancestorsOf } from "../stacking/links.ts";

export const CAPABILITY = "machine";

/** `program`: empty for the components folder, which is the operator's own. Throws the Fault `denied` where it was not granted. */
export function factsFor(machine: MachineNode, program: string): MessageInitShape<typeof MachineFactsSchema> {
  const { settings, peers } = machine;
  const granted = mustBeGranted(machine, program, "the machine's functions");
  const own = { node: settings.node, doors: [...settings.doors], controller: settings.controller, online: true };
  const others = peers.reports
    .filter(({ node }) => !machine.isRevoked(node))
    .map(({ node, doors, controller, machine: isMachine }) => {
      const offlineMs = peers.offlineMs(node);
      return { node, doors, controller, machine: isMachine, online: offlineMs === 0, offlineMs: BigInt(offlineMs) };
    });
  const variables = Object.fromEntries(
    variablesOf(machine).flatMap(({ name, value, programs }) =>
      isFor(program, programs) ? [[name, value] as const] : [],
    ),
  );
  const ancestors = [...ancestorsOf(machine)];
  return {
    ...{ machine: settings.machine, parent: ancestors[0] ?? "", ancestors, node: settings.node },
    ...{ members: [own, ...others], program, granted, variables },
  };
}

/** Throws the Fault `denied` where it is not for that program, `not-found` where there is none. */
export function variableFor(machine: MachineNode, program: string, name: string): { value: string } {
  mustBeGranted(machine, program, `variable '${name.slice(0, 64)}'`);
  const found = variablesOf(machine).find((variable) => variable.name === name);
  if (found === undefined)
    throw new Fault("not-found", `the machine has no variable '${name.slice(0, 64)}'; 'unum set' sets one`);
  if (isFor(program, found.programs)) return { value: found.value };
  throw new Fault(
    "denied",
    `variable '${name}' is for ${found.programs.join(", ")}, not for '${program}'; 'unum set ${name} VALUE --for ${program}' lets it read it`,
  );
}

function mustBeGranted(machine: MachineNode, program: string, what: string): string[] {
  if (program === "") return [CAPABILITY];
  const granted = [...(machine.program(program)?.granted ?? [])];
  if (granted.includes(CAPABILITY)) return granted;
  throw new Fault(
    "denied",
    `${what} needs the capability '${CAPABILITY}', which program '${program}' was not granted; it asks for it in program.json, and 'unum start' grants it with --grant`,
  );
}

function variablesOf({ records }: MachineNode) {
  return records.all.flatMap(({ record: { name, body } }) =>
    body.case === "variable"
      ? [{ name: name.slice("variable/".length), value: body.value.value, programs: body.value.programs }]
      : [],
  );
}

function isFor(program: string, programs: readonly string[]): boolean {
  return program === "" || programs.length === 0 || programs.includes(program);
}
