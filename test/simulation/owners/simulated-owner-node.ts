// One node of a machine that runs a program with one owner: the machine's own code, and containers with their fences, over the
// pretended network. Its governor is pretended: it starts one container for the program where it is told to, ends it where it is
// not, and tells all of them of epochs and leases as a governor does. Containers outlive it.

import { create } from "@bufbuild/protobuf";
import { component } from "../../../src/container/component.ts";
import type { Fence } from "../../../src/container/fence.ts";
import { type Manifest, readManifest } from "../../../src/machine/archive/manifest.ts";
import type { PublicKey } from "../../../src/machine/keys/signing-key.ts";
import type { MachineNode as MachineNodeType } from "../../../src/machine/machine-node.ts";
import type { ControllerSeal } from "../../../src/machine/ownership/ownership.ts";
import type { HostedProgram, OwnedEpoch } from "../../../src/machine/programs/program-host.ts";
import { OwnedProgramSchema } from "../../../src/messages/gen/unum/control/v1/governed_pb.ts";
import { runContainer } from "../../../src/node/run-container.ts";
import { SimulatedDisk } from "../../../src/testing/hosts/simulated-disk.ts";
import type { SimulatedProcess } from "../../../src/testing/simulated-process.ts";
import { Ledger } from "../../gen/unum/test/v1/ledger_pb.ts";
import { SimA } from "../../gen/unum/test/v1/letters_pb.ts";
import {
  assertNever,
  endProcess,
  envOf,
  handsTo,
  NodeLife,
  type NodeParts,
  newProcess,
  type Taking,
} from "../machine/node-life.ts";
import { AFTER_MS, NODES, type OwnerPlan, PROGRAM } from "./owner-plan.ts";

export const DIGEST = "1".padEnd(64, "0");
/** Between a governor and its containers. */
const HOP_MS = 5;
const RENEW_EVERY_MS = 200;
const START_MS = 300;
const END_MS = 100;

export interface OwnerNodeParts extends NodeParts {
  readonly founder: PublicKey;
  readonly root: string;
  readonly seal: ControllerSeal | undefined;
  readonly onReturn: OwnerPlan["onReturn"];
  readonly rate: number;
  /** A letter of that epoch was let in at the node. */
  readonly accepted: (node: string, epoch: number) => void;
  /** Another container takes letters there, and knows what its governor does. */
  readonly readsAnew: (node: string) => void;
}

/** A container. */
interface Running extends Taking {
  readonly fence: Fence;
  isEnding: boolean;
}

export const writesAt = (name: string) => `memory://${name}-own`;
export const readsAt = (name: string) => `memory://${name}-k`;

export class SimulatedOwnerNode {
  readonly name: string;
  readonly disk: SimulatedDisk;
  life: NodeLife | undefined;
  /** Serves the program; undefined where nothing of it runs here. */
  owned: Running | undefined;
  readonly #parts: OwnerNodeParts;
  #reader: Running | undefined;
  #isStarting = false;
  #wants = false;
  #lives = 0;

  constructor(parts: OwnerNodeParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.disk = new SimulatedDisk(parts.clock, parts.random.fork());
  }

  async start(): Promise<void> {
    const { name, founder, root, seal, clock } = this.#parts;
    const process = this.#process();
    const life = new NodeLife({
      ...{ ...this.#parts, process, disk: this.disk, boxItems: 2_000 },
      others: NODES.filter((other) => other !== name),
      settings: {
        ...{ founder, controller: seal !== undefined, host: this.#host(process), own: { key: "", cert: "", root } },
        ...(seal === undefined ? {} : { issuing: { present: () => ({ ...seal, root }), take: () => {} } }),
      },
      wayIn: () => handsTo(this.#reader, { governor: process, clock, hopMs: HOP_MS }),
    });
    this.#pretendArchives(life.machine);
    await life.machine.open();
    // A governor tells a container of epochs before it gives it anything to serve.
    this.#reader ??= await this.#newReader(life.machine.owners.epochs);
    await life.start();
    this.life = life;
  }

  /** The governor alone. */
  crash(): void {
    const { life } = this;
    this.life = undefined;
    life?.end();
  }

  losePower(): void {
    this.crash();
    for (const running of [this.owned, this.#reader]) if (running !== undefined) this.#kill(running);
    this.owned = undefined;
    this.#reader = undefined;
    this.disk.losePower();
  }

  /** Processes that such a fault stops. */
  processes(what: "governor" | "containers" | "all"): readonly SimulatedProcess[] {
    const governor = this.life === undefined ? [] : [this.life.process];
    const containers = [this.owned, this.#reader].flatMap((running) => running?.process ?? []);
    return what === "governor" ? governor : what === "containers" ? containers : [...governor, ...containers];
  }

  #process(): SimulatedProcess {
    const process = newProcess(this.#parts, `${this.name}.${++this.#lives}`);
    process.setRate(this.#parts.rate);
    return process;
  }

  #kill({ process }: Running): void {
    endProcess(process, this.#parts.network);
  }

  /** What others send letters to. */
  async #newReader(epochs: readonly OwnedEpoch[]): Promise<Running> {
    const { name, network, code, accepted } = this.#parts;
    const process = this.#process();
    const fence = new code.Fence(process.clock, () => {});
    this.#parts.readsAnew(name);
    const told = epochs.map(({ program, epoch }) => create(OwnedProgramSchema, { program, epoch: BigInt(epoch) }));
    fence.hear(told, 0);
    let deliveries: Taking["deliveries"];
    await runContainer({
      ...{ env: envOf(process), fence, id: `${name}-k.${this.#lives}` },
      ...{ listen: [readsAt(name)], transports: [network.transport(process)] },
      components: [
        component(SimA, {
          put: ({ text }) => {
            accepted(name, Number(text));
            return {};
          },
        }),
      ],
      control: ({ container }) => {
        deliveries = new code.Deliveries(container, process.clock);
        return [];
      },
    });
    return { process, fence, deliveries: deliveries ?? assertNever(), isEnding: false };
  }

  /** Of the program. Its function sends a letter at once, and another durably. */
  async #newOwned(): Promise<Running> {
    const { name, network, random, code } = this.#parts;
    const process = this.#process();
    const running: { it?: Running } = {};
    const fence = new code.Fence(process.clock, () => running.it !== undefined && this.#end(running.it));
    fence.assigned(PROGRAM);
    await runContainer({
      ...{ env: envOf(process), fence, id: `${name}-own.${this.#lives}` },
      ...{ listen: [writesAt(name)], transports: [network.transport(process)] },
      find: NODES.map(readsAt),
      door: `memory://${name}`,
      components: [
        component(Ledger, {
          write: async (_, call) => {
            const letter = { text: `${call.epoch}` };
            const options = { wantResult: false, ttlMs: 500 };
            await Promise.allSettled([
              call.send(SimA.method.put, letter, options),
              call.send(SimA.method.put, letter, { durable: { node: NODES[random.below(NODES.length)] ?? name } }),
            ]);
            return { epoch: BigInt(call.epoch), container: call.container };
          },
        }),
      ],
    });
    running.it = { process, fence, deliveries: undefined, isEnding: false };
    return running.it;
  }

  #end(running: Running): void {
    if (running.isEnding) return;
    running.isEnding = true;
    running.process.clock.after(END_MS, () => {
      this.#kill(running);
      if (this.owned === running) this.owned = undefined;
    });
  }

  /** What a governor does for its containers, again and again. */
  #renew(governor: SimulatedProcess, epochs: () => readonly OwnedEpoch[]): void {
    const { clock } = this.#parts;
    const now = governor.clock.now();
    const sentAt = clock.now();
    for (const running of [this.owned, this.#reader]) {
      if (running === undefined) continue;
      const told = epochs().map(({ program, epoch, until = now }) => {
        const leftMs = running === this.owned ? Math.max(0, until - now) : 0;
        const lease = { program, epoch: BigInt(epoch), leaseUs: BigInt(Math.floor(leftMs * 1_000)) };
        return create(OwnedProgramSchema, lease);
      });
      clock.after(HOP_MS, () => running.process.deliver(() => running.fence.hear(told, clock.now() - sentAt)));
    }
    governor.clock.after(RENEW_EVERY_MS, () => this.#renew(governor, epochs));
    this.#asWanted(governor);
  }

  #asWanted(governor: SimulatedProcess): void {
    if (!this.#wants && this.owned !== undefined) this.#end(this.owned);
    if (!this.#wants || this.owned !== undefined || this.#isStarting) return;
    this.#isStarting = true;
    governor.clock.after(START_MS, () => {
      this.#isStarting = false;
      if (!this.#wants || this.owned !== undefined) return;
      this.#isStarting = true;
      void this.#newOwned().then((running) => {
        this.#isStarting = false;
        this.owned = running;
      });
    });
  }

  #host(governor: SimulatedProcess) {
    let served: readonly HostedProgram[] = [];
    let epochs: readonly OwnedEpoch[] = [];
    const has = () => this.owned !== undefined || this.#isStarting;
    // What an earlier governor was about to start it starts no more.
    this.#isStarting = false;
    this.#renew(governor, () => epochs);
    return {
      setPrograms: (programs: readonly HostedProgram[]) => {
        if (!governor.alive) return;
        served = programs;
        this.#wants = programs.length > 0;
        this.#asWanted(governor);
      },
      setGrace: () => {},
      setEpochs: (known: readonly OwnedEpoch[]) => {
        epochs = known;
      },
      get programs() {
        return served.map(({ name, digest }) => ({
          ...{ name, digest, serving: has() ? 1 : 0, problems: [], refused: undefined },
        }));
      },
      containersOf: () => (has() ? 1 : 0),
    };
  }

  #pretendArchives(machine: MachineNodeType): void {
    const manifest = manifestOf(this.#parts.onReturn);
    Object.defineProperty(machine.archives, "programs", { get: () => [PROGRAM] });
    Object.assign(machine.archives, {
      open: async () => {},
      has: async () => true,
      manifestOf: () => manifest,
      unpackedOf: () => [DIGEST],
      unpack: async () => {},
      remove: async () => {},
    });
  }
}

function manifestOf(onReturn: OwnerPlan["onReturn"]): Manifest {
  const said = {
    ...{ unum: 1, name: PROGRAM, version: "1.0.0", contracts: "contracts.binpb", serves: ["unum.test.v1.Ledger"] },
    ...{ files: [], parts: [{ kind: "component", folder: "components" }] },
    disconnected: { policy: "replace", afterMs: AFTER_MS, onReturn },
  };
  return readManifest(new TextEncoder().encode(JSON.stringify(said)));
}
