// Where packets leave and arrive: sockets, the seal around them, and counts of what was refused and why.

import type { Clock } from "../base/clock.ts";
import {
  addressText,
  type DatagramAddress,
  type DatagramSocket,
  type Datagrams,
  isLoopback,
} from "../base/datagrams.ts";
import type { Log } from "../base/log.ts";
import { type Packet, readPacket } from "./packet.ts";
import { type Refusal, Seal } from "./seal.ts";

export interface PortStats {
  readonly sentDatagrams: number;
  readonly sentBytes: number;
  readonly receivedDatagrams: number;
  readonly receivedBytes: number;
  /** Datagrams that were dropped, by why. */
  readonly refused: Readonly<Record<Refused, number>>;
}

type Refused =
  | Refusal
  /** From another computer, where there is no key. */
  | "outside"
  /** Not a packet. */
  | "malformed";

/** The same trouble is logged once in so long. */
const COMPLAIN_EVERY_MS = 60_000;

const CHALLENGES_PER_SECOND = 50;

/** What a person can do about it. What is not here is noise. */
const ADVICE: Partial<Record<Refused, string>> = {
  version: "it runs another version of Unum",
  foreign: "it belongs to another network; give the nodes of one network the same name",
  unsealed: "one side has a key and the other has none; give all nodes of a network the same key",
  forged: "its key is another one; give all nodes of a network the same key",
  untimely: "its wall clock is far from this one, or it is an old one played again; it is asked for a sign of life",
  outside: "it is on another computer and this node has no key; give both the same key",
};

export class Port {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #datagrams: Datagrams;
  readonly #seal: Seal;
  readonly #loopbackOnly: boolean;
  readonly #onPacket: (packet: Packet, from: DatagramAddress) => void;
  #socket: DatagramSocket | undefined;
  #beaconSocket: DatagramSocket | undefined;
  #challenges = 0;
  #challengesSince = Number.NEGATIVE_INFINITY;
  readonly #complainedAt = new Map<Refused, number>();
  readonly #traffic = { sentDatagrams: 0, sentBytes: 0, receivedDatagrams: 0, receivedBytes: 0 };
  readonly #refused: Record<Refused, number> = {
    length: 0,
    version: 0,
    foreign: 0,
    unsealed: 0,
    forged: 0,
    replayed: 0,
    untimely: 0,
    outside: 0,
    malformed: 0,
  };

  constructor(of: {
    clock: Clock;
    log: Log;
    datagrams: Datagrams;
    network: string;
    key: Uint8Array | undefined;
    clockWindowMs: number;
    onPacket: (packet: Packet, from: DatagramAddress) => void;
  }) {
    this.#clock = of.clock;
    this.#log = of.log;
    this.#datagrams = of.datagrams;
    this.#loopbackOnly = of.key === undefined;
    this.#onPacket = of.onPacket;
    const { network, key, clockWindowMs: windowMs, clock } = of;
    const keys = key === undefined ? [] : [key];
    this.#seal = new Seal({ network, keys, windowMs, wallNow: () => clock.wallNow() });
  }

  /** See Membership.rekey. */
  rekey(keys: readonly Uint8Array[]): void {
    this.#seal.rekey(keys);
  }

  /** Answers the address with the port that the system chose. */
  async open(listen: DatagramAddress, beacon: DatagramAddress | undefined): Promise<DatagramAddress> {
    const socket = await this.#datagrams.open(listen);
    socket.onDatagram = (bytes, from) => this.#receive(bytes, from);
    this.#socket = socket;
    if (beacon !== undefined) await this.#hearBeacons({ host: listen.host, port: beacon.port }, beacon.host);
    return socket.address;
  }

  async #hearBeacons(at: DatagramAddress, group: string): Promise<void> {
    try {
      this.#beaconSocket = await this.#datagrams.open(at, { group });
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
    this.#beaconSocket.onDatagram = (bytes, from) => this.#receive(bytes, from);
  }

  send(to: DatagramAddress, packet: Uint8Array): void {
    // A rumour may name any address.
    if (this.#loopbackOnly && !isLoopback(to.host)) return;
    this.#sendFrom(this.#socket, to, packet);
  }

  /** To all who hear the group. */
  sendBeacon(group: DatagramAddress, packet: Uint8Array): void {
    this.#sendFrom(this.#socket, group, packet);
  }

  async close(): Promise<void> {
    await Promise.all([this.#socket?.close(), this.#beaconSocket?.close()]);
  }

  stats(): PortStats {
    return { ...this.#traffic, refused: { ...this.#refused } };
  }

  #sendFrom(socket: DatagramSocket | undefined, to: DatagramAddress, packet: Uint8Array): void {
    this.#sendDatagram(socket, to, this.#seal.close(packet, addressText(to)));
  }

  #sendDatagram(socket: DatagramSocket | undefined, to: DatagramAddress, datagram: Uint8Array): void {
    this.#traffic.sentDatagrams++;
    this.#traffic.sentBytes += datagram.length;
    socket?.send(datagram, to);
  }

  #receive(datagram: Uint8Array, from: DatagramAddress): void {
    this.#traffic.receivedDatagrams++;
    this.#traffic.receivedBytes += datagram.length;
    if (this.#loopbackOnly && !isLoopback(from.host)) return this.#refuse("outside", from);
    const opened = this.#seal.open(datagram, addressText(from));
    if (opened.kind === "challenge") return;
    if (opened.kind === "refused") {
      this.#refuse(opened.why, from);
      if (opened.reply !== undefined && this.#mayChallenge()) this.#sendDatagram(this.#socket, from, opened.reply);
      return;
    }
    let packet: Packet;
    try {
      packet = readPacket(opened.packet);
    } catch {
      return this.#refuse("malformed", from);
    }
    this.#onPacket(packet, from);
  }

  /** Whoever plays old datagrams again is not to make this node send as many. */
  #mayChallenge(): boolean {
    const now = this.#clock.now();
    if (now - this.#challengesSince >= 1_000) {
      this.#challengesSince = now;
      this.#challenges = 0;
    }
    return ++this.#challenges <= CHALLENGES_PER_SECOND;
  }

  #refuse(why: Refused, from: DatagramAddress): void {
    this.#refused[why]++;
    const advice = ADVICE[why];
    const now = this.#clock.now();
    if (advice === undefined || now - (this.#complainedAt.get(why) ?? Number.NEGATIVE_INFINITY) < COMPLAIN_EVERY_MS) {
      return;
    }
    this.#complainedAt.set(why, now);
    this.#log.write("warn", `a datagram was refused: ${advice}`, { from: addressText(from), why });
  }
}
