// The pretended network: processes of one program that reach each other as over a wire, through whatever is done to it.
//
// On a virtual clock and a seed it is the simulator's network; on any clock it lets tests cut and break what they need.

import type { Clock } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";
import type { Random } from "../../base/random.ts";
import type { Address, Receive, Transport } from "../transport.ts";
import { type Conditions, DEFAULT_MEMORY_LIMITS, GOOD_CONDITIONS, type MemoryLimits } from "./conditions.ts";
import { type Calling, Connection, type Surroundings } from "./connection.ts";
import type { FrameCounts, Link, LinkCounts } from "./lane.ts";
import { MemoryTransport } from "./memory-transport.ts";
import { MEMORY_SCHEME, Place } from "./place.ts";
import { type MemoryProcess, plainProcess } from "./process.ts";

export interface MemorySettings {
  readonly clock: Clock;
  readonly random: Random;
  /** Between every two processes, where nothing else was set. Default: 0.1 ms and a little. */
  readonly conditions?: Partial<Conditions>;
  readonly limits?: Partial<MemoryLimits>;
  /** Whether envelopes travel as the bytes of the wire. Default true; false is quicker and checks no sizes. */
  readonly encode?: boolean;
}

export class MemoryNetwork implements Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: MemoryLimits;
  readonly encode: boolean;
  readonly counts: FrameCounts = {
    sent: 0,
    arrived: 0,
    lost: 0,
    duplicated: 0,
    seenBefore: 0,
    held: 0,
    brokenOff: 0,
  };
  /** Between every two processes, where nothing else was set. */
  readonly usual: Conditions;
  readonly #places = new Map<Address, Place>();
  readonly #processes = new Map<Address, MemoryProcess>();
  readonly #links = new Map<string, Map<string, Link>>();
  readonly #targets = new Map<string, { newestSentAt: number }>();
  readonly #connections = new Set<Connection>();

  constructor(settings: MemorySettings) {
    this.clock = settings.clock;
    this.random = settings.random;
    this.limits = { ...DEFAULT_MEMORY_LIMITS, ...settings.limits };
    this.encode = settings.encode ?? true;
    this.usual = { ...GOOD_CONDITIONS, ...settings.conditions };
  }

  /**
   * The transport of one process, for `memory://NAME`. A name alone means one that always runs, on the network's clock. `shows`:
   * the name that those it calls take for that of its certificate.
   */
  transport(process: MemoryProcess | string, shows?: string): Transport {
    return new MemoryTransport(this, typeof process === "string" ? plainProcess(process, this.clock) : process, shows);
  }

  /** What the way from one process to another, by their names, is like from now on. */
  set(from: string, to: string, change: Partial<Conditions>): void {
    const link = this.#link(from, to);
    const before = link.conditions;
    link.conditions = { ...before, ...change };
    if (before.cut && !link.conditions.cut) for (const lane of [...link.lanes]) lane.heal();
    if (!before.cut && link.conditions.cut) this.#giveUpAfterSilence(link);
  }

  /** Makes the way from one to another as every way was at first. */
  reset(from: string, to: string): void {
    this.set(from, to, this.usual);
  }

  /** What became of messages on the way from one process to another. */
  countsOf(from: string, to: string): Readonly<LinkCounts> {
    return { ...this.#link(from, to).counts };
  }

  /** Breaks the connections between two processes, either of which may have called. What was on the way is lost. */
  breakBetween(one: string, other: string): void {
    for (const connection of [...this.#connections]) {
      const ends = [connection.caller.name, connection.listener.name];
      if (ends.includes(one) && ends.includes(other)) this.#break(connection, "it was reset");
    }
  }

  /** A process is gone without a word: its connections break, its addresses are free. */
  crash(process: MemoryProcess): void {
    for (const [address, place] of [...this.#places]) {
      if (place.process === process) this.unlisten(address, place);
    }
    for (const connection of [...this.#connections]) {
      if (connection.listener === process) connection.lostListener(`${process.name} is gone`);
      else if (connection.caller === process) connection.lostCaller(`${process.name} is gone`);
      else continue;
      this.#connections.delete(connection);
    }
  }

  // --- for transports and connections

  listen(address: Address, process: MemoryProcess, receive: Receive): Place {
    if (this.#places.has(address)) {
      throw new Fault("invalid", `${address} is in use in this network; choose another name`);
    }
    const place = new Place(process, receive);
    this.#places.set(address, place);
    this.#processes.set(address, process);
    return place;
  }

  unlisten(address: Address, place: Place): void {
    if (this.#places.get(address) !== place) return;
    this.#places.delete(address);
    // From now on its computer answers for it: refusing does not wait for a process that is stopped or gone.
    this.#processes.set(address, plainProcess(place.process.name, this.clock));
  }

  connect(caller: Calling, address: Address, forgotten: () => void): Connection {
    const connection = new Connection(this, caller, address, () => {
      this.#connections.delete(connection);
      forgotten();
    });
    this.#connections.add(connection);
    return connection;
  }

  /** One end leaves: the connections to the places given, and those given themselves. */
  leave(made: Iterable<Connection>, places: ReadonlySet<Place>): void {
    for (const connection of [...made]) {
      connection.leaveAsCaller();
      this.#connections.delete(connection);
    }
    for (const connection of [...this.#connections]) {
      if (connection.place === undefined || !places.has(connection.place)) continue;
      connection.leaveAsListener();
      this.#connections.delete(connection);
    }
  }

  placeAt(address: Address): Place | undefined {
    return this.#places.get(address);
  }

  processAt(address: Address): MemoryProcess {
    return this.#processes.get(address) ?? plainProcess(hostOf(address), this.clock);
  }

  linkBetween(from: MemoryProcess, to: MemoryProcess): Link {
    return this.#link(from.name, to.name);
  }

  #link(from: string, to: string): Link {
    let ways = this.#links.get(from);
    if (ways === undefined) {
      ways = new Map();
      this.#links.set(from, ways);
    }
    let link = ways.get(to);
    if (link === undefined) {
      link = {
        conditions: this.usual,
        leastMs: this.usual.delayMs,
        counts: { entered: 0, lost: 0, duplicated: 0, held: 0, overtaken: 0 },
        target: this.#target(to),
        lanes: new Set(),
      };
      ways.set(to, link);
    }
    return link;
  }

  #target(name: string): { newestSentAt: number } {
    let target = this.#targets.get(name);
    if (target === undefined) {
      target = { newestSentAt: 0 };
      this.#targets.set(name, target);
    }
    return target;
  }

  #giveUpAfterSilence(link: Link): void {
    const since = link.conditions;
    this.clock.after(this.limits.silenceMs, () => {
      if (!link.conditions.cut || link.conditions !== since) return;
      for (const connection of [...this.#connections]) {
        const { caller, listener, open } = connection;
        const uses = this.linkBetween(caller, listener) === link || this.linkBetween(listener, caller) === link;
        if (open && uses) this.#break(connection, `nothing came for ${this.limits.silenceMs} ms`);
      }
    });
  }

  #break(connection: Connection, why: string): void {
    connection.break(why, { callerMs: 0, listenerMs: 0 });
    this.#connections.delete(connection);
  }
}

/** HOST of `memory://HOST` and of `memory://HOST/WHATEVER`. */
function hostOf(address: Address): string {
  return address.slice(MEMORY_SCHEME.length).split("/", 1)[0] ?? "";
}
