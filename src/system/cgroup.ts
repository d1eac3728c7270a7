// What control groups leave to this process: CPU time, CPUs and memory, in version 1, version 2 or both (cgroups(7)).
//
// A limit holds for a group and all below it, so every folder from this process's own up to the root of the mount counts.
// In a container the mount often begins at the container's own group while the path still tells of its place on the host.

import { readFileSync } from "node:fs";
import { posix } from "node:path";

export interface CgroupLimits {
  /** CPU time per time, 1.5 for one and a half CPUs; undefined without a quota. */
  readonly quotaCpus: number | undefined;
  /** CPUs it may run on; undefined where nothing says so. */
  readonly cpuCount: number | undefined;
  readonly memoryBytes: number | undefined;
}

interface Mount {
  /** The group that is the root of what is seen at `point`. */
  readonly root: string;
  readonly point: string;
  /** The controllers of version 1; undefined for version 2. */
  readonly controllers: readonly string[] | undefined;
}

/** A group of version 1 without a limit has the largest number of pages instead. */
const NO_LIMIT_BYTES = 2 ** 60;

/** `root`: put before every path, for tests. Nothing is limited where there are no control groups. */
export function cgroupLimits(root = ""): CgroupLimits {
  const mounts = mountsIn(text(`${root}/proc/self/mountinfo`));
  const paths = pathsIn(text(`${root}/proc/self/cgroup`));
  const folders = (controller: string) => foldersOf(root, mounts, paths, controller);
  return {
    quotaCpus: least(folders("cpu").map(quotaOf)),
    cpuCount: least(folders("cpuset").map(cpuCountOf)),
    memoryBytes: least(folders("memory").map(memoryOf)),
  };
}

/** proc_pid_mountinfo(5): `… ROOT POINT OPTIONS [FIELDS] - TYPE SOURCE OPTIONS`. */
function mountsIn(mountinfo: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ", 2);
    const [, , , root = "", point = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (type === "cgroup2") mounts.push({ root, point, controllers: undefined });
    if (type === "cgroup") mounts.push({ root, point, controllers: options.split(",") });
  }
  return mounts;
}

/** The group of this process by controller, "" for version 2: lines of `ID:CONTROLLERS:PATH`. */
function pathsIn(cgroup: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const line of cgroup.split("\n")) {
    const [, controllers, ...path] = line.split(":");
    if (controllers === undefined) continue;
    for (const controller of controllers.split(",")) paths.set(controller, path.join(":"));
  }
  return paths;
}

/** From the own group up to the root of the mount, in each version that has the controller. */
function foldersOf(
  root: string,
  mounts: readonly Mount[],
  paths: ReadonlyMap<string, string>,
  controller: string,
): string[] {
  return mounts.flatMap((mount) => {
    const { controllers, point } = mount;
    if (controllers !== undefined && !controllers.includes(controller)) return [];
    const path = paths.get(controllers === undefined ? "" : controller);
    if (path === undefined) return [];
    const folders: string[] = [];
    for (let at = below(mount, path); ; at = posix.dirname(at)) {
      folders.push(`${root}${posix.join(point, at)}`);
      if (at === "/" || at === ".") return folders;
    }
  });
}

/** The path from the mount's root; "/" where the path is told from elsewhere. */
function below({ root }: Mount, path: string): string {
  if (root === "/") return posix.join("/", path);
  if (path === root) return "/";
  return path.startsWith(`${root}/`) ? path.slice(root.length) : "/";
}

function quotaOf(folder: string): number | undefined {
  const [quota, period] = text(`${folder}/cpu.max`).trim().split(" ");
  return (
    ratio(quota, period) ?? ratio(text(`${folder}/cpu.cfs_quota_us`).trim(), text(`${folder}/cpu.cfs_period_us`).trim())
  );
}

/** "max", -1 and nothing are no quota. */
function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const [over, under] = [positive(quota), positive(period)];
  return over === undefined || under === undefined ? undefined : over / under;
}

function cpuCountOf(folder: string): number | undefined {
  for (const name of ["cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"]) {
    const count = countOfList(text(`${folder}/${name}`).trim());
    if (count > 0) return count;
  }
  return undefined;
}

/** As 0-3,7: five. */
function countOfList(list: string): number {
  let count = 0;
  for (const range of list.split(",")) {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    if (from !== undefined) count += Math.max(0, Number(to ?? from) - Number(from) + 1);
  }
  return count;
}

function memoryOf(folder: string): number | undefined {
  const bytes =
    positive(text(`${folder}/memory.max`).trim()) ?? positive(text(`${folder}/memory.limit_in_bytes`).trim());
  return bytes === undefined || bytes >= NO_LIMIT_BYTES ? undefined : bytes;
}

function positive(digits: string | undefined): number | undefined {
  return digits !== undefined && /^\d+$/.test(digits) && Number(digits) > 0 ? Number(digits) : undefined;
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function text(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
