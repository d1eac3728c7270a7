// What a fleet is told of its node, what it works with, and whom it tells what came of its containers.

import type { Disk } from "../base/disk.ts";
import type { Env } from "../base/env.ts";
import type { ProcessExit, Processes } from "../base/processes.ts";
import type { Resources } from "../base/resources.ts";
import type { Address, Transport } from "../transports/transport.ts";
import type { CodePlace } from "./accepted-code.ts";
import type { Kept, Reach } from "./kept.ts";
import type { Code } from "./served.ts";

/** What a container's process is told. */
export interface ContainerStart {
  readonly id: string;
  readonly nonce: string;
  readonly node: string;
  /** This computer's name. */
  readonly host: string;
  readonly address: Address;
  readonly note: string;
  /** A file that says that it is wanted: one that comes to run and finds it gone ends at once, and has served nothing. */
  readonly intent: string;
}

export interface FleetSettings {
  /** The node's id. */
  readonly id: string;
  /** Names this computer: those with the same reach each other's Unix sockets. Empty: nobody else does. */
  readonly host: string;
  /** How containers are reached from other computers; left out: they are not. */
  readonly reach?: Reach;
  /** Absolute: sockets, records. */
  readonly run: string;
  /** Absolute: the containers' logs. */
  readonly logs: string;
  /** Absolute: where the containers' processes run. */
  readonly workingFolder: string;
  /** The process of a container with these settings. Its nonce stands in the arguments: it is found by that. */
  readonly command: (settings: ContainerStart) => { program: string; arguments: readonly string[] };
  readonly environment: Readonly<Record<string, string>>;
}

export interface FleetParts {
  readonly env: Pick<Env, "clock" | "random" | "log">;
  readonly disk: Disk;
  readonly processes: Processes;
  readonly resources: Resources;
  /** To the containers. Not closed here. */
  readonly transport: Transport;
}

export interface FleetListener {
  /** It has given a sign of life. */
  heard(kept: Kept): void;
  /** Where the code lies that it is given now. */
  placeOf(program: string, code: Code): Promise<CodePlace>;
  /** Whether that state has gone from where it was loaded, while it was. */
  hasLeft(program: string, digest: string): Promise<boolean>;
  /** It has taken a folder; `failures` is what of it could not be loaded. */
  assigned(kept: Kept, failures: readonly string[]): void;
  /** Its process has ended. */
  gone(kept: Kept, exit: ProcessExit): void;
  /** Nothing can be started right now. */
  unstartable(why: string): void;
  /** It is about to be told to drain: nobody should choose it any more. */
  draining(): void;
}
