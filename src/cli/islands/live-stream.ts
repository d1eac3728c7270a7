// Live figures as a stream that any number may subscribe to: the contract unum.islands.v1.Run, at a socket of the run's folder.
//
// Invariants
//   L1. Whoever subscribes is given the newest figures at once, and the last ones before the stream ends.
//   L2. A slow reader costs nothing: what it did not read in time is passed over.

import type { Env } from "../../base/env.ts";
import { asError } from "../../base/fault.ts";
import { newClient } from "../../client/client.ts";
import { component } from "../../container/component.ts";
import { Run } from "../../messages/gen/unum/islands/v1/run_pb.ts";
import { runContainer } from "../../node/run-container.ts";
import type { Address } from "../../transports/transport.ts";
import { zmtpTransport } from "../../transports/zmtp/index.ts";
import { makeRunFolder, runFolder, socketAddress } from "../run-folder.ts";

export interface LiveStream {
  tell(json: string): void;
  /** After the last figures were told. */
  end(): Promise<void>;
}

/** At one time; one more waits for its turn. */
const SUBSCRIBERS = 256;
/** For those that are about to read the last figures. */
const GRACE_MS = 500;
const LONGEST_MS = 2 ** 31 - 1;
/** A subscription lasts so long, then it is made again: none outlives a reader by more. */
const RENEWED_MS = 5_000;

function addressOf(folder: string): Address {
  return socketAddress(runFolder({ UNUM_HOME: folder }), "live");
}

/** `folder`: the run's. Where no socket can be had, nobody can subscribe, and the run goes on all the same. */
export async function serveLive(folder: string, env: Env): Promise<LiveStream> {
  let newest = { json: "", number: 0 };
  let ended = false;
  let { promise: next, resolve: wake } = Promise.withResolvers<void>();
  const changed = () => {
    wake();
    ({ promise: next, resolve: wake } = Promise.withResolvers<void>());
  };
  const run = component(
    Run,
    {
      // Who withdraws is left at the next figures, which are never far away.
      async *watch() {
        for (let seen = 0; ; ) {
          if (newest.number > seen) {
            seen = newest.number;
            yield { json: newest.json };
          } else if (ended) return;
          else await next;
        }
      },
    },
    { version: "1.0.0", concurrency: SUBSCRIBERS, budgetMs: LONGEST_MS },
  );
  const container = await makeRunFolder(runFolder({ UNUM_HOME: folder }))
    .then(() =>
      runContainer({ env, components: [run], transports: [zmtpTransport({ env })], listen: [addressOf(folder)] }),
    )
    .catch((error) => env.log.write("error", `nobody can subscribe to the figures: ${asError(error).message}`));
  return {
    tell: (json) => {
      newest = { json, number: newest.number + 1 };
      changed();
    },
    end: async () => {
      ended = true;
      changed();
      await container?.drain(GRACE_MS);
    },
  };
}

/** Figures of a run as they are told; ends with the run, or at once where nobody tells any. */
export async function* subscribed(folder: string, env: Env, signal: AbortSignal): AsyncGenerator<string, void> {
  const client = newClient({ env, transports: [zmtpTransport({ env })], to: [addressOf(folder)] });
  try {
    for (let more = true; more && !signal.aborted; ) {
      more = false;
      try {
        for await (const { json } of client.stream(Run.method.watch, {}, { ttlMs: RENEWED_MS, signal })) {
          more = true;
          yield json;
        }
        return;
      } catch {
        // Its time is over, and it is asked again; or it was withdrawn, or the run is gone, and then nothing more comes.
      }
    }
  } finally {
    await client.close();
  }
}
