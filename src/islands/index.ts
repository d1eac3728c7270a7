// What programs written for islands import: problems, searches, the functions and engines to measure with.

export { Archipelago, type Cut, type Plan } from "./archipelago/archipelago.ts";
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./archipelago/checkpoint.ts";
export { type Driving, drive } from "./archipelago/drive.ts";
export { type Hosts, ownHosts, runSlice, type SliceReply, type SliceRequest } from "./archipelago/host.ts";
export type { Snapshot } from "./archipelago/seat.ts";
export { changed, DEFAULT_SETTINGS, type Settings, settingLines } from "./archipelago/settings.ts";
export { sourcesOf, TOPOLOGIES, type Topology } from "./archipelago/topology.ts";
export { BBOB_FUNCTIONS, type BbobFunction, bbob } from "./bbob/bbob.ts";
export { bbobProblem } from "./bbob/bbob-problem.ts";
export type { Engine, Individual } from "./engines/engine.ts";
export { type EngineSpec, makeEngine, NAMED_ENGINES, portfolioOf } from "./engines/make-engine.ts";
export { hypervolume } from "./engines/pareto.ts";
export type { Evaluator, Quarantined, Watch } from "./evaluator.ts";
export { leadingOnes, leadingOnesTheory, oneMax, traps } from "./functions/theory.ts";
export { dtlz2, ZDT } from "./functions/zdt.ts";
export { type IslandHostOptions, islandHost } from "./host/island-host.ts";
export { Island, type IslandFigures } from "./island.ts";
export { candidateIn, type OwnGenome, problemOf, textGenome } from "./own-genome.ts";
export {
  type Answer,
  isProblem,
  type OwnSettings,
  type Problem,
  type ProblemSettings,
  problem,
  problemWith,
} from "./problem.ts";
export type { Proposed, ProposerCall } from "./proposer.ts";
export { RandomStream } from "./random-stream.ts";
export { type Found, foundIn, planOf, type SearchOptions, search } from "./search.ts";
export type { Space } from "./space.ts";
