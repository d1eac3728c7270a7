// The machine as it is shown: machine functions for people, commands and programs.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type MachineView,
  MachineViewSchema,
  type ParentViewSchema,
  type ProgramAtNode,
  type ProgramViewSchema,
} from "../messages/gen/unum/machine/v1/machine_pb.ts";
import type { ProgramWanted } from "../messages/gen/unum/machine/v1/record_pb.ts";
import { grantsIn } from "./controller/admission.ts";
import { hasLeft } from "./controller/revoked.ts";
import { keyIdOf } from "./keys/signing-key.ts";
import { stateOverNodes } from "./life/life.ts";
import type { MachineNode } from "./machine-node.ts";
import { boxView } from "./outbox/tally.ts";
import { keeperTrouble } from "./ownership/lost-keepers.ts";
import { ownerIn } from "./ownership/ownership.ts";
import { ancestorsOf, childGrants, parentLink } from "./stacking/links.ts";

export function viewOf(machine: MachineNode): MachineView {
  const { records, settings } = machine;
  return create(MachineViewSchema, {
    ...{ machine: settings.machine, node: settings.node, controller: settings.controller, counter: records.counter },
    ...{ founder: settings.founder.raw, conflicts: records.conflicts.map(({ text }) => text) },
    ...{ joinsAt: settings.joins?.at ?? "", root: settings.joins?.root ?? "" },
    ancestors: [...ancestorsOf(machine)],
    ...linkOf(machine),
    lost: records.conflicts.map(({ name, by, digest, against }) => ({ name, by, digest, against })),
    boxes: machine.boxes().map(boxView),
    programs: programsOf(machine),
    nodes: nodesOf(machine),
    variables: records.all.flatMap(({ record: { name, body } }) =>
      body.case === "variable"
        ? [{ value: body.value.value, programs: body.value.programs, name: name.slice("variable/".length) }]
        : [],
    ),
    grants: grantsIn(records).map(({ grant, by }) => {
      const { role, programs, expiresMs, label } = grant;
      return { key: keyIdOf(grant.key).toString("hex"), role, programs, expiresMs, label, by };
    }),
  });
}

function linkOf({ records, gateway, settings }: MachineNode): {
  parent: string;
  link?: MessageInitShape<typeof ParentViewSchema>;
} {
  const link = parentLink(records);
  if (link === undefined) return { parent: "" };
  const { machine, node, key, exports, calls, capabilities, trusted } = link;
  const id = keyIdOf(key).toString("hex");
  const { state, problems } = node === settings.node ? gateway() : { state: "", problems: [] };
  const said = { machine, node, key: id, exports, calls, capabilities, trusted };
  return { parent: machine, link: { ...said, state, problems: [...problems] } };
}

function programsOf(machine: MachineNode): MessageInitShape<typeof ProgramViewSchema>[] {
  const { records, peers } = machine;
  const at: readonly ProgramAtNode[] = [
    ...machine.programs,
    ...peers.reports
      .filter(({ node }) => !machine.isRevoked(node) && peers.offlineMs(node) === 0)
      .flatMap(({ programs }) => programs),
  ];
  const wanted = records.all.flatMap(({ record: { name, body } }) =>
    body.case === "program" ? [{ name: name.slice("program/".length), wanted: body.value }] : [],
  );
  const leaving = [...new Set(at.map(({ program }) => program))].filter(
    (name) =>
      !wanted.some((each) => each.name === name) &&
      at.some((each) => each.program === name && each.state !== "unloaded"),
  );
  const present = wanted.map(({ name, wanted: program }) => {
    const nodes = at.filter((each) => each.program === name);
    const { digest, running, loaded, granted } = program;
    const version = loaded.find((each) => each.digest === digest)?.version ?? loaded.at(-1)?.version ?? "";
    return {
      name,
      version,
      digest,
      running,
      loaded,
      granted,
      nodes,
      by: records.get(`program/${name}`)?.signer.id ?? "",
      wanted: program,
      state: stateOverNodes(nodes.map(({ state }) => state)),
      ...ownerView(machine, name),
      problems: problemsOf(machine, name, program),
    };
  });
  const going = leaving.map((name) => {
    const nodes = at.filter((each) => each.program === name);
    return { name, nodes, state: stateOverNodes(nodes.map(({ state }) => state)) };
  });
  return [...present, ...going].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function problemsOf(machine: MachineNode, name: string, { running, keepers, nodes }: ProgramWanted): string[] {
  if (!running) return [];
  const all = nodesOf(machine);
  const isGone = (id: string) => all.find((each) => each.id === id)?.revoked !== false;
  const isOwned = machine.owners.standing(name) !== undefined;
  const trouble = isOwned
    ? keeperTrouble(
        name,
        keepers,
        all.filter(({ controller }) => controller),
      )
    : undefined;
  return [
    ...(trouble === undefined ? [] : [trouble]),
    ...(nodes.length > 0 && nodes.every(isGone)
      ? [
          `none of the nodes that it is to run on is part of the machine any more; 'unum start ${name} --on NODE' names others`,
        ]
      : []),
  ];
}

function ownerView({ records, owners }: MachineNode, program: string) {
  const owner = owners.standing(program) === undefined ? undefined : ownerIn(records, program);
  return owner === undefined ? {} : { owner: { ...owner, epoch: BigInt(owner.epoch) } };
}

function nodesOf(machine: MachineNode) {
  const { peers, settings, records } = machine;
  const grants = childGrants(records);
  const own = {
    ...{ id: settings.node, doors: [...settings.doors], controller: settings.controller, online: true },
    ...{ offlineMs: 0n, revoked: machine.isRevoked(settings.node), left: hasLeft(records, settings.node) },
    ...{ machine: settings.isMachine === true, calls: [] },
  };
  const others = peers.reports.map(({ node: id, doors, controller, machine: isMachine }) => {
    const offlineMs = peers.offlineMs(id);
    return {
      id,
      doors,
      controller,
      online: offlineMs === 0,
      offlineMs: BigInt(offlineMs),
      revoked: machine.isRevoked(id),
      left: hasLeft(records, id),
      machine: isMachine,
      calls: isMachine ? [...(grants.get(id) ?? [])] : [],
    };
  });
  return [own, ...others];
}
