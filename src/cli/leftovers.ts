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

/** What a container takes to end after its calls have. */
const LAST_MS = 5_000;

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

/** Lets their calls end within the grace and kills what goes on after it. Settles with those that were killed. */
export async function endLeftovers(
  run: string,
  leftovers: readonly Leftover[],
  { env, graceMs }: { env: Pick<Env, "clock" | "random" | "network" | "log">; graceMs: number },
): Promise<readonly Leftover[]> {
  if (leftovers.length === 0) return [];
  const transport = zmtpTransport({ env });
  const killed: Leftover[] = [];
  await Promise.all(
    leftovers.map(async (leftover) => {
      const client = newClient({ env, transports: [transport], to: [leftover.address] });
      const timer = env.clock.after(graceMs + LAST_MS, () => kill(leftover));
      const asked = client.of(Container).drain({ graceMs }, { ttlMs: graceMs + LAST_MS });
      // One that cannot be told ends now.
      const unable = asked.then(
        () => undefined,
        () => kill(leftover),
      );
      await leftover.process.exited;
      timer.cancel();
      await registryOf(run, env.clock).forget(leftover.id);
      await unable;
    }),
  );
  await transport.close();
  return killed;

  function kill(leftover: Leftover): void {
    if (leftover.process.signal("SIGKILL")) killed.push(leftover);
  }
}

function registryOf(run: string, clock: Env["clock"]): Registry {
  return new Registry(systemDisk(), run, () => clock.wallNow());
}
