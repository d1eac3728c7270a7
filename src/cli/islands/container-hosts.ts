// Islands on containers: each slice is a call to whichever has room, on any computer, asked again where its host died.

import { sleep } from "../../base/clock.ts";
import type { Env } from "../../base/env.ts";
import { ApplicationError, Fault, isFaultCode } from "../../base/fault.ts";
import type { Client } from "../../client/client.ts";
import type { CallOptions } from "../../client/options.ts";
import type { Hosts, SliceReply, SliceRequest } from "../../islands/archipelago/host.ts";
import { ENDS } from "../../islands/host/worker-messages.ts";
import type { Propose } from "../../islands/proposer.ts";
import {
  IslandHost,
  proposalOf,
  proposerCallMessage,
  type RequestContext,
  replyOf,
  requestMessage,
} from "../../islands/wire.ts";
import type { Told } from "./conduct.ts";

export interface ContainerHostsSettings {
  readonly client: Pick<Client, "request">;
  readonly env: Env;
  readonly context: RequestContext;
  readonly told: Told;
  /** Semver range of the component; left out: any. */
  readonly version?: string;
  /** The node a container is of, where it is to be told. */
  readonly nodeOf?: (container: string) => string | undefined;
}

/** A slice ends by itself; what ends the wait is the end of its host. */
const SLICE_TTL_MS = 24 * 3_600_000;
const WITHIN_MS = 60_000;
const PAUSE_MS = 100;
/** Of one slice in a row, after which it is evaluated in a process of its own. */
const LOSSES = 2;
/** Of one slice in a row, after which no process of its own helped: it would be lost for ever. */
const LOSSES_LIMIT = 30;
/** Programs beside each other may host islands of other problems: so many of them are passed by in a row. */
const STRANGERS_LIMIT = 100;

/** The proposer of a problem that containers host: any of them that has it. */
export function hostedProposer(of: Pick<ContainerHostsSettings, "client" | "context" | "version">): Propose {
  const { client, context, version = "" } = of;
  const options: CallOptions = { ttlMs: SLICE_TTL_MS, withinMs: WITHIN_MS, version };
  return async (call) => {
    const message = proposerCallMessage(context.problem, call);
    for (let strangers = 0; ; strangers++) {
      try {
        const inTurn: CallOptions = strangers === 0 ? {} : { prefer: "round-robin" };
        const all = { ...options, ...inTurn, signal: call.signal };
        return proposalOf((await client.request(IslandHost.method.propose, message, all)).value);
      } catch (thrown) {
        if (!isStranger(thrown) || strangers === STRANGERS_LIMIT) throw thrown;
      }
    }
  };
}

export function containerHosts(settings: ContainerHostsSettings): Hosts {
  const { client, env, context, told, version = "", nodeOf = () => undefined } = settings;
  const options: CallOptions = { ttlMs: SLICE_TTL_MS, withinMs: WITHIN_MS, version };
  /** Whether some candidate was found to end its process: then others may. */
  let isolated = false;
  /** Undefined where the process was lost with it. */
  const once = async (request: SliceRequest, signal: AbortSignal): Promise<SliceReply | undefined> => {
    const message = requestMessage(request, context);
    for (let strangers = 0; ; ) {
      try {
        const inTurn: CallOptions = strangers === 0 ? {} : { prefer: "round-robin" };
        const reply = await client.request(IslandHost.method.evolve, message, { ...options, ...inTurn, signal });
        const container = reply.from[0] ?? "";
        told.served(request.island, { container, pid: reply.value.pid, node: nodeOf(container) });
        return replyOf(reply.value);
      } catch (thrown) {
        signal.throwIfAborted();
        if (isStranger(thrown) && ++strangers < STRANGERS_LIMIT) continue;
        if (thrown instanceof ApplicationError) throw ownFault(thrown);
        if (!(thrown instanceof Fault) || thrown.retry === "never") throw thrown;
        if (thrown.started === "no") told.waits(request.island, thrown.message);
        else told.recovered(request.island, thrown.message);
        await sleep(env.clock, PAUSE_MS, signal);
        if (thrown.started !== "no") return undefined;
      }
    }
  };
  return {
    evolve: async (request, signal) => {
      for (let losses = 0; ; losses++) {
        if (losses === LOSSES_LIMIT) throw lostForEver(request.island);
        const reply = await once({ ...request, isolated: isolated || losses >= LOSSES }, signal);
        // Where nobody was found to end processes, it was others.
        if (reply !== undefined && losses >= LOSSES)
          isolated ||= reply.quarantined.some(({ reason }) => reason === ENDS);
        if (reply !== undefined) return reply;
      }
    },
    close: async () => {},
  };
}

/** What a host says ends the search is no failure of the call that brought it. */
function ownFault(thrown: ApplicationError): Error {
  const code = thrown.type.replace(/^Fault\./, "");
  return isFaultCode(code) ? new Fault(code, thrown.message, { cause: thrown }) : thrown;
}

function lostForEver(island: string): Fault {
  return new Fault(
    "internal",
    `${island} lost whoever evaluated it ${LOSSES_LIMIT} times in a row: a candidate ends whole processes, and there none of its own may be started to find it, as in a program with "trust": "confined"; resume the run where it may`,
  );
}

function isStranger(thrown: unknown): boolean {
  return thrown instanceof ApplicationError && thrown.type === "Fault.not-found";
}
