// One life of a simulated machine's node: the machine's own code over the pretended network and a pretended disk, from a start
// of its governor to the next. The governor itself is for each world to pretend.

import { create } from "@bufbuild/protobuf";
import type { Random } from "../../../src/base/random.ts";
import type { Deliveries } from "../../../src/container/deliveries.ts";
import { machineDoorOf } from "../../../src/machine/door.ts";
import type { MachineNode as MachineNodeType, MachineSettings } from "../../../src/machine/machine-node.ts";
import type { Deliver, WayIn } from "../../../src/machine/outbox/handing-in.ts";
import { outboxDoorOf } from "../../../src/machine/outbox/outbox-door.ts";
import type { PostOffice as PostOfficeType } from "../../../src/machine/outbox/post-office.ts";
import { DeliveryReplySchema, DeliverySchema } from "../../../src/messages/gen/unum/control/v1/governed_pb.ts";
import { runContainer } from "../../../src/node/run-container.ts";
import type { SimulatedDisk } from "../../../src/testing/hosts/simulated-disk.ts";
import { SimulatedProcess } from "../../../src/testing/simulated-process.ts";
import type { VirtualClock } from "../../../src/testing/virtual-clock.ts";
import type { MemoryNetwork } from "../../../src/transports/memory/memory-network.ts";
import type { MachineCode } from "./machine-code.ts";

export const MACHINE = "msim";

/** What a node is made of, in every world. */
export interface NodeParts {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly random: Random;
  readonly code: MachineCode;
}

export interface LifeParts extends NodeParts {
  readonly process: SimulatedProcess;
  readonly disk: SimulatedDisk;
  /** Names of those that it is told of when it joins. */
  readonly others: readonly string[];
  readonly settings: Pick<MachineSettings, "founder" | "controller" | "host" | "own" | "issuing">;
  readonly boxItems: number;
  readonly wayIn: WayIn;
}

export class NodeLife {
  readonly process: SimulatedProcess;
  readonly machine: MachineNodeType;
  readonly office: PostOfficeType;
  readonly #parts: LifeParts;

  constructor(parts: LifeParts) {
    const { name, code, process, disk, others, settings, boxItems, wayIn, network } = parts;
    this.#parts = parts;
    this.process = process;
    this.machine = new code.MachineNode({
      ...{ ...settings, env: envOf(process), disk: disk.of(process), folder: "/m", machine: MACHINE, node: name },
      doors: [`memory://${name}`],
      seeds: others.map((other) => `memory://${other}`),
    });
    this.office = new code.PostOffice({
      ...{ machine: this.machine, transport: network.transport(process), wayIn },
      limits: { items: boxItems, bytes: 1_000_000 },
    });
    this.machine.boxes = () => this.office.boxes;
  }

  /** After `machine.open`. */
  async start(): Promise<void> {
    const { name, network, code } = this.#parts;
    const { process, machine, office } = this;
    const neighbours = new code.Neighbours(machine, network.transport(process));
    await runContainer({
      ...{ env: envOf(process), id: `${name}-door`, components: [], listen: [`memory://${name}`] },
      transports: [network.transport(process)],
      control: () => [machineDoorOf(machine), outboxDoorOf(office, name)],
    });
    await machine.start();
    await office.start();
    neighbours.start();
  }

  /** The governor alone, without a word. */
  end(): void {
    endProcess(this.process, this.#parts.network);
  }
}

/** `id`: of this start of it. */
export function newProcess({ name, clock, random }: NodeParts, id: string, shown = name): SimulatedProcess {
  return new SimulatedProcess(clock, random.fork(), id, shown, (own) => own);
}

export function endProcess(process: SimulatedProcess, network: MemoryNetwork): void {
  process.kill();
  network.crash(process);
}

export function envOf(process: SimulatedProcess) {
  return {
    ...{ clock: process.clock, random: process.random },
    log: { write: () => {} },
    network: { listen: () => assertNever(), connect: () => assertNever() },
  };
}

export interface Taking {
  readonly process: SimulatedProcess;
  readonly deliveries: Deliveries | undefined;
}

/** As a governor's call of its container: with its time on the way, and nothing comes back to who is gone. */
export function handsTo(
  container: Taking | undefined,
  { governor, clock, hopMs }: { governor: SimulatedProcess; clock: VirtualClock; hopMs: number },
): Deliver | undefined {
  if (container === undefined || !container.process.alive) return undefined;
  return (delivery, ttlMs) => {
    const sentAt = clock.now();
    return new Promise((resolve, reject) => {
      clock.after(hopMs, () =>
        container.process.deliver(() => {
          const msLeft = ttlMs - (clock.now() - sentAt);
          container.deliveries?.take(create(DeliverySchema, delivery), msLeft).then(
            ({ settled, failures }) => {
              const reply = create(DeliveryReplySchema, { settled, failures: [...failures] });
              clock.after(hopMs, () => governor.deliver(() => resolve(reply)));
            },
            (error) => governor.deliver(() => reject(error)),
          );
        }),
      );
    });
  };
}

export function assertNever(): never {
  throw new Error("nothing of this is asked for here");
}
