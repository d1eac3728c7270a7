// `call.timer` where the program runs: calls that its container makes later, of what it serves itself, for programs that were
// granted `timer`.
//
// Invariants
//   T1. A container has MOST_TIMERS at most, and they end with it.
//   T2. Of one timer one call is under way at a time: a turn that comes meanwhile is left out.

import { fromBinary } from "@bufbuild/protobuf";
import type { Timer as ClockTimer } from "../../base/clock.ts";
import type { Env } from "../../base/env.ts";
import { asError, Fault } from "../../base/fault.ts";
import { newId } from "../../base/random.ts";
import { type Client, newClient } from "../../client/client.ts";
import { type Component, component } from "../../container/component.ts";
import type { Container } from "../../container/container.ts";
import { routeOf, type UnaryMethod } from "../../messages/contract.ts";
import { Mode } from "../../messages/envelope.ts";
import { Timer } from "../../messages/gen/unum/machine/v1/timer_pb.ts";
import { methodAt } from "../../messages/schema.ts";
import type { Transport } from "../../transports/transport.ts";
import type { ProgramAtWork } from "./program-store.ts";

export interface ProgramTimerParts {
  readonly env: Pick<Env, "clock" | "random" | "log">;
  readonly container: Pick<Container, "id" | "served" | "receive">;
  /** What the container serves: undefined where it is no program, and may have timers without being granted them. */
  readonly program: () => ProgramAtWork | undefined;
}

export const MOST_TIMERS = 1_000;
const LONGEST_MS = 31 * 86_400_000;
const LEAST_EVERY_MS = 100;

interface Running {
  readonly method: UnaryMethod;
  readonly value: Uint8Array;
  readonly everyMs: number;
  timer: ClockTimer | undefined;
  isCalling: boolean;
  /** The last one failed: said once, not each time. */
  failed: boolean;
}

/** `end`: cancels all. */
export function programTimerOf({ env, container, program }: ProgramTimerParts): {
  component: Component;
  end: () => void;
} {
  const running = new Map<string, Running>();
  let client: Client | undefined;
  const calls = () => (client ??= newClient({ env, transports: [within(container)], to: [ownDoor(container)] }));
  const fire = async (id: string, one: Running) => {
    if (one.everyMs === 0) running.delete(id);
    else one.timer = env.clock.after(one.everyMs, () => void fire(id, one));
    if (one.isCalling) return;
    one.isCalling = true;
    try {
      const input = fromBinary(one.method.input, one.value);
      if (routeOf(one.method).mode === Mode.ASYNC) await calls().send(one.method, input, { wantResult: false });
      else await calls().call(one.method, input);
      one.failed = false;
    } catch (error) {
      const text = `a timer's call to ${routeOf(one.method).path} failed: ${asError(error).message}`;
      if (!one.failed) env.log.write("warn", text, { container: container.id });
      one.failed = true;
    } finally {
      one.isCalling = false;
    }
  };
  const set = ({
    path,
    value,
    afterMs,
    everyMs,
  }: {
    path: string;
    value: Uint8Array;
    afterMs: bigint;
    everyMs: bigint;
  }) => {
    mayHave(program());
    if (running.size >= MOST_TIMERS)
      throw new Fault(
        "overloaded",
        `${running.size} timers are set in this container, which has ${MOST_TIMERS} at most`,
      );
    const method = methodAt(
      path,
      container.served.map(({ component: { contract } }) => contract),
    );
    const { mode } = routeOf(method);
    if (mode !== Mode.SYNC && mode !== Mode.ASYNC)
      throw new Fault("invalid", `${path} is neither SYNC nor ASYNC; a timer calls no other`);
    if (afterMs > LONGEST_MS || everyMs > LONGEST_MS)
      throw new Fault("invalid", `a timer is ${LONGEST_MS} ms away at most`);
    if (everyMs > 0 && everyMs < LEAST_EVERY_MS)
      throw new Fault("invalid", `every ${everyMs} ms is too often; ${LEAST_EVERY_MS} ms is the least`);
    const id = newId(env.random, "t");
    const [isCalling, failed, timer] = [false, false, undefined];
    // Of the modes above, so it has one answer.
    const one: Running = { method: method as UnaryMethod, value, everyMs: Number(everyMs), timer, isCalling, failed };
    one.timer = env.clock.after(Number(afterMs), () => void fire(id, one));
    running.set(id, one);
    return { timer: id };
  };
  return {
    component: component(Timer, {
      set,
      cancel: ({ timer }) => {
        mayHave(program());
        running.get(timer)?.timer?.cancel();
        return { wasSet: running.delete(timer) };
      },
    }),
    end: () => {
      for (const { timer } of running.values()) timer?.cancel();
      running.clear();
    },
  };
}

function mayHave(asking: ProgramAtWork | undefined): void {
  if (asking === undefined || asking.granted.some((each) => each === "timer" || each.startsWith("timer="))) return;
  throw new Fault(
    "denied",
    `a timer needs the capability 'timer', which program '${asking.name}' was not granted; it asks for it in program.json, and 'unum start' grants it with --grant`,
  );
}

function ownDoor({ id }: Pick<Container, "id">): string {
  return `direct://${id}`;
}

/** The one way that leads from a timer: into its own container. */
function within(container: Pick<Container, "receive">): Transport {
  return {
    schemes: ["direct"],
    listen: () => Promise.reject(new Fault("invalid", "nobody listens here")),
    send: (_, request) => container.receive(request),
    close: async () => {},
  };
}
