// Where a test may put a deliberate defect into a simulated world, to see that it is found.
//
//   caller ──▶ sending ──▶ (trace) ──▶ wire ──▶ network ──▶ (trace) ──▶ receiving ──▶ container ──▶ component
//
// The trace lies between: it notes what a sound wire would bring, and what a sound container would be judged by.

import type { Clock } from "../base/clock.ts";
import type { Component } from "../container/component.ts";
import type { ContainerSettings } from "../node/run-container.ts";
import type { Receive, Transport } from "../transports/transport.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

export interface Seams {
  /** What a process sees of time. */
  clock(clock: Clock): Clock;
  /** What a process sends through. */
  sending(transport: Transport, process: SimulatedProcess): Transport;
  /** What carries both what is sent and what is received. */
  wire(transport: Transport, process: SimulatedProcess): Transport;
  /** What a container does with what it receives. */
  receiving(receive: Receive, process: SimulatedProcess): Receive;
  container(process: SimulatedProcess): Pick<ContainerSettings, "inbox">;
  component(component: Component, process: SimulatedProcess): Component;
  /** What a container makes of the grace it is given. */
  grace(graceMs: number): number;
}

/** No defect. */
export const SOUND: Seams = {
  clock: (clock) => clock,
  sending: (transport) => transport,
  wire: (transport) => transport,
  receiving: (receive) => receive,
  container: () => ({}),
  component: (component) => component,
  grace: (graceMs) => graceMs,
};
