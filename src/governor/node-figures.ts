// The figures of a node: its own, and those that its containers answer with when they are asked.

import { counter, type Family, gauge, joined, labelled } from "../plugins/figures/family.ts";
import type { Governor } from "./governor.ts";
import type { Kept } from "./kept.ts";

/** A container that does not answer within a second is left out; its own gauges are there all the same. */
export async function nodeFigures(governor: Governor, more: readonly Family[]): Promise<readonly Family[]> {
  const { containers } = governor;
  const asked = await Promise.all(containers.map((kept) => askedOf(kept)));
  const all = [...ofNode(governor), ...more, ...containers.flatMap(ofContainer), ...asked.flat()];
  return labelled(joined(all), { node: governor.settings.id });
}

async function askedOf(kept: Kept): Promise<readonly Family[]> {
  const families = await kept.figures().catch(() => []);
  return labelled(families, { container: kept.id });
}

const STATES = ["starting", "spare", "serving", "suspected", "draining"] as const;

function ofNode(governor: Governor): readonly Family[] {
  const { containers, limits, settings, upMs, problems } = governor;
  const states = containers.map((kept) => (kept.suspected === undefined ? kept.state : "suspected"));
  const { node, container, outbox } = limits;
  const limit = (name: string, value: number) =>
    gauge(
      "unum_limit",
      "Limits in force: containers, bytes of memory of all and of one, spares, calls that may wait in one; durable messages of one other node, and their bytes.",
      value,
      {
        limit: name,
      },
    );
  return [
    gauge("unum_up_seconds", "How long the governor has run.", upMs / 1_000),
    gauge(
      "unum_governor_restarts",
      "How often the governor was started again since the keeper was.",
      settings.restarts,
    ),
    gauge("unum_problems", "What of the folder cannot be served.", problems.length),
    ...STATES.map((state) =>
      gauge("unum_containers", "Containers by state.", states.filter((each) => each === state).length, { state }),
    ),
    limit("containers", node.containers),
    limit("memory_bytes", node.memoryBytes),
    limit("container_memory_bytes", container.memoryBytes),
    limit("spares", node.spares),
    limit("inbox", container.inbox),
    limit("outbox_messages", outbox.messages),
    limit("outbox_bytes", outbox.bytes),
    ...governor.fleetFigures,
  ];
}

function ofContainer(kept: Kept): readonly Family[] {
  const labels = { container: kept.id };
  const ofProgram = kept.program === "" ? labels : { ...labels, program: kept.program };
  const { running, waiting, free } = kept.load;
  return [
    gauge("unum_inbox_waiting", "Calls that wait for their turn.", waiting, labels),
    gauge("unum_calls_running", "Calls whose function runs.", running, labels),
    gauge("unum_free_places", "Calls that would be let in now.", free, labels),
    gauge(
      "unum_memory_bytes",
      "Memory of a container, shared pages divided by those who share them.",
      kept.usage.memoryBytes,
      ofProgram,
    ),
    counter(
      "unum_processor_seconds_total",
      "Processor time of a container, its cells and all that they started included.",
      kept.usage.processorMs / 1_000,
      ofProgram,
    ),
    gauge("unum_container_up_seconds", "How long a container has run.", kept.upMs / 1_000, labels),
  ];
}
