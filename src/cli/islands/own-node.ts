// A node of a run's own: a governor that keeps as many containers as islands may run at a time. It lives as long as this process.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Env } from "../../base/env.ts";
import { Fault } from "../../base/fault.ts";
import { type NodeClient, newNodeClient } from "../../client/node-client.ts";
import { Keeper } from "../../governor/keeper.ts";
import { systemDisk } from "../../system/disk.ts";
import { systemProcesses } from "../../system/processes.ts";
import { zmtpTransport } from "../../transports/zmtp/index.ts";
import { endLeftovers, leftoversOf } from "../leftovers.ts";
import { makeRunFolder, runFolder, socketAddress } from "../run-folder.ts";
import { governorProcess } from "../up/beginning.ts";
import { nodeIdOf } from "../up/node-id.ts";

export interface OwnNode {
  readonly client: NodeClient;
  /** Processes of it that run now: the governor first. */
  readonly governorPid: () => number | undefined;
  close(): Promise<void>;
}

const COMPONENTS = fileURLToPath(new URL("./components", import.meta.url));
const START_LIMIT_MS = 30_000;

/** `folder`: the run's own. `containers`: how many slices run at a time. `restored`: told where its governor died. */
export async function startOwnNode(
  folder: string,
  containers: number,
  env: Env,
  restored: (what: string) => void,
): Promise<OwnNode> {
  const home = join(folder, "node");
  const run = runFolder({ UNUM_HOME: home });
  const logs = join(home, "log");
  await makeRunFolder(run);
  await systemDisk().makeFolder(logs);
  const processes = systemProcesses(env.clock);
  // Those of a run that was killed go first: they would wait for their lease to end.
  await endLeftovers(run, await leftoversOf(run, env), { env, graceMs: 0 });
  rmSync(join(run, "door.sock"), { force: true });
  const keeper = new Keeper({
    ...{ clock: env.clock, random: env.random, processes },
    log: { write: (_, message, fields) => restored(`${message}${pidText(fields)}`) },
    governor: (restarts) =>
      governorProcess(
        {
          id: nodeIdOf(run, env.random),
          ...{ run, logs, folder: COMPONENTS, listen: [] },
          limits: { node: { containers, spares: 0 } },
          ...{ graceMs: 1_000, restarts, log: "info" },
          keeper: { pid: process.pid, startTime: processes.startTimeOf(process.pid) ?? "" },
        },
        join(logs, "governor.log"),
      ),
  });
  await keeper.start();
  const kept = keeper.keep();
  const end = async () => {
    keeper.end();
    keeper.governor?.signal("SIGTERM");
    const late = env.clock.after(5_000, () => keeper.kill());
    await kept;
    late.cancel();
    await endLeftovers(run, await leftoversOf(run, env), { env, graceMs: 1_000 });
  };
  const client = await connected(run, env).catch(async (error) => {
    await end();
    throw new Fault("internal", `the node for the islands does not come up: ${lastLine(join(logs, "governor.log"))}`, {
      cause: error,
    });
  });
  return {
    client,
    governorPid: () => keeper.governor?.id.pid,
    close: async () => {
      await client.close();
      await end();
    },
  };
}

/** The door may not be there yet. */
async function connected(run: string, env: Env): Promise<NodeClient> {
  const until = env.clock.now() + START_LIMIT_MS;
  for (;;) {
    try {
      const transports = [zmtpTransport({ env })];
      return await newNodeClient({ env, transports, seeds: [socketAddress(run, "door")], withinMs: 2_000 });
    } catch (error) {
      if (env.clock.now() > until) throw error;
    }
  }
}

function pidText(fields: Readonly<Record<string, unknown>> | undefined): string {
  return fields?.["pid"] === undefined ? "" : ` (it was process ${fields["pid"]})`;
}

function lastLine(path: string): string {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").at(-1) ?? "";
  } catch {
    return `nothing is written in ${path}`;
  }
}
