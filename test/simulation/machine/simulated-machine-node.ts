// One node of a simulated machine: the machine's own code over the pretended network and a pretended disk. Its governor is
// pretended too: it serves what it is told to, at once, and its one container outlives it, but not a loss of power.

import { create } from "@bufbuild/protobuf";
import type { Random } from "../../../src/base/random.ts";
import { component } from "../../../src/container/component.ts";
import type { Deliveries } from "../../../src/container/deliveries.ts";
import { type Manifest, readManifest } from "../../../src/machine/archive/manifest.ts";
import { machineDoorOf } from "../../../src/machine/door.ts";
import type { PublicKey } from "../../../src/machine/keys/signing-key.ts";
import type { MachineNode as MachineNodeType } from "../../../src/machine/machine-node.ts";
import { outboxDoorOf } from "../../../src/machine/outbox/outbox-door.ts";
import type { PostOffice as PostOfficeType } from "../../../src/machine/outbox/post-office.ts";
import type { HostedProgram } from "../../../src/machine/programs/program-host.ts";
import { DeliverySchema } from "../../../src/messages/gen/unum/control/v1/governed_pb.ts";
import { runContainer } from "../../../src/node/run-container.ts";
import { SimulatedDisk } from "../../../src/testing/hosts/simulated-disk.ts";
import { SimulatedProcess } from "../../../src/testing/simulated-process.ts";
import type { VirtualClock } from "../../../src/testing/virtual-clock.ts";
import type { MemoryNetwork } from "../../../src/transports/memory/memory-network.ts";
import { SimA, SimB } from "../../gen/unum/test/v1/letters_pb.ts";
import type { MachineCode } from "./machine-code.ts";
import { PROGRAMS, programNames, VERSIONS } from "./machine-plan.ts";

export const MACHINE = "msim";
/** Of one hop between a governor and its container: long enough that a crash meets messages on their way. */
const HOP_MS = 20;

export interface Watcher {
  delivered(node: string, text: string): void;
  serves(node: string, program: string, digest: string | undefined): void;
}

export interface NodeParts {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly random: Random;
  readonly founder: PublicKey;
  readonly controller: boolean;
  /** Names of the others, as it is told when it joins. */
  readonly others: readonly string[];
  readonly code: MachineCode;
  readonly watcher: Watcher;
}

interface Life {
  readonly process: SimulatedProcess;
  readonly machine: MachineNodeType;
  readonly office: PostOfficeType;
}

interface Running {
  readonly process: SimulatedProcess;
  readonly deliveries: Deliveries;
}

export function digestOf(program: string, version: number): string {
  return `${Buffer.from(program).toString("hex")}${version}`.padEnd(64, "0").slice(0, 64);
}

export class SimulatedMachineNode {
  readonly name: string;
  readonly disk: SimulatedDisk;
  life: Life | undefined;
  readonly #parts: NodeParts;
  #container: Running | undefined;
  #lives = 0;
  /** Archives that are unpacked here, by digest: they outlive processes. What is in them is not simulated. */
  readonly #unpacked = new Map<string, Manifest>();

  constructor(parts: NodeParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.disk = new SimulatedDisk(parts.clock, parts.random.fork());
  }

  async start(): Promise<void> {
    const { name, clock, network, random, founder, controller, others, code } = this.#parts;
    this.#container ??= await this.#newContainer();
    const process = new SimulatedProcess(clock, random.fork(), `${name}.${++this.#lives}`, name, (own) => own);
    const env = {
      ...{ clock: process.clock, random: process.random },
      log: { write: () => {} },
      network: { listen: () => assertNever(), connect: () => assertNever() },
    };
    const transport = () => network.transport(process);
    const machine = new code.MachineNode({
      ...{ env, disk: this.disk.of(process), folder: "/m", machine: MACHINE, node: name, controller, founder },
      doors: [`memory://${name}`],
      seeds: others.map((other) => `memory://${other}`),
      host: this.#host(process),
    });
    const office = new code.PostOffice({
      ...{ machine, transport: transport(), limits: { items: 200, bytes: 1_000_000 } },
      wayIn: () => this.#wayIn(process),
    });
    this.#pretendArchives(machine, process);
    machine.onWithdrawn = (contracts) => void office.purge(contracts);
    machine.boxes = () => office.boxes;
    const neighbours = new code.Neighbours(machine, transport());
    await machine.open();
    await runContainer({
      ...{ env, id: `${name}-door`, components: [], listen: [`memory://${name}`], transports: [transport()] },
      control: () => [machineDoorOf(machine), outboxDoorOf(office, name)],
    });
    await machine.start();
    await office.start();
    neighbours.start();
    this.life = { process, machine, office };
  }

  /** Its governor is gone at once. */
  crash(): void {
    const { life } = this;
    this.life = undefined;
    if (life === undefined) return;
    life.process.kill();
    this.#parts.network.crash(life.process);
    for (const program of programNames()) this.#parts.watcher.serves(this.name, program, undefined);
  }

  losePower(): void {
    this.crash();
    this.#container?.process.kill();
    this.#container = undefined;
    this.disk.losePower();
  }

  /** Every archive can be had, in the time that a look at the disk takes. */
  #pretendArchives(machine: MachineNodeType, process: SimulatedProcess): void {
    const unpacked = this.#unpacked;
    const disk = this.disk.of(process);
    const named = (name: string) => [...unpacked].filter(([, each]) => each.name === name);
    Object.defineProperty(machine.archives, "programs", {
      get: () => programNames().filter((name) => named(name).length > 0),
    });
    Object.assign(machine.archives, {
      open: async () => {},
      has: async () => true,
      manifestOf: (digest: string) => unpacked.get(digest),
      unpackedOf: (name: string) => named(name).map(([digest]) => digest),
      unpack: async (digest: string) => {
        await disk.read("/m/archive", 1);
        for (const name of programNames())
          for (const version of VERSIONS)
            if (digestOf(name, version) === digest) unpacked.set(digest, manifest(name, version));
      },
      remove: async (digest: string) => void unpacked.delete(digest),
    });
  }

  async #newContainer(): Promise<Running> {
    const { name, clock, random, watcher, code } = this.#parts;
    const process = new SimulatedProcess(clock, random.fork(), `${name}-k.${this.#lives}`, `${name}-k`, (own) => own);
    const env = {
      ...{ clock: process.clock, random: process.random },
      log: { write: () => {} },
      network: { listen: () => assertNever(), connect: () => assertNever() },
    };
    const put = ({ text }: { text: string }) => {
      watcher.delivered(name, text);
      return {};
    };
    let deliveries: Deliveries | undefined;
    await runContainer({
      ...{
        env,
        id: `${name}-k`,
        components: [component(SimA, { put }), component(SimB, { put })],
        listen: [],
        transports: [],
      },
      control: ({ container }) => {
        deliveries = new code.Deliveries(container, process.clock);
        return [];
      },
    });
    return { process, deliveries: deliveries ?? assertNever() };
  }

  /** As a governor's call of its container: with its time on the way, and nothing comes back to who is gone. */
  #wayIn(governor: SimulatedProcess) {
    const container = this.#container;
    if (container === undefined || !container.process.alive) return undefined;
    const { clock } = this.#parts;
    return (delivery: object, ttlMs: number) => {
      const sentAt = clock.now();
      return new Promise<{ settled: number; failures: never[] }>((resolve, reject) => {
        clock.after(HOP_MS, () =>
          container.process.deliver(() => {
            const msLeft = ttlMs - (clock.now() - sentAt);
            container.deliveries.take(create(DeliverySchema, delivery), msLeft).then(
              ({ settled, failures }) =>
                clock.after(HOP_MS, () =>
                  governor.deliver(() => resolve({ settled, failures: [...failures] as never[] })),
                ),
              (error) => governor.deliver(() => reject(error)),
            );
          }),
        );
      }) as never;
    };
  }

  /** A governor that serves at once what it is told to. */
  #host(process: SimulatedProcess) {
    const { watcher } = this.#parts;
    let served: readonly HostedProgram[] = [];
    return {
      setPrograms: (programs: readonly HostedProgram[]) => {
        if (!process.alive) return;
        served = programs;
        for (const program of programNames())
          watcher.serves(this.name, program, programs.find(({ name }) => name === program)?.digest);
      },
      setGrace: () => {},
      setEpochs: () => {},
      get programs() {
        return served.map(({ name, digest }) => ({ name, digest, serving: 1, problems: [], refused: undefined }));
      },
      containersOf: (program: string) => (served.some(({ name }) => name === program) ? 1 : 0),
    };
  }
}

/** As its archive says it, with all that its author left to the format. */
function manifest(name: keyof typeof PROGRAMS, version: number): Manifest {
  const said = {
    ...{
      unum: 1,
      name,
      version: `${version}.0.0`,
      contracts: "contracts.binpb",
      serves: [`sim.v1.${name}`],
      files: [],
    },
    ...{ parts: [{ kind: "component", folder: "components" }], disconnected: PROGRAMS[name] },
  };
  return readManifest(new TextEncoder().encode(JSON.stringify(said)));
}

function assertNever(): never {
  throw new Error("nothing of this is asked for here");
}
