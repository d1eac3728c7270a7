// The machine's gateway to its parent, as the node keeps it: a process of its own beside the containers, so that no call that
// passes it costs the governor a turn, and a governor that dies takes no call with it.
//
//   record parent/link names this node, nobody announces ──▶ process started ──announces──▶ told in this node's entry
//   record gone, or the node ends ──▶ told to end
//
// Invariants
//   K1. One gateway announces at a time: a second one is told to end.
//   K2. A gateway that does not announce for LEASE_MS is named to nobody.
//   K3. When the node has ended, its gateway has.

import { create } from "@bufbuild/protobuf";
import type { Clock, Timer } from "../base/clock.ts";
import { asError } from "../base/fault.ts";
import type { Processes, SpawnSettings, WatchedProcess } from "../base/processes.ts";
import { type Component, component } from "../container/component.ts";
import type { Governor } from "../governor/governor.ts";
import { callables } from "../governor/kept.ts";
import type { MachineNode } from "../machine/machine-node.ts";
import { childGrants, parentLink } from "../machine/stacking/links.ts";
import { GatewayKeeper as Contract, type GatewayNews } from "../messages/gen/unum/control/v1/gateway_pb.ts";
import { ContainerState, DirectoryContainerSchema } from "../messages/gen/unum/control/v1/governed_pb.ts";

export interface GatewayKeeperParts {
  readonly clock: Clock;
  readonly processes: Processes;
  readonly machine: MachineNode;
  readonly governor: Governor;
  /** What starts the process; undefined where this node starts none. */
  readonly process: SpawnSettings | undefined;
}

/** A gateway announces several times as often. */
const LEASE_MS = 5_000;
const LOOK_EVERY_MS = 250;
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [1_000, 30_000];
/** How long it may take to end. */
const END_MS = 5_000;

export class GatewayKeeper {
  readonly #parts: GatewayKeeperParts;
  readonly #startedAt: number;
  #news: GatewayNews | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;
  /** What it told the governor last. */
  #told: GatewayNews | undefined;
  #process: WatchedProcess | undefined;
  #isStarting = false;
  #notBefore = 0;
  #failures = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: GatewayKeeperParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    parts.machine.gateway = () => ({ state: this.#state, problems: this.#isHeard ? (this.#news?.problems ?? []) : [] });
  }

  start(): void {
    this.#look();
  }

  /** Settles when its process has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    const process = this.#process;
    if (process?.isRunning() !== true) return;
    process.signal("SIGTERM");
    const kill = this.#parts.clock.after(END_MS, () => process.signal("SIGKILL"));
    await process.exited;
    kill.cancel();
  }

  /** At the node's door. */
  get component(): Component {
    return component(Contract, {
      announce: (news) => {
        if (!this.#isWanted || this.#isClosed || this.#isSecond(news)) return { end: true };
        this.#news = news;
        this.#adopt(news);
        this.#heardAt = this.#parts.clock.now();
        this.#failures = 0;
        const { machine, governor } = this.#parts;
        machine.ancestors = news.ancestors;
        this.#tell(news);
        const { directory } = governor;
        return {
          end: false,
          barred: [...machine.barred],
          machines: callables(childGrants(machine.records)),
          ...(directory.version === news.directory ? {} : { directory }),
        };
      },
    });
  }

  /** K1 */
  #isSecond({ pid, startTime }: GatewayNews): boolean {
    const known = this.#news;
    return this.#isHeard && known !== undefined && (known.pid !== pid || known.startTime !== startTime);
  }

  get #isWanted(): boolean {
    const { records, settings } = this.#parts.machine;
    return parentLink(records)?.node === settings.node;
  }

  get #isHeard(): boolean {
    return this.#parts.clock.now() - this.#heardAt < LEASE_MS;
  }

  get #state(): string {
    if (!this.#isWanted) return "";
    return this.#isHeard ? (this.#news?.state ?? "") : "away";
  }

  #look(): void {
    const { clock } = this.#parts;
    if (this.#isClosed) return;
    if (!this.#isHeard) this.#tell(undefined); // K2
    if (!this.#isWanted) this.#parts.machine.ancestors = [];
    const now = clock.now();
    // One that an earlier governor started says so in this time.
    const isSilent = !this.#isHeard && now - this.#startedAt >= LEASE_MS;
    if (this.#isWanted && isSilent && now >= this.#notBefore && !this.#isStarting && this.#process === undefined)
      void this.#start();
    this.#timer = clock.after(LOOK_EVERY_MS, () => this.#look());
  }

  async #start(): Promise<void> {
    const { processes, process, governor, clock } = this.#parts;
    if (process === undefined) return;
    this.#isStarting = true;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.#failures++, 10), LONGEST_PAUSE_MS);
    this.#notBefore = clock.now() + pause;
    try {
      const started = await processes.spawn(process);
      this.#watch(started);
      if (this.#isClosed) started.signal("SIGTERM");
      governor.events.say("info", `the gateway to the parent machine is started (process ${started.id.pid})`);
    } catch (error) {
      governor.events.say("error", `the gateway to the parent machine cannot be started: ${asError(error).message}`);
    } finally {
      this.#isStarting = false;
    }
  }

  #watch(process: WatchedProcess): void {
    this.#process = process;
    void process.exited.then(() => {
      if (this.#process === process) this.#process = undefined;
      if (this.#news?.pid === process.id.pid) this.#heardAt = Number.NEGATIVE_INFINITY;
      if (this.#isClosed || !this.#isWanted) return;
      this.#parts.governor.events.say("warn", "the gateway to the parent machine has ended");
    });
  }

  /** One that an earlier governor started. */
  #adopt({ pid, startTime }: GatewayNews): void {
    if (this.#process?.id.pid === pid) return;
    const process = this.#parts.processes.adopt({ pid, startTime });
    if (process !== undefined) this.#watch(process);
  }

  /** Into this node's entry: its containers and the other nodes learn where the parent's contracts are called. */
  #tell(news: GatewayNews | undefined): void {
    if (news === undefined && this.#told === undefined) return;
    this.#told = news;
    const { governor } = this.#parts;
    if (news === undefined || news.components.length === 0) return governor.setGateway(undefined);
    const { id, addresses, components, load, ancestors } = news;
    governor.setGateway(
      create(DirectoryContainerSchema, {
        ...{ id, addresses, components, state: ContainerState.READY, beyond: ancestors[0] ?? "" },
        ...(load === undefined ? {} : { load }),
      }),
    );
  }
}
