// A gateway's parent's side: a member of the parent's network and a keeper of the parent's records, as any node there is, with
// a door that answers less than a node's.

import { create } from "@bufbuild/protobuf";
import { Fault } from "../base/fault.ts";
import type { NodeEntry } from "../capacity/directory.ts";
import { DirectoryFinder } from "../capacity/directory-finder.ts";
import { nodeEntryOf } from "../capacity/directory-wire.ts";
import { defaultLimits } from "../capacity/limits.ts";
import { type Component, component } from "../container/component.ts";
import { Capacity, type Found } from "../gateway/capacity.ts";
import { describingOf } from "../gateway/describing.ts";
import { contractOf, isControl, isNamed } from "../gateway/named.ts";
import { type Picture, pictureOf } from "../gateway/picture.ts";
import { Events } from "../governor/events.ts";
import { Network } from "../governor/network.ts";
import { machineDoorOf } from "../machine/door.ts";
import { nodeRenewal, type Renewal } from "../machine/identity/renewal.ts";
import type { OwnCertificate } from "../machine/identity/renewing.ts";
import { MachineNode } from "../machine/machine-node.ts";
import { Neighbours } from "../machine/neighbours.ts";
import type { ArchiveFolder } from "../machine/programs/archive-folder.ts";
import { ancestorsOf, childGrants, isMachineName, upToCircle } from "../machine/stacking/links.ts";
import type { ParentCommands } from "../machine/stacking/parent-commands.ts";
import type { Envelope } from "../messages/envelope.ts";
import { Door } from "../messages/gen/unum/control/v1/door_pb.ts";
import {
  ContainerState,
  type DirectoryNode,
  DirectoryNodeSchema,
} from "../messages/gen/unum/control/v1/governed_pb.ts";
import { Node } from "../messages/gen/unum/control/v1/node_pb.ts";
import type { Receive, Transport } from "../transports/transport.ts";
import { type RunningContainer, runContainer } from "./run-container.ts";
import type { GatewaySettings } from "./run-gateway.ts";
import { VERSION } from "./version.ts";

export interface OutsideParts {
  /** Of the gateway. */
  readonly id: string;
  /** To the parent's nodes. Closed with this. */
  readonly transport: Transport;
  readonly commands: ParentCommands;
  readonly inwards: Receive;
  /** What of this machine may be called. */
  readonly describing: Component;
  /** Why calls of the contract do not come in; undefined where they do. */
  readonly mayEnter: (contract: string) => Fault | undefined;
  /** More of it in this machine. */
  readonly capacity: (contract: string, range: string, withinMs: number) => Promise<Found>;
  readonly barredChanged: () => void;
  /** The parent has signed another certificate of this machine. */
  readonly renewed: (own: OwnCertificate) => void;
}

/** What a node of the parent may ask at this door besides calls. */
const ANSWERED = new Set([
  "unum.control.v1.Container/Ping",
  "unum.control.v1.Container/Describe",
  "unum.control.v1.Door/Sync",
  "unum.control.v1.Node/Demand",
  "unum.machine.v1.Machine/Exchange",
  "unum.machine.v1.Machine/GetArchive",
]);
const LONGEST_WITHIN_MS = 600_000;
/** Also on one computer it comes by TLS: who it is, and so what it may, is known by its certificate alone. */
const NOWHERE = "";
/** It has none of its own; what is told is this machine's. */
const NO_LIMITS = defaultLimits({ cpus: 1, memoryBytes: 2 ** 30 });

export class GatewayOutside {
  readonly finder: DirectoryFinder;
  readonly capacity: Capacity;
  readonly #settings: GatewaySettings;
  readonly #parts: OutsideParts;
  readonly #network: Network;
  readonly #machine: MachineNode;
  readonly #neighbours: Neighbours;
  readonly #renewal: Renewal;
  #door: RunningContainer | undefined;
  #nodes: readonly NodeEntry[] = [];
  #isOpen = false;
  #barred: readonly string[] = [];

  constructor(settings: GatewaySettings, parts: OutsideParts) {
    const { env, disk, datagrams, machine, folder, outside } = settings;
    this.#settings = settings;
    this.#parts = parts;
    this.finder = new DirectoryFinder({ random: env.random, self: { node: undefined, host: NOWHERE } });
    this.capacity = new Capacity({ env, transport: parts.transport, finder: this.finder });
    const { gossip, seeds, gossipKey, founder, open } = outside;
    this.#network = new Network(
      { gossip, seeds, key: gossipKey },
      { env, disk, datagrams, transport: parts.transport, events: new Events(env.clock, env.log) },
      {
        ...{ id: machine, host: NOWHERE, run: `${folder}/run`, doors: [open], unum: VERSION },
        limits: () => NO_LIMITS,
      },
    );
    this.#machine = new MachineNode({
      ...{ env, disk, folder, machine: outside.machine, node: machine, doors: [open], founder },
      ...{ controller: false, isMachine: true, host: parts.commands, gossipKey, own: outside.own },
      seeds: seeds.map((seed) => `tls://${seed}`),
    });
    this.#neighbours = new Neighbours(this.#machine, outside.transport());
    this.#renewal = nodeRenewal(this.#machine, (asked) => this.#neighbours.renew(asked));
    this.#machine.onRenewed = (own) => {
      this.#machine.own = own;
      parts.renewed(own);
    };
    this.#machine.onGossipKeys = (keys) => this.#network.rekey(keys);
    this.#machine.onBarred = (nodes) => {
      this.#barred = [...nodes];
      this.#network.bar(nodes);
      parts.barredChanged();
    };
    this.#network.onChange(() => this.#changed());
  }

  get archives(): ArchiveFolder | undefined {
    return this.#isOpen ? this.#machine.archives : undefined;
  }

  /** The parent, its parent and so on. */
  get ancestors(): readonly string[] {
    return upToCircle(this.#settings.machine, [this.#settings.outside.machine, ...ancestorsOf(this.#machine)]);
  }

  /** Contracts that the parent lets this machine call. */
  get granted(): readonly string[] {
    return childGrants(this.#machine.records).get(this.#settings.machine) ?? [];
  }

  get barred(): readonly string[] {
    return this.#barred;
  }

  /** No node of the parent is heard. */
  get isCutOff(): boolean {
    return this.#nodes.length === 0;
  }

  /** What of the parent may be called: `calls` by this machine's word, and by the parent's. */
  describing(id: string, calls: () => readonly string[], free: () => number): Component {
    const { env } = this.#settings;
    return describingOf({
      ...{ env, id, unum: VERSION, host: NOWHERE, transport: this.#parts.transport, nodes: () => this.#nodes, free },
      passes: () => [calls(), this.granted],
    });
  }

  picture(passes: readonly (readonly string[])[]): Picture {
    return pictureOf(this.#nodes, passes);
  }

  async open(): Promise<void> {
    const { disk, folder, env, outside } = this.#settings;
    await disk.makeFolder(`${folder}/run`);
    await this.#machine.open();
    this.#isOpen = true;
    this.#door = await runContainer({
      ...{ env, id: this.#parts.id, components: [], listen: [outside.open], transports: [outside.transport()] },
      admit: (_, request, peer) => this.#refused(request, peer),
      handOn: (_, { to }) => (isControl(to) ? undefined : this.#parts.inwards),
      control: () => [this.#parts.describing, this.#nodeDoor, this.#peerDoor, machineDoorOf(this.#machine)],
    });
  }

  async start(picture: Picture): Promise<void> {
    await this.#machine.start();
    await this.#network.start(this.#entry(picture));
    this.#neighbours.start();
    this.#renewal.start();
  }

  tell(picture: Picture): void {
    this.#network.tell(this.#entry(picture), { told: undefined, claim: 0 });
  }

  async close(graceMs: number): Promise<void> {
    this.#renewal.close();
    this.#machine.close();
    await this.#network.leave();
    await this.#neighbours.close();
    await this.#door?.drain(graceMs);
    await this.#door?.closed;
    await this.#parts.transport.close();
  }

  /** What may come in from the parent's nodes, and from other machines that are nodes of it. */
  #refused(request: Envelope, peer: string | undefined): Fault | undefined {
    const { to } = request;
    if (isControl(to)) {
      if (ANSWERED.has(to) && !isMachineName(peer)) return undefined;
      return new Fault("denied", `${to} is not asked of a machine that is a node`);
    }
    return this.#refusedTo(contractOf(to), peer);
  }

  #refusedTo(contract: string, peer: string | undefined): Fault | undefined {
    if (isMachineName(peer) && !isNamed(contract, childGrants(this.#machine.records).get(peer) ?? []))
      return new Fault("denied", `machine ${peer} may not call ${contract} in this network`);
    return this.#parts.mayEnter(contract);
  }

  get #nodeDoor(): Component {
    const closed = () => {
      throw new Fault("denied", "the door of a machine answers what its own operators ask at its own doors only");
    };
    return component(Node, {
      ...{ status: closed, find: closed, setLimits: closed, deploy: closed, drain: closed },
      demand: async ({ contract, range, withinMs }) => {
        const refused = this.#parts.mayEnter(contract);
        if (refused !== undefined) throw refused;
        const { found, ring, reason } = await this.#parts.capacity(
          contract,
          range,
          Math.min(withinMs, LONGEST_WITHIN_MS),
        );
        return found ? { addresses: [this.#settings.outside.open], ring } : { addresses: [], ring: "", reason };
      },
    });
  }

  get #peerDoor(): Component {
    return component(Door, {
      sync: (request) => this.#network.answerSync(request),
      limitNetwork: () => {
        throw new Fault("denied", "a machine that is a node has limits of its own");
      },
    });
  }

  #changed(): void {
    const { machine } = this.#settings;
    this.#nodes = this.#network.nodes.filter(({ id }) => id !== machine).map(nodeEntryOf);
    this.finder.update({ nodes: this.#nodes });
  }

  #entry({ components, waiting, running, free, offers, spares, startable, spareMs, newMs }: Picture): DirectoryNode {
    const { machine, outside } = this.#settings;
    const serving = {
      ...{ id: this.#parts.id, addresses: [outside.open], state: ContainerState.READY, beyond: machine },
      components: components.map((each) => ({ ...each })),
      load: { waiting, running, free },
    };
    return create(DirectoryNodeSchema, {
      ...{ id: machine, host: NOWHERE, doors: [outside.open], machine: true, spares, startable, spareMs, newMs },
      containers: components.length === 0 ? [] : [serving],
      offers: offers.map((each) => ({ ...each })),
    });
  }
}
