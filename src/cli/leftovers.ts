// The containers of a node as its governor wrote them down: to end them where no governor does.

import type { Env } from "../base/env.ts";
import type { WatchedProcess } from "../base/processes.ts";
import { newClient } from "../client/client.ts";
import { resolved, takeBack } from "../governor/left-behind.ts";
import { Registry } from "../governor/registry.ts";
import { Container } from "../messages/gen/unum/control/v1/container_pb.ts";
import { systemDisk } from "../system/disk.ts";
import { systemProcesses } from "../system/processes.ts";
import type { Address } from "../transports/transport.ts";
import { zmtpTransport } from "../transports/zmtp/index.ts";

export interface Leftover {
  readonly id: string;
  readonly address: Address;
  readonly process: WatchedProcess;
}

/** What a container takes to end after its calls have, and a process that was killed to be gone. */
const LAST_MS = 5_000;

export interface EndOfLeftovers {
  /** Those whose calls were not over. */
  readonly killed: readonly Leftover[];
  /** Those that run all the same: the system does not let go of them, as of what waits for a disk that does not answer. */
  readonly remaining: readonly Leftover[];
}

/** Those that still run, watched. */
export async function leftoversOf(run: string, { clock }: Pick<Env, "clock">): Promise<readonly Leftover[]> {
  const processes = systemProcesses(clock);
  return (await recordedIn(run, clock)).flatMap(({ id, address, pid, startTime }) => {
    const process = processes.adopt({ pid, startTime });
    return process === undefined ? [] : [{ id, address, process }];
  });
}

/** Of those that run now. */
export async function runningIn(run: string, { clock }: Pick<Env, "clock">): Promise<readonly string[]> {
  return (await recordedIn(run, clock)).filter(({ isRunning }) => isRunning).map(({ id }) => id);
}

/** Where no governor is: forgets those that have ended. */
export async function forgetEnded(run: string, { clock }: Pick<Env, "clock">): Promise<void> {
  const registry = registryOf(run, clock);
  const processes = systemProcesses(clock);
  const { lost } = resolved(await registry.read(), processes);
  for (const intent of lost) await takeBack(intent, { registry, processes });
  for (const { id, isRunning } of await recordedIn(run, clock)) if (!isRunning) await registry.forget(id);
}

async function recordedIn(run: string, clock: Env["clock"]) {
  const processes = systemProcesses(clock);
  const { records } = resolved(await registryOf(run, clock).read(), processes);
  return records.map((record) => ({
    ...record,
    isRunning: processes.startTimeOf(record.pid) === record.startTime,
  }));
}

/** Lets their calls end within the grace and kills what goes on after it. Settles at the latest `graceMs` + 2 LAST_MS later. */
export async function endLeftovers(
  run: string,
  leftovers: readonly Leftover[],
  { env, graceMs }: { env: Pick<Env, "clock" | "random" | "network" | "log">; graceMs: number },
): Promise<EndOfLeftovers> {
  const killed: Leftover[] = [];
  const remaining: Leftover[] = [];
  if (leftovers.length === 0) return { killed, remaining };
  const transport = zmtpTransport({ env });
  const limitMs = graceMs + LAST_MS;
  await Promise.all(
    leftovers.map(async (leftover) => {
      const client = newClient({ env, transports: [transport], to: [leftover.address] });
      const late = env.clock.after(limitMs, () => kill(leftover));
      const tooLate = Promise.withResolvers<void>();
      const given = env.clock.after(limitMs + LAST_MS, tooLate.resolve);
      // One that cannot be told ends now.
      client
        .of(Container)
        .drain({ graceMs }, { ttlMs: limitMs })
        .catch(() => kill(leftover));
      await Promise.race([leftover.process.exited, tooLate.promise]);
      late.cancel();
      given.cancel();
      if (leftover.process.isRunning()) remaining.push(leftover);
      else await registryOf(run, env.clock).forget(leftover.id);
    }),
  );
  await transport.close();
  return { killed: killed.filter((each) => !remaining.includes(each)), remaining };

  function kill(leftover: Leftover): void {
    if (!killed.includes(leftover) && leftover.process.signal("SIGKILL")) killed.push(leftover);
  }
}

function registryOf(run: string, clock: Env["clock"]): Registry {
  return new Registry(systemDisk(), run, () => clock.wallNow());
}
