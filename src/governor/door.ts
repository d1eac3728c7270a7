// The door of a node: the answers to unum.control.v1.Node.

import { isFieldSet, type MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "../base/fault.ts";
import type { LimitsChange } from "../capacity/limits.ts";
import { type Component, component } from "../container/component.ts";
import type { Member } from "../discovery/members.ts";
import { Door } from "../messages/gen/unum/control/v1/door_pb.ts";
import {
  type LimitsChange as AskedLimits,
  LimitsChangeSchema,
  Node,
  type NodeStatusSchema,
} from "../messages/gen/unum/control/v1/node_pb.ts";
import type { Governor } from "./governor.ts";
import type { Kept } from "./kept.ts";
import { ofCodeName, type Served } from "./served.ts";

/** How long a caller may wait for capacity. */
const LONGEST_WITHIN_MS = 600_000;

/** What of its messages a node shows. */
type Boxes = NonNullable<MessageInitShape<typeof NodeStatusSchema>["boxes"]>;

/** `drainNode`: ends the containers, and the governor after them. */
export function doorOf(
  governor: Governor,
  unum: string,
  pid: number,
  drainNode: (graceMs: number) => Promise<number>,
  boxes: () => Boxes,
): Component {
  return component(Node, {
    status: () => ({ ...statusOf(governor, unum, pid), boxes: boxes() }),
    find: () => governor.directory,
    demand: async ({ contract, range, withinMs, host }) => {
      const asked = { contract, range, host, withinMs: Math.min(withinMs, LONGEST_WITHIN_MS) };
      const { addresses, ring, reason } = await governor.demand(asked);
      return { addresses: [...addresses], ring, reason };
    },
    setLimits: async (change) => {
      governor.setLimits(changeOf(change));
      await governor.limitsKept();
      return limitsText(governor);
    },
    deploy: ({ force }) => governor.deploy(force),
    drain: async ({ container, graceMs }) => {
      if (container === "") return { left: await drainNode(graceMs) };
      const draining = governor.drainOne(container, graceMs, "an operator said so");
      if (draining === undefined)
        throw new Fault("not-found", `no container ${container} runs on ${governor.settings.id}`);
      return { left: await draining };
    },
  });
}

/** What other governors ask. */
export function peerDoorOf(governor: Governor): Component {
  return component(Door, {
    sync: (request) => governor.peers.answerSync(request),
    limitNetwork: (limit) => governor.limitNetwork(limit),
  });
}

function statusOf(governor: Governor, unum: string, pid: number) {
  const { id, folder, doors, logs, restarts } = governor.settings;
  return {
    ...{ id, folder, doors: [...doors], logs, unum, pid, governorRestarts: restarts },
    upMs: BigInt(Math.round(governor.upMs)),
    limits: limitsText(governor),
    containers: governor.containers.map((kept) => containerStatus(governor, kept)),
    problems: governor.problems.map((text) => ({ text, retryInMs: 0n })),
    digest: governor.served.folder?.code.digest ?? "",
    replacement: governor.served.folder?.replacing.text ?? "",
    replacing: governor.served.folder?.replacing.state,
    programs: governor.served.programs.map((served) => programStatus(governor, served)),
    peers: governor.peers.members.map((member) => peerStatus(governor, member)),
    events: governor.events.recent.map(({ atMs, level, text }) => ({ atMs: BigInt(Math.round(atMs)), level, text })),
  };
}

function programStatus({ containers, now }: Governor, served: Served) {
  const { name, code, target, replacing } = served;
  const serving = served.own(containers).filter(({ state, probed }) => state === "serving" && probed).length;
  const problems = [...served.problems(now)];
  return { name, ...archiveOf(code.digest), target, serving, problems, replacement: replacing.text };
}

function peerStatus(governor: Governor, { id, state, sinceMs, doors, entry }: Member) {
  return {
    ...{ id, state, doors: [...doors], containers: entry?.containers.length ?? 0 },
    sinceMs: BigInt(Math.max(0, Math.round(governor.now - sinceMs))),
  };
}

function containerStatus(governor: Governor, kept: Kept) {
  const limits = governor.served.limitsOf(kept);
  const { id, addresses, components, load, digest, program, suspected, reason, log, usage } = kept;
  return {
    ...{ id, addresses: [...addresses], components: [...components], load, program, log },
    ...archiveOf(digest),
    pid: kept.process.id.pid,
    state: suspected === undefined ? kept.state : "suspected",
    upMs: BigInt(Math.round(kept.upMs)),
    memoryBytes: BigInt(usage.memoryBytes),
    cpuPermille: usage.cpuPermille,
    memoryLimitBytes: BigInt(limits.memoryBytes),
    cpuLimitPermille: limits.cpuPermille,
    reason: suspected ?? reason,
  };
}

function archiveOf(code: string): { readonly digest: string } {
  const { digest } = ofCodeName(code);
  return { digest };
}

function limitsText({ limits, network }: Governor) {
  const { node, container, outbox } = limits;
  return {
    ...(network.containers === undefined ? {} : { networkContainers: network.containers }),
    ...(network.share === undefined ? {} : { share: network.share }),
    containers: node.containers,
    memoryBytes: BigInt(node.memoryBytes),
    containerMemoryBytes: BigInt(container.memoryBytes),
    spares: node.spares,
    inbox: container.inbox,
    concurrency: { ...container.concurrency },
    outboxMessages: outbox.messages,
    outboxBytes: BigInt(outbox.bytes),
  };
}

function changeOf(asked: AskedLimits): LimitsChange {
  const { field } = LimitsChangeSchema;
  const { containers, memoryBytes, containerMemoryBytes, spares, inbox, outboxMessages, outboxBytes } = asked;
  const concurrency = Object.fromEntries(
    Object.entries(asked.concurrency).map(([contract, wanted]) => [contract, wanted === 0 ? null : wanted]),
  );
  return {
    node: {
      ...(isFieldSet(asked, field.containers) ? { containers } : {}),
      ...(isFieldSet(asked, field.memoryBytes) ? { memoryBytes: Number(memoryBytes) } : {}),
      ...(isFieldSet(asked, field.spares) ? { spares } : {}),
    },
    container: {
      ...(isFieldSet(asked, field.containerMemoryBytes) ? { memoryBytes: Number(containerMemoryBytes) } : {}),
      ...(isFieldSet(asked, field.inbox) ? { inbox } : {}),
      concurrency,
    },
    outbox: {
      ...(isFieldSet(asked, field.outboxMessages) ? { messages: outboxMessages } : {}),
      ...(isFieldSet(asked, field.outboxBytes) ? { bytes: Number(outboxBytes) } : {}),
    },
    ...(asked.noNetworkLimit ? { network: { containers: null } } : {}),
    ...(isFieldSet(asked, field.networkContainers) ? { network: { containers: asked.networkContainers } } : {}),
  };
}
