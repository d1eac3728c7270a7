// What is done to computers, processes and roads, for as long as the plan says.

import type { Roads } from "../roads.ts";
import type { StackedMachines } from "./stacked-machines.ts";
import { ALL_NODES, type Fault, NODES, nodesOf, parentOf } from "./stacking-plan.ts";

const PAUSED = {
  governor: ["governor"],
  gateway: ["gateway"],
  containers: ["container"],
  all: ["keeper", "governor", "gateway", "container", "caller"],
} as const satisfies Record<Extract<Fault, { readonly kind: "pause" }>["what"], readonly string[]>;

export function beginFault(fault: Fault, world: StackedMachines, roads: Roads): void {
  const { clock } = world;
  const { forMs } = fault;
  switch (fault.kind) {
    case "cut":
      return roads.cut(nodeAt(fault.from), nodeAt(fault.to), forMs);
    case "apart":
      return apart(roads, { ones: nodesOf(fault.machine), others: nodesOf(parentOf(fault.machine)) }, fault.way, forMs);
    case "alone": {
      const node = nodeAt(fault.node);
      return apart(roads, { ones: [node], others: ALL_NODES.filter((other) => other !== node) }, "both", forMs);
    }
    case "gateway":
      return end(world, NODES[fault.machine][0], ["gateway"]);
    case "crash": {
      const node = nodeAt(fault.node);
      end(world, node, ["keeper", "governor"]);
      return void clock.after(forMs, () => world.up(node));
    }
    case "power": {
      const node = nodeAt(fault.node);
      world.losePower(node);
      return void clock.after(forMs, () => world.getPower(node));
    }
    case "wall": {
      const { table } = world.host(nodeAt(fault.node));
      table.setWall(fault.at % 2 === 0 ? forMs : -forMs);
      return void clock.after(forMs, () => table.setWall(0));
    }
    case "pause": {
      const { table } = world.host(nodeAt(fault.node));
      const paused = table.running.filter(({ program }) => PAUSED[fault.what].some((each) => each === program));
      for (const process of paused) process.signal("SIGSTOP");
      clock.after(forMs, () => {
        for (const process of paused) process.signal("SIGCONT");
      });
    }
  }
}

function nodeAt(index: number): string {
  return ALL_NODES[index] ?? "";
}

function end(world: StackedMachines, node: string, programs: readonly string[]): void {
  for (const program of programs) for (const process of world.processes(node, program)) process.signal("SIGKILL");
}

function apart(
  roads: Roads,
  { ones, others }: { readonly ones: readonly string[]; readonly others: readonly string[] },
  way: "both" | "out" | "in",
  forMs: number,
): void {
  for (const one of ones) {
    for (const other of others) {
      if (way !== "in") roads.cut(one, other, forMs);
      if (way !== "out") roads.cut(other, one, forMs);
    }
  }
}
