// One node of a simulated machine: the machine's own code over the pretended network and a pretended disk. Its governor is
// pretended too: it serves what it is told to, at once, and its one container outlives it, but not a loss of power.

import { component } from "../../../src/container/component.ts";
import type { Deliveries } from "../../../src/container/deliveries.ts";
import { type Manifest, readManifest } from "../../../src/machine/archive/manifest.ts";
import type { PublicKey } from "../../../src/machine/keys/signing-key.ts";
import type { MachineNode as MachineNodeType } from "../../../src/machine/machine-node.ts";
import type { HostedProgram } from "../../../src/machine/programs/program-host.ts";
import { runContainer } from "../../../src/node/run-container.ts";
import { SimulatedDisk } from "../../../src/testing/hosts/simulated-disk.ts";
import type { SimulatedProcess } from "../../../src/testing/simulated-process.ts";
import { SimA, SimB } from "../../gen/unum/test/v1/letters_pb.ts";
import { PROGRAMS, programNames, VERSIONS } from "./machine-plan.ts";
import {
  assertNever,
  endProcess,
  envOf,
  handsTo,
  NodeLife,
  type NodeParts,
  newProcess,
  type Taking,
} from "./node-life.ts";

/** Of one hop between a governor and its container: long enough that a crash meets messages on their way. */
const HOP_MS = 20;

export interface Watcher {
  delivered(node: string, text: string): void;
  serves(node: string, program: string, digest: string | undefined): void;
}

export interface MachineNodeParts extends NodeParts {
  readonly founder: PublicKey;
  readonly controller: boolean;
  readonly others: readonly string[];
  readonly watcher: Watcher;
}

export function digestOf(program: string, version: number): string {
  return `${Buffer.from(program).toString("hex")}${version}`.padEnd(64, "0").slice(0, 64);
}

export class SimulatedMachineNode {
  readonly name: string;
  readonly disk: SimulatedDisk;
  life: NodeLife | undefined;
  readonly #parts: MachineNodeParts;
  #container: Taking | undefined;
  #lives = 0;
  /** Archives that are unpacked here, by digest: they outlive processes. What is in them is not simulated. */
  readonly #unpacked = new Map<string, Manifest>();

  constructor(parts: MachineNodeParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.disk = new SimulatedDisk(parts.clock, parts.random.fork());
  }

  async start(): Promise<void> {
    const { name, clock, founder, controller } = this.#parts;
    this.#container ??= await this.#newContainer();
    const process = newProcess(this.#parts, `${name}.${++this.#lives}`);
    const life = new NodeLife({
      ...{ ...this.#parts, process, disk: this.disk, boxItems: 200 },
      settings: { founder, controller, host: this.#host(process) },
      wayIn: () => handsTo(this.#container, { governor: process, clock, hopMs: HOP_MS }),
    });
    const { machine, office } = life;
    this.#pretendArchives(machine, process);
    machine.onWithdrawn = (contracts) => void office.purge(contracts);
    await machine.open();
    await life.start();
    this.life = life;
  }

  /** Its governor is gone at once. */
  crash(): void {
    const { life } = this;
    this.life = undefined;
    if (life === undefined) return;
    life.end();
    for (const program of programNames()) this.#parts.watcher.serves(this.name, program, undefined);
  }

  losePower(): void {
    this.crash();
    if (this.#container !== undefined) endProcess(this.#container.process, this.#parts.network);
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

  async #newContainer(): Promise<Taking> {
    const { name, watcher, code } = this.#parts;
    const process = newProcess(this.#parts, `${name}-k.${this.#lives}`, `${name}-k`);
    const put = ({ text }: { text: string }) => {
      watcher.delivered(name, text);
      return {};
    };
    let deliveries: Deliveries | undefined;
    await runContainer({
      ...{ env: envOf(process), id: `${name}-k`, listen: [], transports: [] },
      components: [component(SimA, { put }), component(SimB, { put })],
      control: ({ container }) => {
        deliveries = new code.Deliveries(container, process.clock);
        return [];
      },
    });
    return { process, deliveries: deliveries ?? assertNever() };
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
