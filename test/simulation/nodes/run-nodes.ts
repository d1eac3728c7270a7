// Runs one plan of nodes to its end and judges it.
//
//   the plan's span ──▶ healed ──▶ calls over ──▶ calm ──▶ every node told to end ──▶ leases over ──▶ judged

import type { Line } from "../../../src/testing/hosts/host-events.ts";
import type { NodeCode } from "../../../src/testing/hosts/programs.ts";
import type { Violation } from "../../../src/testing/invariants.ts";
import type { NodeFaultKind } from "../../../src/testing/node-faults.ts";
import { type NodeWorld, nodeWorld } from "../../../src/testing/node-world.ts";
import type { TraceEvent } from "../../../src/testing/trace.ts";
import { CONTRACTS } from "../components.ts";
import { CODE } from "./code.ts";
import type { NodeCall, NodeOperation, NodesPlan } from "./node-plan.ts";

export interface NodesResult {
  readonly violations: readonly Violation[];
  readonly hash: string;
  readonly fired: Readonly<Record<NodeFaultKind, number>>;
  readonly events: readonly TraceEvent[];
  /** Virtual time it took. */
  readonly ms: number;
}

export interface NodesRunOptions {
  readonly nodeCode?: NodeCode;
  readonly onLine?: (line: Line) => void;
}

const GRACE_MS = 3_000;
/** By then every call made has ended, unless something hangs. */
const LONGEST_MS = 30_000;
const LEASE_MS = 80_000;

export async function runNodes(plan: NodesPlan, options: NodesRunOptions = {}): Promise<NodesResult> {
  const errors: string[] = [];
  const uncaught = (error: unknown) =>
    errors.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.on("unhandledRejection", uncaught);
  try {
    const world = await nodeWorld({
      ...{ seed: plan.seed, clients: plan.clients, faults: plan.faults, components: CODE, ...options },
      nodes: plan.nodes.map(({ name, cpus, containers }) => ({
        ...{ name, cpus, graceMs: GRACE_MS, limits: { node: { containers } } },
      })),
      conditions: { delayMs: 0.2, jitterMs: 0.3 },
    });
    await live(world, plan);
    const violations = world.violations();
    return {
      violations: [...violations, ...errors.map((text) => ({ invariant: 0, text }))],
      ...{ hash: world.trace.hash, fired: world.fired, events: world.trace.events, ms: world.clock.now() },
    };
  } finally {
    process.off("unhandledRejection", uncaught);
  }
}

async function live(world: NodeWorld, plan: NodesPlan): Promise<void> {
  const run = new NodesRun(world);
  const startedAt = world.clock.now();
  for (const operation of plan.operations) world.clock.after(operation.at, () => run.begin(operation));
  await world.advance(plan.spanMs);
  world.heal();
  // Where something hangs, the judges say what.
  await world.clock.runUntil(() => run.open === 0 && world.clock.now() > startedAt + plan.spanMs, LONGEST_MS);
  await world.calm();
  // Some are not told: what they leave has to end by itself.
  if (plan.seed % 4 === 1)
    for (const node of world.nodes) for (const each of [node.keeper, node.governor]) each?.signal("SIGKILL");
  const ended = Promise.all(world.nodes.map((node) => node.down()));
  await world.settled(ended, LEASE_MS).catch(() => {});
  const left = () => world.nodes.some(({ containers }) => containers.length > 0);
  if (left()) await world.clock.runUntil(() => !left(), LEASE_MS);
}

class NodesRun {
  readonly #world: NodeWorld;
  open = 0;

  constructor(world: NodeWorld) {
    this.#world = world;
  }

  begin(operation: NodeOperation): void {
    // Every way to end is an outcome, and the trace has it; who sits before a node that is down is told so.
    const end = () => {
      this.open--;
    };
    this.open++;
    this.#act(operation).then(end, end);
  }

  async #act(operation: NodeOperation): Promise<void> {
    switch (operation.kind) {
      case "limit":
        await this.#world.node(operation.node).setLimits({ containers: operation.containers });
        return;
      case "deploy":
        this.#world.node(operation.node).deploy(operation.code);
        return;
      case "drain": {
        const node = this.#world.node(operation.node);
        const chosen = node.containers[Math.floor(operation.which * node.containers.length)];
        if (chosen !== undefined) await node.drain(chosen.name, GRACE_MS);
        return;
      }
      default:
        await this.#call(operation);
    }
  }

  async #call({ kind, client: index, contract, job, ttlMs, withinMs }: NodeCall): Promise<void> {
    const client = this.#world.client(index);
    const { work, items, tell } = CONTRACTS[contract].method;
    const options = { ttlMs, withinMs };
    if (kind === "work") await client.call(work, job, options);
    else if (kind === "tell") await client.broadcast(tell, job, options);
    else for await (const _ of client.stream(items, job, { ...options, credit: 3 }));
  }
}
