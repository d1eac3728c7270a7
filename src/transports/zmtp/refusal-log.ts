// Says who was refused and why, at most once a second however many there are.

import type { Env } from "../../base/env.ts";
import type { ZmtpFault } from "../../zmtp/index.ts";
import type { Address } from "../transport.ts";

const EVERY_MS = 1_000;

export class RefusalLog {
  readonly #env: Pick<Env, "clock" | "log">;
  #quietUntil = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(env: Pick<Env, "clock" | "log">) {
    this.#env = env;
  }

  refused(at: Address, peer: string, fault: ZmtpFault): void {
    if (fault.reason === "lost") {
      // Nobody refused it: it went away, as every client does, some without a goodbye.
      this.#env.log.write("debug", "connection lost", { address: at, peer, why: fault.message });
      return;
    }
    const now = this.#env.clock.now();
    if (now < this.#quietUntil) {
      this.#unsaid++;
      return;
    }
    this.#env.log.write("warn", "peer refused", {
      // Not `at`: that is the time of every line.
      address: at,
      peer,
      reason: fault.reason,
      why: fault.message,
      unsaidBefore: this.#unsaid,
    });
    this.#unsaid = 0;
    this.#quietUntil = now + EVERY_MS;
  }
}
