// More capacity on the other side of a gateway: asked of the doors there, in the order of a climb.
//
// Invariants
//   Q1. For one contract and range one climb is under way at a time; who asks meanwhile waits for the same.
//   Q2. What is asked for in the background has an end, and is not asked again before a pause.

import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { DirectoryFinder } from "../capacity/directory-finder.ts";
import { newClient } from "../client/client.ts";
import { type Envelope, envelope, Kind, Scope } from "../messages/envelope.ts";
import { Node } from "../messages/gen/unum/control/v1/node_pb.ts";
import type { Transport } from "../transports/transport.ts";
import { contractOf } from "./named.ts";

export interface CapacityParts {
  readonly env: { readonly clock: Clock; readonly random: Random };
  /** To the other side. Not closed here. */
  readonly transport: Transport;
  readonly finder: Pick<DirectoryFinder, "demands">;
}

export interface Found {
  readonly found: boolean;
  /** Where it was had from: spare, new, or node where one had room anyway; empty where nothing was. */
  readonly ring: string;
  /** Why there is none. */
  readonly reason: string;
}

const BACKGROUND_MS = 10_000;
const PAUSE_MS = 200;
/** Contracts asked for at a time. */
const MOST = 256;

export class Capacity {
  readonly #parts: CapacityParts;
  readonly #asking = new Map<string, Promise<Found>>();
  readonly #pausedUntil = new Map<string, number>();

  constructor(parts: CapacityParts) {
    this.#parts = parts;
  }

  ask(contract: string, range: string, withinMs: number): Promise<Found> {
    const key = `${contract} ${range}`;
    const known = this.#asking.get(key);
    if (known !== undefined) return known;
    if (this.#asking.size >= MOST)
      return Promise.resolve({ found: false, ring: "", reason: `${MOST} contracts are asked for already` });
    const asking = this.#climb(contract, range, withinMs).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  /** For a call that found no place: whoever made it may ask again. */
  lacking({ to, version }: Envelope): void {
    const { clock } = this.#parts.env;
    const [contract, now] = [contractOf(to), clock.now()];
    const key = `${contract} ${version}`;
    if ((this.#pausedUntil.get(key) ?? 0) > now) return;
    if (this.#pausedUntil.size >= MOST) this.#pausedUntil.clear();
    this.#pausedUntil.set(key, now + PAUSE_MS);
    void this.ask(contract, version, BACKGROUND_MS);
  }

  async #climb(contract: string, range: string, withinMs: number): Promise<Found> {
    const { env, transport, finder } = this.#parts;
    const until = env.clock.now() + withinMs;
    let reason = `no node beyond the gateway could start ${contract}`;
    try {
      const request = envelope({ kind: Kind.CALL, id: 0, to: `${contract}/`, version: range, scope: Scope.ANYWHERE });
      for (const { doors, host } of finder.demands(request)) {
        const leftMs = until - env.clock.now();
        if (leftMs <= 0) break;
        const door = newClient({ env, transports: [transport], to: doors.slice(0, 1) });
        const asked = { contract, range, withinMs: Math.ceil(leftMs), host };
        const answer = await door
          .of(Node)
          .demand(asked, { ttlMs: leftMs })
          .catch((error: Error) => ({ addresses: [], ring: "", reason: error.message }));
        if (answer.addresses.length > 0) return { found: true, ring: answer.ring, reason: "" };
        reason = answer.reason;
      }
    } catch (error) {
      // No semver range.
      reason = error instanceof Error ? error.message : String(error);
    }
    return { found: false, ring: "", reason };
  }
}
