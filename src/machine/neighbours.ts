// The other nodes of the machine: told and asked in turn, so that all come to the same records whoever is away meanwhile.
//
// Invariants
//   N1. One exchange is under way at a time; a node that does not answer costs the time of one call, not the others their turn.
//   N2. A revoked node is neither told nor asked.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Timer } from "../base/clock.ts";
import { asError, Fault } from "../base/fault.ts";
import { type Client, newClient } from "../client/client.ts";
import { CertificateAskedSchema, Machine } from "../messages/gen/unum/machine/v1/machine_pb.ts";
import type { SignedRecord } from "../messages/gen/unum/machine/v1/record_pb.ts";
import type { Address, Transport } from "../transports/transport.ts";
import { exchange, fetchArchive } from "./exchange.ts";
import { renewed } from "./identity/renewing.ts";
import { renewedIssuer } from "./identity/renewing-issuer.ts";
import type { MachineNode } from "./machine-node.ts";

const EVERY_MS = 500;
const TELL_TTL_MS = 5_000;
const RENEW_TTL_MS = 10_000;
/** Nodes that are told something new without a pause; the others hear it from these, or in their turn. */
const MOST_AT_ONCE = 16;

export class Neighbours {
  readonly #machine: MachineNode;
  readonly #transport: Transport;
  /** By door. */
  readonly #clients = new Map<Address, Client>();
  #next = 0;
  /** Turns in which whoever's turn it was was asked. */
  #told = 0;
  /** Turns that come without a pause. */
  #urgent = 0;
  #isTurning = false;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(machine: MachineNode, transport: Transport) {
    this.#machine = machine;
    this.#transport = transport;
  }

  start(): void {
    this.#machine.fetch = (digest) => this.#fetch(digest);
    this.#machine.callsOf = (node) => this.#callsOfNode(node);
    this.#machine.onNews = () => this.#hurry();
    this.#machine.tell = (record) => this.#tell(record);
    this.#turnLater();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#transport.close();
  }

  /** Doors of those that are part of the machine, this node left out. */
  get #doors(): readonly Address[] {
    const { peers, seeds } = this.#machine;
    const known = peers.reports
      .filter(({ node }) => !this.#machine.isRevoked(node))
      .flatMap(({ doors }) => doors.slice(0, 1));
    // Where this node came in: until it has heard of the others.
    return known.length === 0 ? seeds : known;
  }

  /** Of those the controllers': they are asked every other turn, so that a node knows soon when it is cut off from them. */
  get #controllers(): readonly Address[] {
    return this.#machine.settings.controller ? [] : this.#allControllers;
  }

  get #allControllers(): readonly Address[] {
    const { peers } = this.#machine;
    return peers.reports
      .filter(({ node, controller }) => controller && !this.#machine.isRevoked(node))
      .flatMap(({ doors }) => doors.slice(0, 1));
  }

  /** At a controller that signs; rejects with what the last one said. */
  async renew(asked: MessageInitShape<typeof CertificateAskedSchema>): Promise<string> {
    const { settings } = this.#machine;
    if (settings.issue !== undefined) return renewed(this.#machine, create(CertificateAskedSchema, asked));
    return this.#askControllers((door) => this.#callsOf(door).renew(asked, { ttlMs: RENEW_TTL_MS }));
  }

  /** At the one that has the root's key. */
  async renewIssuer(asked: MessageInitShape<typeof CertificateAskedSchema>): Promise<string> {
    const { settings } = this.#machine;
    if (settings.issuing?.sign !== undefined)
      return renewedIssuer(this.#machine, create(CertificateAskedSchema, asked));
    return this.#askControllers((door) => this.#callsOf(door).renewIssuer(asked, { ttlMs: RENEW_TTL_MS }));
  }

  async #askControllers(ask: (door: Address) => Promise<{ readonly certificate: string }>): Promise<string> {
    let last: unknown = new Fault("undeliverable", "no controller is known yet");
    for (const door of this.#allControllers) {
      try {
        return (await ask(door)).certificate;
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  async #tell(record: SignedRecord): Promise<readonly string[]> {
    const { node } = this.#machine.settings;
    const told = this.#doors.map(async (door) => {
      try {
        return [(await this.#callsOf(door).exchange({ node, records: [record] }, { ttlMs: TELL_TTL_MS })).node];
      } catch {
        return []; // away, or it refuses
      }
    });
    return (await Promise.all(told)).flat();
  }

  /** Something is to be told: the next turns, one for each node, come at once. */
  #hurry(): void {
    const isIdle = this.#urgent === 0 && !this.#isTurning;
    this.#urgent = Math.min(MOST_AT_ONCE, this.#doors.length);
    if (isIdle && this.#urgent > 0) this.#turnLater();
  }

  #turnLater(): void {
    this.#timer?.cancel();
    const { clock } = this.#machine.settings.env;
    if (!this.#isClosed) this.#timer = clock.after(this.#urgent > 0 ? 0 : EVERY_MS, () => void this.#turn());
  }

  async #turn(): Promise<void> {
    const [all, controllers] = [this.#doors, this.#controllers];
    this.#isTurning = true;
    this.#urgent = Math.max(0, this.#urgent - 1);
    const turn = this.#next++;
    const isTheirs = turn % 2 === 1 && controllers.length > 0 && all.length > 1 && this.#urgent === 0;
    const doors = isTheirs ? controllers : all;
    const door = doors[(isTheirs ? turn >> 1 : this.#told++) % Math.max(1, doors.length)];
    try {
      if (door !== undefined) await exchange(this.#machine, this.#callsOf(door));
    } catch (error) {
      // It is away, which is normal: it is asked again when its turn comes.
      if (!(error instanceof Fault)) throw asError(error);
    } finally {
      this.#isTurning = false;
      this.#turnLater();
    }
  }

  async #fetch(digest: string): Promise<boolean> {
    for (const door of this.#doors) {
      try {
        if (await fetchArchive(this.#machine, digest, this.#callsOf(door))) return true;
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
      }
    }
    return false;
  }

  #callsOfNode(node: string) {
    const door = this.#machine.peers.reports.find((report) => report.node === node)?.doors[0];
    return door === undefined || this.#machine.isRevoked(node) ? undefined : this.#callsOf(door);
  }

  #callsOf(door: Address) {
    let client = this.#clients.get(door);
    if (client === undefined) {
      const { clock, random } = this.#machine.settings.env;
      client = newClient({ env: { clock, random }, transports: [this.#transport], to: [door] });
      this.#clients.set(door, client);
    }
    return client.of(Machine);
  }
}
