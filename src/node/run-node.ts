// A node: its governor, its part in the network, and the door to it. The one entry for processes and for the simulator.

import { type Clock, sleep } from "../base/clock.ts";
import type { Datagrams } from "../base/datagrams.ts";
import type { Env } from "../base/env.ts";
import type { LogLevel } from "../base/log.ts";
import type { TlsSettings } from "../base/network.ts";
import type { SpawnSettings } from "../base/processes.ts";
import { ALONE } from "../governor/alone.ts";
import { doorOf, peerDoorOf } from "../governor/door.ts";
import { Events } from "../governor/events.ts";
import type { FleetParts } from "../governor/fleet-settings.ts";
import { Governor } from "../governor/governor.ts";
import type { GovernorSettings } from "../governor/governor-settings.ts";
import { Network, type NetworkSettings } from "../governor/network.ts";
import { networkFigures } from "../governor/network-figures.ts";
import { nodeFigures } from "../governor/node-figures.ts";
import { machineDoorOf } from "../machine/door.ts";
import { issuerRenewal, nodeRenewal } from "../machine/identity/renewal.ts";
import type { OwnCertificate } from "../machine/identity/renewing.ts";
import { MachineNode, type MachineSettings } from "../machine/machine-node.ts";
import { Neighbours } from "../machine/neighbours.ts";
import { outboxDoorOf } from "../machine/outbox/outbox-door.ts";
import { PostOffice } from "../machine/outbox/post-office.ts";
import { boxFigures, boxStatus } from "../machine/outbox/tally.ts";
import { doorGuard } from "../machine/privileges/door-guard.ts";
import type { BoxLimits } from "../outbox/box.ts";
import type { Family } from "../plugins/figures/family.ts";
import type { Address, Transport } from "../transports/transport.ts";
import { GatewayKeeper } from "./gateway-keeper.ts";
import { programHostOf, wayInOf } from "./program-host.ts";
import { runContainer } from "./run-container.ts";
import { VERSION } from "./version.ts";

export interface NodeSettings extends GovernorSettings {
  readonly env: Env;
  readonly parts: Pick<FleetParts, "disk" | "processes" | "resources">;
  /** Where the door listens. Default: where it is reached. */
  readonly listen?: readonly Address[];
  /** One for the door and one to the containers and to other doors. */
  readonly transport: () => Transport;
  /** Of this process, for people. */
  readonly pid: number;
  /** What this process has counted beside the governor. */
  readonly figures?: () => readonly Family[];
  /** The network it is part of; left out: it runs alone. Keys and certificates are values here, wherever they came from. */
  readonly network?: NetworkSettings & { readonly datagrams: Datagrams };
  /** Undefined for a node that is no part of a machine. */
  readonly machine?: Pick<
    MachineSettings,
    "folder" | "machine" | "controller" | "founder" | "seeds" | "joins" | "gossipKey" | "own" | "issue" | "issuing"
  > & {
    readonly joining?: Joining;
    /** What starts the gateway's process, where this machine is to be a node of another. */
    readonly gateway?: SpawnSettings;
  };
}

/** Lets other computers in, while the node runs. */
export interface Joining {
  serve(machine: MachineNode): Promise<OpenJoining>;
}

interface OpenJoining {
  /** From now on by this certificate. */
  speak(own: OwnCertificate): void;
  close(): Promise<void>;
}

export interface RunningNode {
  /** Settles when everything has ended, by `drain` or by a command. */
  readonly closed: Promise<void>;
  /** Ends the containers after their calls, then the node. Settles with the calls that were left. */
  drain(graceMs: number): Promise<number>;
  /** Its own and its containers'. */
  figures(): Promise<readonly Family[]>;
  /** Into its log and its events. */
  say(level: LogLevel, text: string): void;
}

export async function runNode(settings: NodeSettings): Promise<RunningNode> {
  const { env, parts, network } = settings;
  const { id, host, run, doors } = settings;
  const transport = settings.transport();
  const events = new Events(env.clock, env.log);
  const peers =
    network === undefined
      ? undefined
      : new Network(
          network,
          { env, disk: parts.disk, datagrams: network.datagrams, transport, events },
          { ...{ id, host, run, doors, unum: VERSION }, limits: () => governor.limits },
        );
  const governor = new Governor(settings, { env, ...parts, transport, events, peers: peers ?? ALONE });
  const machine = settings.machine && machineOf(settings, settings.machine, governor);
  const neighbours = machine && new Neighbours(machine, settings.transport());
  const gateway =
    machine && new GatewayKeeper({ ...{ machine, governor, clock: env.clock }, ...gatewayParts(settings) });
  const office =
    machine &&
    new PostOffice({
      machine,
      transport: settings.transport(),
      wayIn: wayInOf(governor),
      limits: boxLimitsOf(governor),
    });
  let joining: OpenJoining | undefined;
  if (machine !== undefined && office !== undefined) {
    machine.boxes = () => office.boxes;
    machine.onWithdrawn = (contracts) => void office.purge(contracts);
    let tls: TlsSettings | undefined;
    machine.onRenewed = ({ key, cert, root }) => {
      machine.own = { key, cert, root };
      tls = { key, cert, ca: root };
      env.network.ruleTls?.({ barred: [...machine.barred], own: tls });
      governor.secure({ tls });
      joining?.speak({ key, cert, root });
    };
    machine.onBarred = (nodes) => {
      void office.forget(nodes);
      env.network.ruleTls?.({ barred: [...nodes], ...(tls === undefined ? {} : { own: tls }) });
      governor.secure({ barred: [...nodes] });
      peers?.bar(nodes);
    };
    governor.onFenced((container, fenced) => {
      for (const { program, epoch, known, to, count } of fenced)
        void machine.note({
          ...{ who: `owner of ${program}, epoch ${epoch}`, what: to, verdict: "refused" },
          why: `${count} at container ${container}: epoch ${known} is known`,
        });
    });
    machine.onChildren = (machines) => governor.secure({ machines });
    machine.onGossipKeys = (keys) => peers?.rekey(keys);
    await machine.open();
  }
  const renewals =
    machine === undefined || neighbours === undefined
      ? []
      : [
          nodeRenewal(machine, (asked) => neighbours.renew(asked)),
          issuerRenewal(machine, (asked) => neighbours.renewIssuer(asked)),
        ];
  let draining: Promise<number> | undefined;
  const drain = (graceMs: number) => {
    machine?.close();
    for (const renewal of renewals) renewal.close();
    void neighbours?.close();
    void office?.close();
    void joining?.close();
    // Before its door closes: what the gateway announces ends with it.
    draining ??= Promise.all([governor.drain(graceMs), gateway?.close()])
      .then(([left]) => left)
      .finally(() => door.drain(0));
    return draining;
  };
  // The door listens before anything is taken over: two governors of one folder would end each other's containers.
  const door = await runContainer({
    ...{ env, id, components: [], listen: settings.listen ?? doors },
    transports: [settings.transport()],
    ...(machine?.settings.gossipKey === undefined ? {} : { admit: doorGuard(machine) }),
    control: () => [
      doorOf(governor, VERSION, settings.pid, drain, () => (office?.boxes ?? []).map(boxStatus)),
      peerDoorOf(governor),
      ...(machine === undefined ? [] : [machineDoorOf(machine)]),
      ...(office === undefined ? [] : [outboxDoorOf(office, id)]),
      ...(gateway === undefined ? [] : [gateway.component]),
    ],
  });
  await governor.start();
  await machine?.start();
  await office?.start();
  if (peers !== undefined) await takenOver(governor, env.clock);
  await peers?.start(governor.own);
  neighbours?.start();
  for (const renewal of renewals) renewal.start();
  gateway?.start();
  joining = machine && (await settings.machine?.joining?.serve(machine));
  const closed = door.closed.then(() => transport.close());
  return {
    closed,
    drain,
    figures: () => {
      const stats = peers?.stats;
      return nodeFigures(governor, [
        ...(stats === undefined ? [] : networkFigures(stats)),
        ...boxFigures(office?.boxes ?? []),
        ...(settings.figures?.() ?? []),
      ]);
    },
    say: (level, text) => governor.events.say(level, text),
  };
}

/** As they are when they are looked at: they may be changed meanwhile. */
function boxLimitsOf(governor: Governor): BoxLimits {
  return {
    get items() {
      return governor.limits.outbox.messages;
    },
    get bytes() {
      return governor.limits.outbox.bytes;
    },
  };
}

function gatewayParts({ parts, machine }: NodeSettings) {
  return { processes: parts.processes, process: machine?.gateway };
}

function machineOf(
  { env, parts, id, doors }: NodeSettings,
  machine: NonNullable<NodeSettings["machine"]>,
  governor: Governor,
): MachineNode {
  // A socket of this computer is no way for others.
  const told = doors.filter((door) => !door.startsWith("ipc:"));
  return new MachineNode({ ...machine, env, disk: parts.disk, node: id, doors: told, host: programHostOf(governor) });
}

/** How long containers that were taken over may take to answer before other nodes are told of this one. */
const TAKE_OVER_MS = 1_000;
const AGAIN_MS = 25;

/** Settles when those that an earlier governor left have said what they serve, or have had their time for it. */
async function takenOver(governor: Governor, clock: Clock): Promise<void> {
  const until = clock.now() + TAKE_OVER_MS;
  const isComing = () => governor.containers.some(({ state, digest }) => state === "starting" && digest !== "");
  while (isComing() && clock.now() < until) await sleep(clock, AGAIN_MS);
}
