// What `unum up` was asked for, checked before anything is started.

import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { asError } from "../../base/fault.ts";
import type { LogLevel } from "../../base/log.ts";
import { changeLimits, defaultLimits, type LimitsChange } from "../../capacity/limits.ts";
import type { PluginFile } from "../../node/load-plugins.ts";
import { systemDisk } from "../../system/disk.ts";
import { systemResources } from "../../system/resources.ts";
import { fitting, type LimitFlags, limitsOf } from "../limit-options.ts";
import { logFolder } from "../log-folder.ts";
import { machineFolder } from "../machine/machine-file.ts";
import { type MachineStart, machinePlanOf } from "../machine/machine-plan.ts";
import { type PluginFlags, pluginFilesOf } from "../plugin-options.ts";
import { makeRunFolder, runFolder } from "../run-folder.ts";
import { UsageError } from "../usage.ts";
import { type NetworkFlags, type NetworkPlan, networkPlanOf } from "./network-plan.ts";

export interface UpFlags extends LimitFlags, NetworkFlags, PluginFlags {
  readonly components?: string;
  readonly open?: string;
  readonly grace: number;
  readonly idle?: number;
  readonly log: LogLevel;
  readonly detach?: boolean;
  readonly untilStdinEnds?: boolean;
  readonly json?: boolean;
}

export interface Plan extends NetworkPlan {
  /** All absolute; the folder of components may be empty: then only programs are served. */
  readonly folder: string;
  readonly run: string;
  readonly logs: string;
  readonly limits: LimitsChange;
  readonly graceMs: number;
  readonly idleMs?: number;
  readonly plugins: readonly PluginFile[];
  readonly machine: MachineStart;
  /** It lets other computers in from now on. */
  readonly opensFirst: boolean;
  readonly log: LogLevel;
  readonly untilStdinEnds: boolean;
  readonly json: boolean;
}

/** What needs no folder of the node's to be found wrong. Throws a UsageError or a Fault for the first such thing. */
export async function checkedFlags(flags: UpFlags): Promise<Pick<Plan, "folder" | "limits" | "plugins">> {
  if (flags.detach && flags.untilStdinEnds) {
    throw new UsageError(
      "--detach goes on without who started it, so --until-stdin-ends has nothing to wait for; give one of them",
    );
  }
  const folder = flags.components === undefined ? "" : resolve(flags.components);
  if (folder !== "") await checkFolder(folder);
  const defaults = defaultLimits(systemResources().available());
  const limits = limitsOf(fitting(flags, defaults.container.memoryBytes));
  changeLimits(defaults, limits, defaults);
  return { folder, limits, plugins: pluginFilesOf(flags) };
}

/** Makes the folders. Throws a UsageError or a Fault for the first thing that is wrong. */
export async function planOf(flags: UpFlags): Promise<Plan> {
  const { folder, limits, plugins } = await checkedFlags(flags);
  // What is wrong is said before a folder is made; a machine that was opened before brings certificates of its own.
  if (flags.open === undefined && !existsSync(machineFolder())) await networkPlanOf(flags);
  const [run, logs] = [runFolder(), logFolder()];
  await makeRunFolder(run);
  await systemDisk().makeFolder(logs);
  const { machine, network, opensFirst } = await machinePlanOf(flags, run);
  const reach = await networkPlanOf(network);
  const { grace: graceMs, idle: idleMs, log, untilStdinEnds = false, json = false } = flags;
  const idle = idleMs === undefined ? {} : { idleMs };
  const asked = { folder, run, logs, limits, graceMs, plugins, log, untilStdinEnds, json };
  return { ...asked, ...reach, ...idle, machine, opensFirst };
}

async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error) => asError(error));
  if (!(found instanceof Error)) {
    if (found.isDirectory()) return;
    throw new UsageError(`${folder} is a file; give the folder your components are in`);
  }
  const code = "code" in found ? found.code : undefined;
  const why = code === "ENOENT" ? `there is no folder ${folder}` : `cannot look at ${folder}: ${found.message}`;
  throw new UsageError(`${why}; give the folder your components are in`);
}

/** HOST:PORT, several with commas between them; the option may be given again. */
export function parseSeeds(text: string, before: readonly string[] = []): readonly string[] {
  const seeds = text.split(",").map((seed) => seed.trim());
  for (const seed of seeds) {
    const port = Number(/^(?:\[[\da-fA-F:.]+\]|[^\s:[\]]+):(\d{1,5})$/.exec(seed)?.[1]);
    if (!(port >= 1 && port <= 65_535)) throw new UsageError(`'${seed}' is not HOST:PORT, as 10.0.0.1:7000`);
  }
  return [...before, ...seeds];
}
