// Slices as messages of the contract unum.islands.v1.IslandHost, and back.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  EvolveReply,
  EvolveReplySchema,
  EvolveRequest,
  EvolveRequestSchema,
  IndividualSchema,
  ProposeReply,
  ProposeReplySchema,
  ProposeRequest,
  ProposeRequestSchema,
  Task,
  TaskSchema,
  Figures as WireFigures,
  Individual as WireIndividual,
} from "unum/gen/unum/islands/v1/island_pb.js";
import type { SliceReply, SliceRequest } from "./archipelago/host.ts";
import { readSetting } from "./archipelago/settings.ts";
import type { Individual, Selection } from "./engines/engine.ts";
import { Fault } from "./fault.ts";
import type { EpochTask, IslandFigures } from "./island.ts";
import type { Proposal, Propose } from "./proposer.ts";

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
  const { island, seed, lane, state, tasks, sliceMs, evaluationsLimit } = request;
  const [task, ...later] = tasks.map(taskMessage);
  return {
    isolated: request.isolated === true,
    ...{ problem, island, engine: tasks[0]?.engine ?? "", seed, lane, sliceMs, evaluationMs, evaluationsLimit, later },
    ...(state === undefined ? undefined : { state }),
    ...(task === undefined ? undefined : { task }),
  };
}

function taskMessage(task: EpochTask): MessageInitShape<typeof TaskSchema> {
  const energy = Object.entries(task.energy ?? {}).map(([name, value]) => [name, BigInt(value)]);
  return {
    immigrants: task.immigrants.map(individualMessage),
    ...{ engine: task.engine, evaluations: task.evaluations, emigrants: task.emigrants },
    ...{ selection: task.selection, replacement: task.replacement },
    ...(task.target === undefined ? undefined : { target: task.target }),
    energy: Object.fromEntries(energy),
    proposals: (task.proposals ?? []).map((row) => ({ genes: [...row] })),
    parents: task.parents?.count ?? 0,
    parentSelection: task.parents?.selection ?? "",
  };
}

/** Throws the Fault `invalid` for what no archipelago asks. */
export function requestOf(message: EvolveRequest): SliceRequest {
  const { island, seed, lane, sliceMs, task, later } = message;
  if (task === undefined) throw new Fault("invalid", "the request has no task");
  return {
    ...{ island, seed, lane, sliceMs },
    state: message.state.length === 0 ? undefined : message.state,
    isolated: message.isolated,
    tasks: [taskOf(task, message.engine), ...later.map((each) => taskOf(each, each.engine))],
    // Absent: as from a version that asks for one epoch at a time.
    evaluationsLimit: Object.hasOwn(message, "evaluationsLimit") ? message.evaluationsLimit : Number.POSITIVE_INFINITY,
  };
}

function taskOf(task: Task, engine: string): EpochTask {
  const energy = Object.entries(task.energy).map(([name, value]) => [name, Number(value)]);
  return {
    engine,
    immigrants: task.immigrants.map(individualOf),
    ...{ evaluations: task.evaluations, emigrants: task.emigrants },
    // Each is one of those that the settings may have.
    selection: readSetting("migration.selection", task.selection) as EpochTask["selection"],
    replacement: readSetting("migration.replacement", task.replacement) as EpochTask["replacement"],
    // A target of 0 is one; absent is none.
    target: Object.hasOwn(task, "target") ? task.target : undefined,
    energy: Object.fromEntries(energy),
    proposals: task.proposals.map(({ genes }) => Float64Array.from(genes)),
    ...(task.parents === 0 ? undefined : { parents: { count: task.parents, selection: parentSelection(task) } }),
  };
}

function parentSelection({ parentSelection: text }: Pick<Task, "parentSelection">): Selection {
  // One of those that the settings may have.
  return readSetting("proposer.selection", text) as Selection;
}

export function replyMessage(reply: SliceReply, pid: number): MessageInitShape<typeof EvolveReplySchema> {
  const { ended, state, over, emigrants, best, figures, quarantined, quarantinedCount, recovered, front, parents } =
    reply;
  return {
    ...{ state, over, quarantinedCount, pid, recovered: [...recovered] },
    ended: ended.map((each) => ({
      emigrants: each.emigrants.map(individualMessage),
      figures: { ...each.figures, own: { ...each.figures.own } },
    })),
    emigrants: emigrants.map(individualMessage),
    ...(best === undefined ? undefined : { best: individualMessage(best) }),
    figures: { ...figures, own: { ...figures.own } },
    quarantined: quarantined.map(({ genes, reason }) => ({ genes: [...genes], reason })),
    front: front.map(individualMessage),
    parents: parents.map(individualMessage),
  };
}

export function replyOf(message: EvolveReply): SliceReply {
  const { ended, state, over, emigrants, best, quarantined, quarantinedCount, recovered, front, parents } = message;
  return {
    ...{ state, over, quarantined, quarantinedCount, recovered },
    emigrants: emigrants.map(individualOf),
    best: best === undefined ? undefined : individualOf(best),
    figures: figuresOf(message.figures),
    ended: ended.map((each) => ({ emigrants: each.emigrants.map(individualOf), figures: figuresOf(each.figures) })),
    front: front.map(individualOf),
    parents: parents.map(individualOf),
  };
}

function figuresOf(message: WireFigures | undefined): IslandFigures {
  if (message === undefined) throw new Fault("internal", "a host answered without figures");
  const { engine, evaluations, generations, best, spread, restarts, own } = message;
  return { engine, evaluations, generations, best, spread, restarts, own };
}

function individualMessage({ genes, values, energy }: Individual): MessageInitShape<typeof IndividualSchema> {
  const plain = { genes: [...genes], values: [...values] };
  return energy === undefined ? plain : { ...plain, energy: BigInt(energy) };
}

function individualOf(message: WireIndividual): Individual {
  const own = { genes: Float64Array.from(message.genes), values: Float64Array.from(message.values) };
  return Object.hasOwn(message, "energy") ? { ...own, energy: Number(message.energy) } : own;
}

export function proposerCallMessage(
  problem: string,
  { parents, seed }: Parameters<Propose>[0],
): MessageInitShape<typeof ProposeRequestSchema> {
  return { problem, seed, parents: parents.map(individualMessage) };
}

export function proposerCallOf({ parents, seed }: ProposeRequest, signal: AbortSignal): Parameters<Propose>[0] {
  return { parents: parents.map(individualOf), seed, signal };
}

export function proposalMessage({ rows, cost, refused }: Proposal): MessageInitShape<typeof ProposeReplySchema> {
  return { candidates: rows.map((row) => ({ genes: [...row] })), cost, refused: [...refused] };
}

export function proposalOf({ candidates, cost, refused }: ProposeReply): Proposal {
  return { rows: candidates.map(({ genes }) => Float64Array.from(genes)), cost, refused };
}
