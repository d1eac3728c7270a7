// A caller of the trouble component that knows nothing of the command: what programs get.

import type { Client } from "../../src/client/client.ts";
import { newClient } from "../../src/client/client.ts";
import type { CallOptions } from "../../src/client/options.ts";
import { systemEnv } from "../../src/system/env.ts";
import { zmtpTransport } from "../../src/transports/zmtp/index.ts";
import { Modes } from "../gen/unum/test/v1/services_pb.ts";

const env = systemEnv();
const open: Client[] = [];

export interface Outcome {
  /** The text, the Fault's code, or the component's error by its class name. */
  readonly is: string;
  readonly message: string;
  readonly ms: number;
}

export interface Caller {
  /** What became of one call, and when. */
  outcome(text: string, options?: CallOptions): Promise<Outcome>;
  /** What was started in the container that answers, in order. */
  started(): Promise<readonly string[]>;
  readonly client: Client;
}

export function callerOf(...addresses: string[]): Caller {
  const client = newClient({ env, transports: [zmtpTransport({ env })], to: addresses });
  open.push(client);
  return {
    client,
    async outcome(text, options = {}) {
      const startedAt = performance.now();
      const ended = (is: string, message = "") => ({ is, message, ms: performance.now() - startedAt });
      try {
        return ended((await client.call(Modes.method.plain, { text }, options)).text);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        const { code, type } = error as Error & { code?: string; type?: string };
        return ended(code ?? type ?? error.name, error.message);
      }
    },
    async started() {
      return (await client.call(Modes.method.plain, { text: "started" }, { ttlMs: 10_000 })).lines;
    },
  };
}

export async function closeCallers(): Promise<void> {
  await Promise.all(open.splice(0).map((client) => client.close()));
}
