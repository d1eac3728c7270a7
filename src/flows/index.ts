// What programs with flows import: `unum/flows`.

export { compareVersions } from "unum";
export { checkChange, type GraphChange, graphChange } from "./change.ts";
export { type ControlParts, flowControl, runStatus, stateNamed, taskMessage } from "./control.ts";
export type { EdgeOptions } from "./declaring.ts";
export { graphDot, graphLines } from "./draw-graph.ts";
export {
  type Bound,
  COSTS,
  estimateFlow,
  type FlowEstimate,
  type Guesses,
  type MachineCosts,
  type StepGuess,
} from "./estimate.ts";
export type { Build, Flow, JoinOptions, Out, StepOptions, Ways } from "./flow.ts";
export { flow } from "./flow.ts";
export {
  FlowRun,
  type RunSettings,
  reopenRun,
  runFlow,
  type Snapshot,
  type StateQuery,
  sourceNamed,
} from "./flow-run.ts";
export { FlowControl, type RunStatus } from "./gen/unum/flows/v1/control_pb.ts";
export type { Graph, GraphEdge, GraphNode, JoinInfo, LostParts } from "./graph.ts";
export { type GraphRecord, graphRecord } from "./graph-record.ts";
export type { Journal, JournalReader, Journals, RunListing, RunRecord, TaskRow } from "./journal/journal.ts";
export { type MemoryJournalSettings, memoryJournals } from "./journal/memory-journal.ts";
export { type PostgresPool, type PostgresSettings, postgresJournals } from "./journal/postgres-journal.ts";
export { sqliteJournals } from "./journal/sqlite-journal.ts";
export type { Balance, Durability, EdgePolicy, StepPolicy } from "./policy.ts";
export type { RunProgress } from "./router/run-progress.ts";
export { historyOf, readRun } from "./run-reader.ts";
export type { Schedule } from "./schedule.ts";
export type { TaskStatus } from "./subscriptions.ts";
export type { NodeCounts } from "./tally.ts";
export { STATES, type State } from "./task.ts";
export { type CallWorkersSettings, type Capacity, callWorkers } from "./workers/call-workers.ts";
export { ContainerWorkers, type ContainerWorkersSettings } from "./workers/container-workers.ts";
export { flowWorker, report } from "./workers/worker-component.ts";
export type { Settling, Work, Workers } from "./workers/workers.ts";
