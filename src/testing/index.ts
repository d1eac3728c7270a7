// What tests of programs written with Unum import, as `unum/testing`.

export { type Random, seededRandom } from "../base/random.ts";
export type { Conditions, MemoryLimits } from "../transports/memory/conditions.ts";
export { MemoryNetwork, type MemorySettings } from "../transports/memory/memory-network.ts";
export type { MemoryProcess } from "../transports/memory/process.ts";
export { FAULT_KINDS, type FaultKind, faultPlan, type PlannedFault, type PlanSettings } from "./faults.ts";
export type { Code, ComponentParts } from "./hosts/programs.ts";
export type { SimulatedNode } from "./hosts/simulated-node.ts";
export {
  INVARIANTS,
  type Invariant,
  type Judged,
  SAME_SEED_SAME_HASH,
  type Violation,
  violations,
} from "./invariants.ts";
export {
  NODE_FAULT_KINDS,
  type NodeFaultKind,
  type NodeFaultSettings,
  nodeFaultPlan,
  type PlannedNodeFault,
} from "./node-faults.ts";
export { NODE_INVARIANTS } from "./node-invariants.ts";
export { type NodeWorld, type NodeWorldSettings, nodeWorld, type WorldNode } from "./node-world.ts";
export { ProcessClock, type Skew } from "./process-clock.ts";
export { settledOn, settledWithin } from "./promises/settled.ts";
export { type StoreWorld, storePromises } from "./promises/store.ts";
export { type TransportKind, type TransportWorld, transportPromises } from "./promises/transport.ts";
export { type Seams, SOUND } from "./seams.ts";
export { shrink } from "./shrink.ts";
export type { ContainerPlan, ProcessParts } from "./simulated-container.ts";
export type { SimulatedProcess } from "./simulated-process.ts";
export { Trace, type TraceEvent } from "./trace.ts";
export { VirtualClock } from "./virtual-clock.ts";
export { type World, type WorldContainer, type WorldSettings, world } from "./world.ts";
