// Pretended datagrams on the world's clock: delay, loss, doubles, one-way cuts, multicast; every fate decided by a seed.
//
//   send ──▶ cut? ──▶ lost? ──▶ delay ──▶ still somebody there? ──▶ delivered in a turn of the receiving process
//
// Invariants
//   D1. What is sent arrives at most `copies` times, and never before the least delay.
//   D2. A datagram under way when its road is cut still arrives, as on a real network.
//   D3. A paused process receives when it goes on; one that is dead, never.

import type { Clock } from "../base/clock.ts";
import {
  addressText,
  type DatagramAddress,
  type DatagramOptions,
  type DatagramSocket,
  type Datagrams,
} from "../base/datagrams.ts";
import { Fault } from "../base/fault.ts";
import type { Random } from "../base/random.ts";

/** What receives: a ProcessClock, or nothing where the process never pauses. */
interface Process {
  deliver(fire: () => void): void;
}

export interface DatagramWeather {
  /** Of one datagram, drawn evenly. */
  readonly delayMs: readonly [least: number, most: number];
  /** Share of datagrams that never arrive. */
  readonly loss: number;
  /** Share of datagrams that arrive twice. */
  readonly doubled: number;
}

export const FAIR_WEATHER: DatagramWeather = { delayMs: [0.2, 2], loss: 0, doubled: 0 };

/** What a real network adds to the contents of a datagram: the headers of IPv4 and UDP. */
const HEADER_BYTES = 28;

const FIRST_FREE_PORT = 49_152;

export class DatagramNetwork {
  weather: DatagramWeather = FAIR_WEATHER;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sockets = new Map<string, PretendedSocket>();
  readonly #groups = new Map<string, Set<PretendedSocket>>();
  readonly #cuts = new Map<string, Set<string>>();
  readonly #sentBytes = new Map<string, number>();
  #nextPort = FIRST_FREE_PORT;
  readonly counts = { sent: 0, delivered: 0, lost: 0, cut: 0, doubled: 0, nobody: 0 };

  constructor(options: { clock: Clock; random: Random }) {
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** The datagrams of one computer. All that its process receives runs through `process`. */
  host(host: string, process?: Process): Datagrams {
    return {
      open: async (at, options) => {
        if (at.host !== host) throw new Fault("invalid", `${host} has no address ${at.host}`);
        return this.#open(at, process, options);
      },
    };
  }

  /** A process is gone: its sockets are closed. */
  crash(process: Process): void {
    const sockets = [...this.#sockets.values(), ...[...this.#groups.values()].flatMap((members) => [...members])];
    for (const socket of sockets) if (socket.isOf(process)) void socket.close();
  }

  /** From now on nothing goes from one to the other; the way back is another cut. */
  cut(from: string, to: string): void {
    let targets = this.#cuts.get(from);
    if (targets === undefined) {
      targets = new Set();
      this.#cuts.set(from, targets);
    }
    targets.add(to);
  }

  mend(from: string, to: string): void {
    this.#cuts.get(from)?.delete(to);
  }

  mendAll(): void {
    this.#cuts.clear();
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.get(from)?.has(to) ?? false;
  }

  /** Bytes a computer has sent, headers included. */
  sentBytes(host: string): number {
    return this.#sentBytes.get(host) ?? 0;
  }

  #open(at: DatagramAddress, process: Process | undefined, { group }: DatagramOptions = {}): PretendedSocket {
    const address = { host: at.host, port: at.port === 0 ? this.#nextPort++ : at.port };
    const key = addressText(address);
    if (group === undefined && this.#sockets.has(key)) {
      throw new Fault("invalid", `udp ${key} is in use by another process; choose another port`);
    }
    const members = group === undefined ? undefined : this.#membersOf(group, address.port);
    const socket = new PretendedSocket(address, {
      process,
      send: (bytes, to) => this.#send(address, bytes, to),
      closed: () => {
        members?.delete(socket);
        if (group === undefined) this.#sockets.delete(key);
      },
    });
    if (members === undefined) this.#sockets.set(key, socket);
    else members.add(socket);
    return socket;
  }

  #membersOf(group: string, port: number): Set<PretendedSocket> {
    const key = addressText({ host: group, port });
    const members = this.#groups.get(key) ?? new Set();
    this.#groups.set(key, members);
    return members;
  }

  #send(from: DatagramAddress, bytes: Uint8Array, to: DatagramAddress): void {
    this.counts.sent++;
    this.#sentBytes.set(from.host, this.sentBytes(from.host) + bytes.length + HEADER_BYTES);
    const key = addressText(to);
    const group = this.#groups.get(key);
    if (group === undefined) return this.#forward(from, bytes, to.host, () => this.#sockets.get(key));
    for (const socket of group) this.#forward(from, bytes, socket.address.host, () => socket);
  }

  #forward(from: DatagramAddress, bytes: Uint8Array, host: string, find: () => PretendedSocket | undefined): void {
    const { loss, doubled, delayMs } = this.weather;
    const [least, most] = delayMs;
    if (this.isCut(from.host, host)) {
      this.counts.cut++;
      return;
    }
    const copies = this.#random.float() < doubled ? 2 : 1;
    if (copies === 2) this.counts.doubled++;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.float() < loss) {
        this.counts.lost++;
        continue;
      }
      this.#clock.after(least + this.#random.float() * (most - least), () => {
        const socket = find();
        if (socket === undefined) this.counts.nobody++;
        else {
          this.counts.delivered++;
          socket.deliver(bytes.slice(), from);
        }
      });
    }
  }
}

class PretendedSocket implements DatagramSocket {
  readonly address: DatagramAddress;
  onDatagram: (bytes: Uint8Array, from: DatagramAddress) => void = () => {};
  readonly #process: Process | undefined;
  readonly #send: (bytes: Uint8Array, to: DatagramAddress) => void;
  readonly #closed: () => void;
  #open = true;

  constructor(
    address: DatagramAddress,
    by: {
      process: Process | undefined;
      send: (bytes: Uint8Array, to: DatagramAddress) => void;
      closed: () => void;
    },
  ) {
    this.address = address;
    this.#process = by.process;
    this.#send = by.send;
    this.#closed = by.closed;
  }

  isOf(process: Process): boolean {
    return this.#process === process;
  }

  send(bytes: Uint8Array, to: DatagramAddress): void {
    if (this.#open) this.#send(bytes, to);
  }

  deliver(bytes: Uint8Array, from: DatagramAddress): void {
    const receive = () => {
      if (this.#open) this.onDatagram(bytes, from);
    };
    if (this.#process === undefined) receive();
    else this.#process.deliver(receive);
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#closed();
  }
}
