// A machine's gateway: one node of the parent, behind which the whole machine stands. The one entry for processes.
//
//   parent's nodes ◀── membership, records ──▶ this ── announce ──▶ door of the node that keeps it
//   parent's callers ──▶ open address ──▶ inwards ──▶ this machine's containers
//   this machine's callers ──▶ own address ──▶ outwards ──▶ the parent's containers
//   parent's programs ──▶ ParentCommands ──▶ this machine's controller
//
// Invariants
//   H1. Into the machine goes what its operator exports; to a sibling of it, what the parent lets that one call besides.
//   H2. Out goes what both the operator here and one of the parent let it.
//   H3. Cut off from the parent the machine goes on; cut off from its own node the gateway goes on for LONGEST_SILENCE_MS.
//   H4. A machine that finds itself among its own ancestors passes nothing on until it no longer does.

import type { Timer } from "../base/clock.ts";
import type { Datagrams } from "../base/datagrams.ts";
import type { Disk } from "../base/disk.ts";
import type { Env } from "../base/env.ts";
import { asError, Fault } from "../base/fault.ts";
import type { TlsSettings } from "../base/network.ts";
import { newId } from "../base/random.ts";
import type { NodeEntry } from "../capacity/directory.ts";
import { DirectoryFinder } from "../capacity/directory-finder.ts";
import { nodeEntryOf } from "../capacity/directory-wire.ts";
import { newClient, type Proxies } from "../client/client.ts";
import { Capacity } from "../gateway/capacity.ts";
import { describingOf } from "../gateway/describing.ts";
import { Forwarding } from "../gateway/forwarding.ts";
import { contractOf, isControl, isNamed } from "../gateway/named.ts";
import { type Picture, pictureOf } from "../gateway/picture.ts";
import type { OwnCertificate } from "../machine/identity/renewing.ts";
import type { PublicKey, SigningKey } from "../machine/keys/signing-key.ts";
import { isMachineName } from "../machine/stacking/links.ts";
import { ParentCommands } from "../machine/stacking/parent-commands.ts";
import type { Envelope } from "../messages/envelope.ts";
import { GatewayKeeper } from "../messages/gen/unum/control/v1/gateway_pb.ts";
import { Machine, type MachineView, type ParentView } from "../messages/gen/unum/machine/v1/machine_pb.ts";
import type { Address, Transport } from "../transports/transport.ts";
import { GatewayOutside } from "./gateway-outside.ts";
import { type RunningContainer, runContainer } from "./run-container.ts";
import { VERSION } from "./version.ts";

export interface GatewaySettings {
  readonly env: Env;
  readonly disk: Disk;
  readonly datagrams: Datagrams;
  /** This machine's id: the node's in the parent. */
  readonly machine: string;
  /** Under which the parent's commands are written down here. */
  readonly key: SigningKey;
  /** Absolute: what it keeps of the parent. */
  readonly folder: string;
  /** Names this computer. */
  readonly host: string;
  readonly pid: number;
  /** As the system tells it. */
  readonly startTime: string;
  /** This machine's side. */
  readonly inside: {
    /** Of the node that keeps it, on this computer. */
    readonly door: Address;
    readonly transport: () => Transport;
    /** Where this machine's containers reach it. */
    readonly listen: readonly Address[];
    /** What it is shown to those by, as its node has it now; undefined where that speaks no TLS. */
    readonly own?: () => Promise<TlsSettings | undefined>;
  };
  /** The parent's side. */
  readonly outside: {
    readonly machine: string;
    readonly founder: PublicKey;
    /** Where the parent's nodes reach it. */
    readonly open: Address;
    readonly gossip: { readonly host: string; readonly port: number };
    /** HOST:PORT of nodes to ask first. */
    readonly seeds: readonly string[];
    /** 32 bytes. */
    readonly gossipKey: Uint8Array;
    /** By what it is shown there, until that is renewed. */
    readonly own: OwnCertificate;
    readonly transport: () => Transport;
  };
}

export interface RunningGateway {
  /** Settles when it has ended, told so by its node or by `close`. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

const ANNOUNCE_EVERY_MS = 250;
/** The machine is looked at as often as that many announcements. */
const LOOK_EVERY = 2;
const ASK_TTL_MS = 2_000;
/** How often it is looked whether the node that keeps it has another certificate, counted in announcements. */
const OWN_EVERY = 240;
const LONGEST_SILENCE_MS = 60_000;
/** Calls under way in one direction. */
const MOST_CALLS = 4_096;
/** How long calls under way may take to end when it closes. */
const GRACE_MS = 2_000;

export async function runGateway(settings: GatewaySettings): Promise<RunningGateway> {
  const gateway = new Gateway(settings);
  try {
    await gateway.open();
  } catch (error) {
    await gateway.close();
    throw error;
  }
  return gateway;
}

class Gateway implements RunningGateway {
  readonly closed: Promise<void>;
  readonly #settings: GatewaySettings;
  readonly #id: string;
  readonly #transport: Transport;
  readonly #keeper: Proxies<typeof GatewayKeeper>;
  readonly #controller: Proxies<typeof Machine>;
  readonly #finder: DirectoryFinder;
  readonly #capacity: Capacity;
  readonly #inwards: Forwarding;
  readonly #outwards: Forwarding;
  readonly #commands: ParentCommands;
  readonly #outside: GatewayOutside;
  #listening: RunningContainer | undefined;
  #nodes: readonly NodeEntry[] = [];
  #directory = 0n;
  #link: ParentView | undefined;
  #barred: readonly string[] = [];
  #shown = "";
  #machines: ReadonlyMap<string, readonly string[]> = new Map();
  #turns = 0;
  #looking: Promise<void> | undefined;
  #heardAt: number;
  #timer: Timer | undefined;
  #closing: Promise<void> | undefined;
  #ended: () => void = () => {};

  constructor(settings: GatewaySettings) {
    const { env, inside, outside, machine, host } = settings;
    this.#settings = settings;
    this.#id = newId(env.random, "g");
    this.#heardAt = env.clock.now();
    this.closed = new Promise((resolve) => {
      this.#ended = resolve;
    });
    this.#transport = inside.transport();
    const door = newClient({ env, transports: [this.#transport], to: [inside.door] });
    this.#keeper = door.of(GatewayKeeper);
    this.#controller = door.of(Machine);
    this.#finder = new DirectoryFinder({ random: env.random, self: { node: undefined, host } });
    this.#capacity = new Capacity({ env, transport: this.#transport, finder: this.#finder });
    const towards = { env, mark: `gateway/${machine}`, limit: MOST_CALLS };
    const outer = outside.transport();
    this.#inwards = new Forwarding({
      ...{ ...towards, transport: this.#transport, finder: this.#finder },
      lacking: (request) => this.#capacity.lacking(request),
    });
    this.#commands = new ParentCommands({
      ...{ clock: env.clock, key: settings.key, controller: this.#controller },
      archives: () => this.#outside.archives,
    });
    this.#outside = new GatewayOutside(settings, {
      ...{ id: this.#id, transport: outer, commands: this.#commands },
      inwards: this.#inwards.receive,
      mayEnter: (contract) => this.#refusedInwards(contract),
      describing: describingOf({
        ...{ env, id: this.#id, unum: VERSION, host, transport: this.#transport, nodes: () => this.#nodes },
        passes: () => [this.#exports],
        free: () => this.#inwards.free,
      }),
      capacity: (contract, range, withinMs) => this.#capacity.ask(contract, range, withinMs),
      barredChanged: () => this.#rule(),
      renewed: ({ key, cert, root }) => this.#rule({ key, cert, ca: root }),
    });
    this.#outwards = new Forwarding({
      ...{ ...towards, transport: outer, finder: this.#outside.finder },
      lacking: (request) => this.#outside.capacity.lacking(request),
    });
  }

  async open(): Promise<void> {
    const { env, inside } = this.#settings;
    await this.#outside.open();
    this.#listening = await runContainer({
      ...{ env, id: `${this.#id}-in`, components: [], listen: inside.listen, transports: [inside.transport()] },
      admit: (_, request, peer) => this.#refusedOutwards(request, peer),
      handOn: (_, { to }) => (isControl(to) ? undefined : this.#outwards.receive),
      control: () => [
        this.#outside.describing(
          `${this.#id}-in`,
          () => this.#link?.calls ?? [],
          () => this.#outwards.free,
        ),
      ],
    });
    await this.#outside.start(this.#picture);
    void this.#turn();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#timer?.cancel();
    await Promise.all([this.#outside.close(GRACE_MS), this.#listening?.drain(GRACE_MS)]);
    this.#inwards.close();
    this.#outwards.close();
    await this.#transport.close();
    this.#ended();
  }

  // --- what may pass

  /** H1 */
  #refusedInwards(contract: string): Fault | undefined {
    const exports = this.#link?.exports ?? [];
    if (this.#isOwnAncestor) return this.#circle();
    if (isNamed(contract, exports)) return undefined;
    return new Fault("denied", `machine ${this.#settings.machine} exports ${listed(exports)}, and not ${contract}`);
  }

  /** H2 */
  #refusedOutwards({ to }: Envelope, peer: string | undefined): Fault | undefined {
    if (isControl(to)) return ASKED.has(to) ? undefined : new Fault("denied", `${to} is not asked of a gateway`);
    const contract = contractOf(to);
    if (this.#isOwnAncestor) return this.#circle();
    if (isMachineName(peer) && !isNamed(contract, this.#machines.get(peer) ?? []))
      return new Fault("denied", `machine ${peer} may not call ${contract} of this one's parent`);
    const here = this.#link?.calls ?? [];
    if (!isNamed(contract, here))
      return new Fault("denied", `machine ${this.#settings.machine} lets ${listed(here)} be called at its parent`);
    const there = this.#outside.granted;
    if (isNamed(contract, there)) return undefined;
    return new Fault("denied", `machine ${this.#settings.machine} may call ${listed(there)} at its parent`);
  }

  /** H4 */
  get #isOwnAncestor(): boolean {
    return this.#outside.ancestors.includes(this.#settings.machine);
  }

  #circle(): Fault {
    const { machine } = this.#settings;
    return new Fault("cycle", `machine ${machine} is its own ancestor: ${this.#outside.ancestors.join(" → ")}`);
  }

  // --- turns

  async #turn(): Promise<void> {
    const { clock, log } = this.#settings.env;
    await this.#announce().catch((error) => this.#away(error));
    // What it brings about may take longer than it may be silent.
    if (this.#turns++ % LOOK_EVERY === 0) {
      this.#looking ??= this.#look()
        .catch((error) => this.#away(error))
        .finally(() => {
          this.#looking = undefined;
        });
    }
    if (this.#turns % OWN_EVERY === 1) await this.#lookAtOwn().catch((error) => this.#away(error));
    if (this.#closing !== undefined) return;
    if (clock.now() - this.#heardAt > LONGEST_SILENCE_MS) {
      log.write("warn", "no node of its machine answers any more: the gateway ends");
      return void this.close();
    }
    this.#timer = clock.after(ANNOUNCE_EVERY_MS, () => void this.#turn());
  }

  /** Its node is away, which is normal: the next governor comes within a moment. */
  #away(error: unknown): void {
    if (error instanceof Fault) return;
    this.#settings.env.log.write("error", `the gateway: ${asError(error).message}`);
  }

  async #announce(): Promise<void> {
    const { pid, startTime, env } = this.#settings;
    const calls = this.#link?.calls ?? [];
    const isCircle = this.#isOwnAncestor;
    const { components, waiting, running, free } = this.#outside.picture([calls, this.#outside.granted]);
    const orders = await this.#keeper.announce(
      {
        ...{ id: this.#id, pid, startTime, directory: this.#directory },
        ancestors: [...this.#outside.ancestors],
        addresses: [...(this.#listening?.addresses ?? [])],
        components: isCircle ? [] : components.map((each) => ({ ...each })),
        load: { waiting, running, free: Math.min(free, this.#outwards.free), done: 0n },
        state: this.#outside.isCutOff ? "cut off" : "joined",
        problems: [...(isCircle ? [this.#circle().message] : []), ...this.#commands.problems],
      },
      { ttlMs: ASK_TTL_MS },
    );
    this.#heardAt = env.clock.now();
    if (orders.end) return void this.close();
    this.#machines = new Map(Object.entries(orders.machines).map(([id, { contracts }]) => [id, contracts]));
    this.#barred = orders.barred;
    this.#rule();
    const { directory } = orders;
    if (directory === undefined) return;
    this.#directory = directory.version;
    const parent = this.#settings.outside.machine;
    // What leads to the parent is no way for what came from it.
    this.#nodes = directory.nodes.map(nodeEntryOf).map((node) => ({
      ...node,
      containers: node.containers.filter(({ beyond }) => beyond !== parent),
    }));
    this.#finder.update({ nodes: this.#nodes });
    this.#outside.tell(this.#picture);
  }

  async #look(): Promise<void> {
    const view: MachineView = await this.#controller.show({}, { ttlMs: ASK_TTL_MS });
    this.#link = view.link;
    if (view.link === undefined) return;
    // It was taken out and put in anew meanwhile, as another.
    if (view.link.key !== this.#settings.key.id) return void this.close();
    this.#outside.tell(this.#picture);
    await this.#commands.see(view);
  }

  async #lookAtOwn(): Promise<void> {
    const own = await this.#settings.inside.own?.();
    if (own === undefined || own.cert === this.#shown) return;
    this.#shown = own.cert;
    this.#rule(own);
  }

  /** This machine, as the parent is told of it. */
  get #picture(): Picture {
    return pictureOf(this.#nodes, [this.#exports]);
  }

  get #exports(): readonly string[] {
    return this.#isOwnAncestor ? [] : (this.#link?.exports ?? []);
  }

  /** For the whole process: whom neither side takes any more. */
  #rule(own?: TlsSettings): void {
    const barred = [...new Set([...this.#barred, ...this.#outside.barred])];
    this.#settings.env.network.ruleTls?.({ barred, ...(own === undefined ? {} : { own }) });
  }
}

/** What a container is asked by its callers. */
const ASKED = new Set(["unum.control.v1.Container/Ping", "unum.control.v1.Container/Describe"]);

function listed(contracts: readonly string[]): string {
  return contracts.length === 0 ? "nothing" : contracts.join(", ");
}
