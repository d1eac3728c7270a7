// An address somebody listens at.

import type { Envelope } from "../../messages/envelope.ts";
import type { Receive } from "../transport.ts";
import type { MemoryProcess } from "./process.ts";

export const MEMORY_SCHEME = "memory://";

export class Place {
  readonly process: MemoryProcess;
  readonly #receive: Receive;
  /** Requests taken whose replies have neither left nor become impossible. */
  #open = 0;
  #whenIdle: (() => void)[] = [];

  constructor(process: MemoryProcess, receive: Receive) {
    this.process = process;
    this.#receive = receive;
  }

  take(request: Envelope, peer: string | undefined): Promise<Envelope> {
    return this.#receive(request, peer);
  }

  began(): void {
    this.#open++;
  }

  ended(count: number): void {
    this.#open -= count;
    if (this.#open === 0) for (const settle of this.#whenIdle.splice(0)) settle();
  }

  idle(): Promise<void> {
    return this.#open === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve));
  }
}
