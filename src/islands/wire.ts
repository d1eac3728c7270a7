// Slices as messages of the contract unum.islands.v1.IslandHost, and back.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  EvolveReply,
  EvolveReplySchema,
  EvolveRequest,
  EvolveRequestSchema,
  IndividualSchema,
  Task,
  Individual as WireIndividual,
} from "unum/gen/unum/islands/v1/island_pb.js";
import type { SliceReply, SliceRequest } from "./archipelago/host.ts";
import { readSetting } from "./archipelago/settings.ts";
import type { Individual, Selection } from "./engines/engine.ts";
import { Fault } from "./fault.ts";

export { IslandHost } from "unum/gen/unum/islands/v1/island_pb.js";

/** What one request says beside the slice. */
export interface RequestContext {
  /** JSON. */
  readonly problem: string;
  readonly evaluationMs: number;
}

export function requestMessage(
  request: SliceRequest,
  { problem, evaluationMs }: RequestContext,
): MessageInitShape<typeof EvolveRequestSchema> {
  const { island, engine, seed, lane, state, task, sliceMs } = request;
  const energy = Object.entries(task.energy ?? {}).map(([name, value]) => [name, BigInt(value)]);
  return {
    ...{ problem, island, engine, seed, lane, sliceMs, evaluationMs },
    ...(state === undefined ? undefined : { state }),
    task: {
      immigrants: task.immigrants.map(individualMessage),
      ...{ evaluations: task.evaluations, emigrants: task.emigrants },
      ...{ selection: task.selection, replacement: task.replacement },
      ...(task.target === undefined ? undefined : { target: task.target }),
      energy: Object.fromEntries(energy),
      proposals: (task.proposals ?? []).map((row) => ({ genes: [...row] })),
      parents: task.parents?.count ?? 0,
      parentSelection: task.parents?.selection ?? "",
    },
  };
}

/** Throws the Fault `invalid` for what no archipelago asks. */
export function requestOf(message: EvolveRequest): SliceRequest {
  const { island, engine, seed, lane, sliceMs, task } = message;
  if (task === undefined) throw new Fault("invalid", "the request has no task");
  const energy = Object.entries(task.energy).map(([name, value]) => [name, Number(value)]);
  return {
    ...{ island, engine, seed, lane, sliceMs },
    state: message.state.length === 0 ? undefined : message.state,
    task: {
      immigrants: task.immigrants.map(individualOf),
      ...{ evaluations: task.evaluations, emigrants: task.emigrants },
      // Each is one of those that the settings may have.
      selection: readSetting("migration.selection", task.selection) as SliceRequest["task"]["selection"],
      replacement: readSetting("migration.replacement", task.replacement) as SliceRequest["task"]["replacement"],
      target: hasTarget(message) ? task.target : undefined,
      energy: Object.fromEntries(energy),
      proposals: task.proposals.map(({ genes }) => Float64Array.from(genes)),
      ...(task.parents === 0 ? undefined : { parents: { count: task.parents, selection: parentSelection(task) } }),
    },
  };
}

function parentSelection({ parentSelection: text }: Pick<Task, "parentSelection">): Selection {
  // One of those that the settings may have.
  return readSetting("proposer.selection", text) as Selection;
}

/** A target of 0 is one; absent is none. */
function hasTarget({ task }: EvolveRequest): boolean {
  return task !== undefined && Object.hasOwn(task, "target");
}

export function replyMessage(reply: SliceReply, pid: number): MessageInitShape<typeof EvolveReplySchema> {
  const { state, over, emigrants, best, figures, quarantined, quarantinedCount, recovered, front, parents } = reply;
  return {
    ...{ state, over, quarantinedCount, pid, recovered: [...recovered] },
    emigrants: emigrants.map(individualMessage),
    ...(best === undefined ? undefined : { best: individualMessage(best) }),
    figures: { ...figures, own: { ...figures.own } },
    quarantined: quarantined.map(({ genes, reason }) => ({ genes: [...genes], reason })),
    front: front.map(individualMessage),
    parents: parents.map(individualMessage),
  };
}

export function replyOf(message: EvolveReply): SliceReply {
  const { state, over, emigrants, best, figures, quarantined, quarantinedCount, recovered, front, parents } = message;
  if (figures === undefined) throw new Fault("internal", "a host answered without figures");
  const { engine, evaluations, generations, best: least, spread, restarts, own } = figures;
  return {
    ...{ state, over, quarantined, quarantinedCount, recovered },
    emigrants: emigrants.map(individualOf),
    best: best === undefined ? undefined : individualOf(best),
    figures: { engine, evaluations, generations, best: least, spread, restarts, own },
    front: front.map(individualOf),
    parents: parents.map(individualOf),
  };
}

function individualMessage({ genes, values, energy }: Individual): MessageInitShape<typeof IndividualSchema> {
  const plain = { genes: [...genes], values: [...values] };
  return energy === undefined ? plain : { ...plain, energy: BigInt(energy) };
}

function individualOf(message: WireIndividual): Individual {
  const own = { genes: Float64Array.from(message.genes), values: Float64Array.from(message.values) };
  return Object.hasOwn(message, "energy") ? { ...own, energy: Number(message.energy) } : own;
}
