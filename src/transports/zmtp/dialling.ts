// Gets a connection to one address when it is asked to; and while nobody answers there, says so without asking again.
//
//   idle ──ask──▶ dialling ──▶ open
//     ▲              │
//     └──── pause ◀──┘ failed
//
// There is no dialling without somebody who waits for it: a link without calls needs no connection.

import type { Timer } from "../../base/clock.ts";
import type { Env } from "../../base/env.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Endpoint } from "../../base/network.ts";
import { backoffMs, Connection, type ConnectionHandlers, type ConnectionOptions } from "../../zmtp/index.ts";
import type { Address } from "../transport.ts";

export interface DiallingOptions {
  readonly env: Pick<Env, "clock" | "random" | "network">;
  readonly address: Address;
  readonly endpoint: Endpoint;
  readonly timeoutMs: number;
  /** The longest wait before it is asked again. */
  readonly redialMs: number;
  readonly connection: ConnectionOptions;
  /** Of the connection that comes of it, its end included. */
  readonly handlers: ConnectionHandlers;
  /** The attempt came to nothing before there was a connection. */
  readonly onFailed: (fault: Fault) => void;
}

/** Short: an attempt costs little, and calls fail meanwhile. */
const FIRST_REDIAL_MS = 10;

export class Dialling {
  readonly #options: DiallingOptions;
  #state: "idle" | "dialling" | "waiting" | "closed" = "idle";
  #wasOpen = false;
  #failures = 0;
  #refused = false;
  #lastFailure = "";
  #notBefore = 0;
  #retry: Timer | undefined;
  /** In its handshake. */
  #connection: Connection | undefined;

  constructor(options: DiallingOptions) {
    this.#options = options;
  }

  /** Makes sure that somebody dials. Answers why it is not even tried. */
  ask(now: number): Fault | undefined {
    if (this.#state === "closed") return new Fault("undeliverable", "this transport was closed");
    if (this.#state !== "idle") return undefined;
    if (now >= this.#notBefore) {
      void this.#dial();
      return undefined;
    }
    const againMs = Math.ceil(this.#notBefore - now);
    return new Fault("undeliverable", `${this.#lastFailure}; asked ${this.#failures} times, again in ${againMs} ms`);
  }

  /** The connection stands, its handshake done. */
  succeeded(): void {
    this.#state = "idle";
    this.#connection = undefined;
    this.#wasOpen = true;
    this.#failures = 0;
    this.#refused = false;
    this.#notBefore = 0;
  }

  /**
   * It came to nothing. Answers whether it is tried again by itself, which it is for `waiting` callers where somebody
   * was there before and now nobody even says no: the network may come back before their calls expire.
   */
  failed(fault: Fault, waiting: boolean): boolean {
    if (this.#state === "closed") return false;
    this.#connection = undefined;
    const { env, address, redialMs } = this.#options;
    this.#state = "idle";
    this.#failures++;
    this.#lastFailure = `${address} cannot be reached: ${fault.message}`;
    const waitMs = backoffMs({ firstMs: FIRST_REDIAL_MS, mostMs: redialMs }, this.#failures, env.random);
    this.#notBefore = env.clock.now() + waitMs;
    this.#refused = !mayPass(fault.cause);
    if (!(waiting && this.#wasOpen && !this.#refused)) return false;
    this.#state = "waiting";
    this.#retry = env.clock.after(waitMs, () => void this.#dial());
    return true;
  }

  /** When it was last asked, somebody said that nobody is there. */
  get isRefused(): boolean {
    return this.#state === "idle" && this.#refused;
  }

  /** What `failed` was told last, for those whom it concerns. */
  get lastFailure(): string {
    return this.#lastFailure;
  }

  close(): void {
    this.#state = "closed";
    this.#retry?.cancel();
    this.#connection?.destroy();
  }

  async #dial(): Promise<void> {
    this.#state = "dialling";
    const { env, endpoint, timeoutMs, connection, handlers, onFailed } = this.#options;
    try {
      const stream = await env.network.connect(endpoint, timeoutMs);
      if (this.#isClosed()) return stream.destroy();
      this.#connection = new Connection(stream, connection, handlers);
    } catch (thrown) {
      const fault =
        thrown instanceof Fault ? thrown : new Fault("internal", asError(thrown).message, { cause: thrown });
      if (!this.#isClosed()) onFailed(fault);
    }
  }

  /** It may have been closed while it waited. */
  #isClosed(): boolean {
    return this.#state === "closed";
  }
}

/** No answer at all, unlike a refusal. */
function mayPass(cause: unknown): boolean {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "ETIMEDOUT" || code === "EHOSTUNREACH" || code === "ENETUNREACH";
}
