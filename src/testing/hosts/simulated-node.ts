// A node of a simulated world: its computer, the keeper that is started on it, and an operator who sits before it.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { sleep } from "../../base/clock.ts";
import type { ProcessExit } from "../../base/processes.ts";
import { type Client, newClient } from "../../client/client.ts";
import { Governed } from "../../messages/gen/unum/control/v1/governed_pb.ts";
import {
  type LimitsChangeSchema,
  Node,
  type NodeLimits,
  type NodeStatus,
} from "../../messages/gen/unum/control/v1/node_pb.ts";
import type { Trace } from "../trace.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import type { Host } from "./host.ts";
import type { NodeState } from "./host-events.ts";
import type { HostProcess } from "./host-process.ts";
import { CODE_FILE, doorOf, FOLDERS, settingsOf } from "./programs.ts";

export interface NodeParts {
  readonly host: Host;
  readonly clock: VirtualClock;
  readonly trace: Trace;
}

/** What an operator may wait for an answer. */
const ORDER_TTL_MS = 5_000;
const LOOK_MS = 100;
const UP_AGAIN_MS = 1_000;
/** Until all that serve have been told of what the door says. */
const TELL_MS = 2_000;
const LEASE_MS = 60_000;
/** While containers are asked one after the other. */
const TOLD_MEANWHILE = 1_000n;

const NOTHING = {
  governor: 0,
  kept: "?",
  serving: 0,
  servers: "",
  problems: 0,
  codes: 0,
  knows: "",
  behind: 0,
  replacing: 0,
};

export class SimulatedNode {
  readonly host: Host;
  readonly #parts: NodeParts;
  #operator: Client | undefined;

  constructor(parts: NodeParts) {
    this.host = parts.host;
    this.#parts = parts;
  }

  get name(): string {
    return this.host.name;
  }

  get keeper(): HostProcess | undefined {
    return this.#first("keeper");
  }

  get governor(): HostProcess | undefined {
    return this.#first("governor");
  }

  /** Those that run, oldest first. */
  get containers(): readonly HostProcess[] {
    return this.host.table.running.filter(({ program }) => program === "container");
  }

  /** As `unum up` by a system that starts it again where it cannot start: nothing where a keeper, or a governor without one, is there. */
  up(): void {
    if (!this.host.hasPower || this.keeper !== undefined || this.governor !== undefined) return;
    for (const folder of [FOLDERS.run, FOLDERS.logs, FOLDERS.components]) this.host.disk.makeFolder(folder);
    this.host.table.start(settingsOf("keeper", {})).watch(({ code }) => {
      if (code !== undefined && code !== 0) this.#parts.clock.after(UP_AGAIN_MS, () => this.upAgain());
    });
  }

  /** The same as soon as nothing of an earlier one is left. */
  upAgain(): void {
    if (this.keeper !== undefined || !this.host.hasPower) return;
    if (this.governor === undefined) this.up();
    else this.#parts.clock.after(LOOK_MS, () => this.upAgain());
  }

  /** As Ctrl-C: the node drains. Settles when its keeper has ended. */
  down(): Promise<ProcessExit | undefined> {
    const { keeper } = this;
    if (keeper === undefined) return Promise.resolve(undefined);
    this.#note("node drained", "told by its operator");
    keeper.signal("SIGTERM");
    return new Promise((resolve) => keeper.watch(resolve));
  }

  /** Puts other code into the components folder, by its name in the world's settings. */
  deploy(code: string): void {
    this.#note("deployed", code);
    this.host.disk.put(CODE_FILE, code);
  }

  /** As `unum status`. Rejects with a Fault where the door does not answer. */
  status(): Promise<NodeStatus> {
    return this.operator.of(Node).status({}, { ttlMs: ORDER_TTL_MS });
  }

  /** As `unum limits`. Settles with what is in force. */
  async setLimits(change: MessageInitShape<typeof LimitsChangeSchema>): Promise<NodeLimits> {
    const note = (kind: "limit told" | "limit in force", containers: number) =>
      this.#parts.trace.add({ kind, at: this.#parts.clock.now(), host: this.name, containers });
    if (change.containers !== undefined) note("limit told", change.containers);
    const limits = await this.operator.of(Node).setLimits(change, { ttlMs: ORDER_TTL_MS });
    note("limit in force", limits.containers);
    return limits;
  }

  /** As `unum drain CONTAINER`. Settles with the calls that were left. */
  async drain(container: string, graceMs: number): Promise<number> {
    const ttlMs = graceMs + ORDER_TTL_MS;
    return (await this.operator.of(Node).drain({ container, graceMs }, { ttlMs })).left;
  }

  /** What the node says of itself, and what its containers have been told by then. */
  async inspect(): Promise<NodeState> {
    const { clock } = this.#parts;
    const found = await this.#look().catch(() => NOTHING);
    return { kind: "node state", at: clock.now(), host: this.name, ...found };
  }

  async #look() {
    const { clock } = this.#parts;
    const { version } = await this.operator.of(Node).find({}, { ttlMs: ORDER_TTL_MS });
    await sleep(clock, TELL_MS);
    const { containers, problems, replacement } = await this.status();
    const { version: newest, nodes } = await this.operator.of(Node).find({}, { ttlMs: ORDER_TTL_MS });
    const serving = containers.filter(({ state }) => state === "serving");
    let behind = 0;
    for (const { addresses } of serving) {
      const told = await this.#toldTo(addresses[0] ?? "");
      if (told !== undefined && (told < version || told > newest + TOLD_MEANWHILE)) behind++;
    }
    return {
      ...{ governor: 1, kept: containers.map(({ id }) => id).join(" "), serving: serving.length },
      ...{ servers: serving.map(({ id }) => id).join(" "), problems: problems.length },
      ...{ codes: new Set(serving.map(({ digest }) => digest)).size, behind },
      knows: nodes
        .map(({ id }) => id)
        .sort()
        .join(" "),
      replacing: replacement === "" ? 0 : replacement.startsWith("bringing in") ? 1 : 2,
    };
  }

  /** The version of the directory that a container has; undefined where it does not answer. */
  async #toldTo(address: string): Promise<bigint | undefined> {
    const { operatorProcess } = this;
    const client = newClient({
      env: operatorProcess.sim,
      transports: [this.host.transport(operatorProcess)],
      to: [address],
    });
    try {
      return (await client.of(Governed).renew({ leaseMs: LEASE_MS }, { ttlMs: ORDER_TTL_MS })).directory;
    } catch {
      return undefined;
    } finally {
      await client.close();
    }
  }

  /** Speaks to the door from the node's own computer; a new one after the power was gone. */
  get operator(): Client {
    const process = this.operatorProcess;
    if (this.#operator?.id !== process.name) {
      this.#operator = newClient({
        env: process.sim,
        id: process.name,
        transports: [this.host.transport(process)],
        to: [doorOf(this.name)],
      });
    }
    return this.#operator;
  }

  get operatorProcess(): HostProcess {
    return this.#first("operator") ?? this.host.table.start(settingsOf("operator", {}));
  }

  #first(program: string): HostProcess | undefined {
    return this.host.table.running.find((process) => process.program === program);
  }

  #note(kind: "deployed" | "node drained", what: string): void {
    this.#parts.trace.add({ kind, at: this.#parts.clock.now(), host: this.name, what });
  }
}
