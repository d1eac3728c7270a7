// What happens to simulated computers and their processes, as the trace keeps it beside the events of calls.

/** A process: asked for (it has its number from then on), its loop kept by its own code, stopped, going on, killed by another, ended. */
export interface ProcessTurn {
  readonly kind:
    | "process up"
    | "process blocked"
    | "process stopped"
    | "process goes on"
    | "process killed"
    | "process down";
  readonly at: number;
  readonly host: string;
  /** keeper, governor, container, client. */
  readonly program: string;
  /** A container's id; of others HOST/PROGRAM.N. */
  readonly process: string;
  /** Up, killed: by whom, empty where by nobody of this world. Down: `code N` or the signal. */
  readonly how: string;
}

export interface PowerTurn {
  readonly kind: "power off" | "power on";
  readonly at: number;
  readonly host: string;
}

/** A limit that a node was told, and that it said to be in force. */
export interface LimitTurn {
  readonly kind: "limit told" | "limit in force";
  readonly at: number;
  readonly host: string;
  readonly containers: number;
}

/** Somebody put other code into a components folder, or drained a node. */
export interface OrderTurn {
  readonly kind: "deployed" | "node drained";
  readonly at: number;
  readonly host: string;
  readonly what: string;
}

/** A governor tells a container to drain, whether it hears it or not. */
export interface DrainTold {
  readonly kind: "drain told";
  readonly at: number;
  readonly container: string;
  readonly by: string;
}

/** A container has taken what lies in its components folder; a process uses so much memory from now on. */
export interface OwnTurn {
  readonly kind: "loaded" | "process grew";
  readonly at: number;
  readonly host: string;
  readonly process: string;
  /** The code's name, or bytes. */
  readonly what: string;
}

/** What one node says of another. */
export interface Sighting {
  readonly kind: "seen";
  readonly at: number;
  readonly by: string;
  readonly of: string;
  /** alive, dead, left */
  readonly state: string;
}

/** What a node says of itself when it is asked. */
export interface NodeState {
  readonly kind: "node state";
  readonly at: number;
  readonly host: string;
  /** 1 where one runs and answers. */
  readonly governor: number;
  /** Ids of the containers it keeps, with blanks between; `?` where it does not answer. */
  readonly kept: string;
  readonly serving: number;
  /** Ids of those of them that serve. */
  readonly servers: string;
  readonly problems: number;
  /** States of the folder that are served. */
  readonly codes: number;
  /** 1 while new code comes in, 2 where it did not pass. */
  readonly replacing: number;
  /** Ids of the nodes that its door tells of, itself included, in order and with blanks between. */
  readonly knows: string;
  /** Serving containers that were told less than the door tells, or more. */
  readonly behind: number;
}

/** What a process wrote to its log. */
export interface Line {
  readonly at: number;
  readonly process: string;
  readonly level: string;
  readonly message: string;
}

export type HostEvent = ProcessTurn | PowerTurn | LimitTurn | OrderTurn | DrainTold | OwnTurn | Sighting | NodeState;
