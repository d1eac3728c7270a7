// Whose logs there are, and where: of the containers that run, of the governor and the keeper, and of what ended.

import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { NodeStatus } from "../messages/gen/unum/control/v1/node_pb.ts";
import { contractsNamed, namedBy, shortNames, unknownName } from "./node-names.ts";

export interface LogSource {
  /** As it stands before each line. */
  readonly from: string;
  readonly path: string;
}

/** Of processes that are no containers. */
export const GOVERNOR_LOG = "governor";
export const KEEPER_LOG = "keeper";
const ENDING = ".log";

/** Of containers that ended, at most so many are listed. */
const ENDED_LISTED = 100;

/**
 * The logs a name stands for: a contract's containers, a program's, one container that runs or ran, `governor` or `keeper`; without a
 * name those of all that run. `logs`: the folder. Throws a UsageError where it stands for none.
 */
export async function sourcesNamed(
  name: string | undefined,
  status: NodeStatus | undefined,
  logs: string,
): Promise<readonly LogSource[]> {
  const containers = status?.containers ?? [];
  const short = shortNames(containers.map(({ id }) => id));
  const sourceOf = ({ id, log }: { id: string; log: string }): LogSource => ({ from: short(id), path: log });
  if (name === undefined && status !== undefined) return containers.map(sourceOf);
  if (name === GOVERNOR_LOG || name === KEEPER_LOG) return [{ from: name, path: join(logs, name + ENDING) }];
  const served = containers.flatMap(({ components }) => components.map(({ contract }) => contract));
  const contracts = name === undefined ? [] : contractsNamed(name, served);
  if (contracts.length > 0) {
    return containers
      .filter(({ components }) => components.some(({ contract }) => contracts.includes(contract)))
      .map(sourceOf);
  }
  const ofProgram = containers.filter(({ program }) => program !== "" && program === name);
  if (ofProgram.length > 0) return ofProgram.map(sourceOf);
  const running = name === undefined ? undefined : namedBy(name, containers, ({ id }) => id);
  if (running !== undefined) return [sourceOf(running)];
  const ended = await endedLogs(logs);
  if (name === undefined) return ended.slice(0, 8).map((id) => ({ from: id, path: join(logs, id + ENDING) }));
  const one = namedBy(name, ended, (id) => id);
  if (one !== undefined) return [{ from: shortNames(ended)(one), path: join(logs, one + ENDING) }];
  const known = [
    ...new Set([...served, ...containers.map(({ program }) => program).filter(Boolean)]),
    ...containers.map(({ id }) => id),
    GOVERNOR_LOG,
    KEEPER_LOG,
  ];
  throw unknownName(name, "no component, program or container known here", known);
}

/** The newest first. */
async function endedLogs(logs: string): Promise<readonly string[]> {
  const names = (await readdir(logs).catch(() => [])).filter((file) => file.endsWith(ENDING));
  const dated = await Promise.all(
    names.map(async (file) => ({
      id: basename(file, ENDING),
      at: (await stat(join(logs, file)).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  return dated
    .sort((a, b) => b.at - a.at)
    .slice(0, ENDED_LISTED)
    .map(({ id }) => id);
}
