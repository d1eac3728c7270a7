// Where the islands of a run evolve: in this process, on a node of the run's own, or on containers of nodes that are there.

import type { Env } from "../../base/env.ts";
import { Fault } from "../../base/fault.ts";
import { ownHosts } from "../../islands/archipelago/host.ts";
import { withoutExit } from "../../islands/host/no-exit.ts";
import type { ToOptions } from "../connection.ts";
import type { Places, Told } from "./conduct.ts";
import { containerHosts, hostedProposer } from "./container-hosts.ts";
import { loadProblem } from "./load-problem.ts";
import { openNetwork } from "./network-hosts.ts";
import { startOwnNode } from "./own-node.ts";
import type { RunRecord, RunStore } from "./run-store.ts";

export interface PlaceFlags extends ToOptions {
  readonly inProcess?: boolean;
}

interface Placing {
  readonly record: RunRecord;
  readonly store: RunStore;
  readonly env: Env;
  readonly flags: PlaceFlags;
  readonly told: Told;
}

export function placesFor(of: Placing): Promise<Places> {
  if (of.flags.inProcess) return inThisProcess(of);
  return of.record.to === undefined ? onOwnNode(of) : onNodes(of, of.record.to);
}

async function inThisProcess({ record }: Placing): Promise<Places> {
  const problem = await loadProblem(record.problem, { evaluationMs: record.evaluationMs });
  let last = performance.now();
  // Figures, commands and checkpoints wait for the disk: they have a twentieth of the time.
  const turn = async () => {
    const until = performance.now() + (performance.now() - last) / 20;
    do await new Promise<void>((resolve) => setImmediate(resolve));
    while (performance.now() < until);
    last = performance.now();
  };
  const hosts = ownHosts(problem, () => performance.now(), turn);
  return {
    ...hosts,
    evolve: (request, signal) => withoutExit(() => hosts.evolve(request, signal)),
    where: "in this process",
    isThere: () => true,
  };
}

async function onOwnNode({ record, store, env, told }: Placing): Promise<Places> {
  const node = await startOwnNode(store.folder, record.processes, env, told.restored);
  const hosts = containerHosts({ client: node.client, env, told, context: contextOf(record) });
  const where = `on ${record.processes} processes`;
  return { ...hosts, where, isThere: ({ pid }) => isAlive(pid), close: () => node.close() };
}

async function onNodes({ record, env, flags, told }: Placing, to: readonly string[]): Promise<Places> {
  const network = await openNetwork({ ...flags, to });
  try {
    const { version } = await network.problem(record.problem);
    // A problem that is another one by now would find something else.
    if (record.problem.kind === "served" && record.problem.version !== version) {
      const { name, version: first } = record.problem;
      throw new Fault(
        "denied",
        `${record.name} was begun with version ${first} of '${name}' and there is ${version} now; start version ${first} again, or begin a new run`,
      );
    }
    const hosts = containerHosts({
      ...{ client: network.client, env, told, context: contextOf(record), nodeOf: network.nodeOf },
      ...(version === "" ? undefined : { version: `=${version}` }),
    });
    const propose = hostedProposer({
      ...{ client: network.client, context: contextOf(record) },
      ...(version === "" ? undefined : { version: `=${version}` }),
    });
    const isNode = network.connection.node !== undefined;
    const where = `on ${network.hosts()} containers${isNode ? ` of ${network.nodes()} nodes` : ""}`;
    const isThere: Places["isThere"] = ({ container }) => !isNode || network.nodeOf(container) !== undefined;
    return { ...hosts, where, isThere, propose, close: () => network.close() };
  } catch (error) {
    await network.close();
    throw error;
  }
}

function contextOf({ problem, evaluationMs }: RunRecord) {
  return { problem: JSON.stringify(problem), evaluationMs };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
