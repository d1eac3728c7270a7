// What tests of flows import, as `unum/flows/testing`.

export { type FlowSimulation, type SimulatedOutput, type SimulationSettings, simulateFlow } from "./simulation.ts";
