// Slices as messages of the contract unum.islands.v1.IslandHost, and back.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  EvolveReply,
  EvolveReplySchema,
  EvolveRequest,
  EvolveRequestSchema,
  IndividualSchema,
  Migrants,
  MigrantsSchema,
  ProposeReply,
  ProposeReplySchema,
  ProposeRequest,
  ProposeRequestSchema,
  Task,
  TaskSchema,
  Figures as WireFigures,
  Individual as WireIndividual,
} from "unum/gen/unum/islands/v1/island_pb.js";
import { type Columns, columnBytes, columnOf, NOBODY } from "./archipelago/columns.ts";
import type { SliceReply, SliceRequest, StretchTask } from "./archipelago/host.ts";
import { readSetting } from "./archipelago/settings.ts";
import type { Individual, Replacement, Selection } from "./engines/engine.ts";
import { Fault } from "./fault.ts";
import type { IslandFigures } from "./island.ts";
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
  const { island, seed, lane, state, tasks, immigrants, sliceMs, evaluationsLimit } = request;
  return {
    isolated: request.isolated === true,
    ...{ problem, island, seed, lane, sliceMs, evaluationMs, evaluationsLimit },
    tasks: tasks.map(taskMessage),
    immigrants: migrantsMessage(immigrants),
    ...(state === undefined ? undefined : { state }),
  };
}

function taskMessage({ epochs, task }: StretchTask): MessageInitShape<typeof TaskSchema> {
  const energy = Object.entries(task.energy ?? {}).map(([name, value]) => [name, BigInt(value)]);
  return {
    epochs,
    ...{ engine: task.engine, evaluations: task.evaluations, emigrants: task.emigrants },
    ...{ selection: task.selection, replacement: task.replacement },
    ...(task.target === undefined ? undefined : { target: task.target }),
    energy: Object.fromEntries(energy),
    proposals: (task.proposals ?? []).map((row) => ({ genes: [...row] })),
    parents: task.parents?.count ?? 0,
    parentSelection: task.parents?.selection ?? "",
  };
}

/** Throws the Fault `invalid` for settings that no archipelago has. */
export function requestOf(message: EvolveRequest): SliceRequest {
  const { island, seed, lane, sliceMs, tasks } = message;
  return {
    ...{ island, seed, lane, sliceMs },
    state: message.state.length === 0 ? undefined : message.state,
    isolated: message.isolated,
    tasks: tasks.map((each) => ({ epochs: each.epochs, task: taskOf(each) })),
    immigrants: columnsOf(message.immigrants),
    evaluationsLimit: message.evaluationsLimit,
  };
}

function taskOf(task: Task): StretchTask["task"] {
  const energy = Object.entries(task.energy).map(([name, value]) => [name, Number(value)]);
  return {
    engine: task.engine,
    ...{ evaluations: task.evaluations, emigrants: task.emigrants },
    // Each is one of those that the settings may have.
    selection: readSetting("migration.selection", task.selection) as Selection,
    replacement: readSetting("migration.replacement", task.replacement) as Replacement,
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
    ended: { bests: columnBytes(ended.bests), emigrants: migrantsMessage(ended.emigrants) },
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
    ended: { bests: columnOf(ended?.bests ?? NO_BYTES), emigrants: columnsOf(ended?.emigrants) },
    front: front.map(individualOf),
    parents: parents.map(individualOf),
  };
}

function figuresOf(message: WireFigures | undefined): IslandFigures {
  if (message === undefined) throw new Fault("internal", "a host answered without figures");
  const { engine, evaluations, generations, best, spread, restarts, own } = message;
  return { engine, evaluations, generations, best, spread, restarts, own };
}

function migrantsMessage({ counts, genes, values, energy }: Columns): MessageInitShape<typeof MigrantsSchema> {
  const [ofGenes, ofValues] = [columnBytes(genes), columnBytes(values)];
  return { counts: [...counts], genes: ofGenes, values: ofValues, energy: columnBytes(energy) };
}

function columnsOf(message: Migrants | undefined): Columns {
  if (message === undefined) return NOBODY;
  const [genes, values] = [columnOf(message.genes), columnOf(message.values)];
  return { counts: Uint32Array.from(message.counts), genes, values, energy: columnOf(message.energy) };
}

const NO_BYTES = new Uint8Array(0);

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
