// One item on its way, and the state machine it goes through.
//
//   waiting ─lease─▶ leased ─report─▶ running ─complete─▶ done, or waiting at the next step, or split
//      ▲               │ └──fail──▶ failed ────┐
//      │               └─time out─▶ timed-out ─┼─retry─▶ retrying ─due─▶ waiting
//      └──────────revive──────────── dead ◀────┘
//
//   dead, expired, cancelled ─undo─▶ undoing (step by step, the last one first) ─undone─▶ undone, or ─give up─▶ dead
//
// Invariants
//   T1. A state changes by a cause of this table and by nothing else.
//   T2. An attempt's number is its fencing token: an outcome of another attempt than the present one changes nothing.
//   T3. `sequence` counts the changes of one task without a gap.

/** In the order of their numbers in the journal's rows: new ones go to the end. */
export const STATES = [
  "waiting",
  "leased",
  "running",
  "done",
  "retrying",
  "failed",
  "timed-out",
  "expired",
  "cancelled",
  "dead",
  "split",
  "undoing",
  "undone",
] as const;

export type State = (typeof STATES)[number];

export type Cause =
  | "lease"
  | "report"
  | "complete"
  | "move"
  | "split"
  | "gather"
  | "fail"
  | "time out"
  | "retry"
  | "due"
  | "give up"
  | "expire"
  | "cancel"
  | "crash"
  | "revive"
  | "undo"
  | "undone";

/** What follows from a cause; what is not here may not be. */
const TABLE: Readonly<Record<State, Partial<Record<Cause, State>>>> = {
  waiting: {
    ...{ lease: "leased", expire: "expired", cancel: "cancelled", "time out": "timed-out", "give up": "dead" },
    // What fixed points do with it where it stands: a source's item moves on at once.
    // So does, when a journal is read back, one whose attempt was not written (durability `none`).
    ...{ complete: "done", move: "waiting", split: "split", fail: "failed" },
  },
  leased: {
    ...{
      report: "running",
      complete: "done",
      move: "waiting",
      split: "split",
      fail: "failed",
      "time out": "timed-out",
    },
    ...{ cancel: "cancelled", crash: "waiting", "give up": "dead" },
  },
  running: {
    ...{
      report: "running",
      complete: "done",
      move: "waiting",
      split: "split",
      fail: "failed",
      "time out": "timed-out",
    },
    ...{ cancel: "cancelled", crash: "waiting", "give up": "dead" },
  },
  failed: { retry: "retrying", "give up": "dead" },
  "timed-out": { retry: "retrying", "give up": "dead" },
  retrying: { due: "waiting", cancel: "cancelled", expire: "expired" },
  split: { gather: "waiting", split: "split", complete: "done", "give up": "dead", cancel: "cancelled" },
  dead: { revive: "waiting", split: "split", cancel: "cancelled", undo: "undoing" },
  expired: { undo: "undoing" },
  done: {},
  cancelled: { undo: "undoing" },
  undoing: { undo: "undoing", undone: "undone", "give up": "dead" },
  undone: {},
};

/** Undefined where the cause cannot be in that state. */
export function after(state: State, cause: Cause): State | undefined {
  return TABLE[state][cause];
}

/** Nothing more happens to it, unless somebody revives it. */
export function hasEnded(state: State): boolean {
  return state === "done" || state === "dead" || state === "cancelled" || state === "expired" || state === "undone";
}

/** Of a whole item: what is undone where it ends without a result. */
export interface Undo {
  /** What steps put out that can be undone, in the order in which they were done, those of all its parts among them. */
  readonly steps: { readonly node: number; readonly value: Uint8Array }[];
  /** Why the item ended. */
  why: string;
}

/** A part that came to a join and waits for the others. */
export interface Parked {
  readonly edge: number;
  readonly value: Uint8Array;
}

export class Task {
  readonly id: number;
  /** The item it is a part of; itself where it is a whole one. */
  readonly root: number;
  /** 0: none. */
  readonly parent: number;
  readonly createdAt: number;
  /** Of the router that made it. A number that was given and never came to be on disk is given again by the next one. */
  readonly epoch: number;
  state: State = "waiting";
  /** The edge it came by; -1 before any. */
  edge = -1;
  /** Where it is. */
  node: number;
  attempt = 0;
  sequence = 0;
  /** Whether it counts as held on its edge. */
  held = false;
  /** Where it counts as under way; -1: nowhere. */
  liveAt = -1;
  /** Order of its coming to where it waits. */
  arrival = 0;
  /** Of the journal: what brought it here is in it. */
  block = 0;
  /** By the clock on the wall, in ms: of its last change. */
  changedAt: number;
  /** When it may be tried again; 0: not set. */
  dueAt = 0;
  value: Uint8Array;
  /** Why its last attempt failed, or why it ended. */
  reason = "";
  key = "";
  /** Parts under way, and parts that ended without a result. */
  open = 0;
  lost = 0;
  parked: Parked[] | undefined;
  /** How often it went along edges with a bound. */
  hops: Map<number, number> | undefined;
  /** Where something is left to undo. */
  undo: Undo | undefined;
  /** Not written: what the step said last, 0 … 1. */
  progress: number | undefined;
  note: string | undefined;
  /** Changed since its row was written. */
  dirty = false;

  constructor(
    { id, epoch }: { readonly id: number; readonly epoch: number },
    parent: Task | undefined,
    node: number,
    value: Uint8Array,
    at: number,
  ) {
    this.id = id;
    this.epoch = epoch;
    this.root = parent?.root ?? id;
    this.parent = parent?.id ?? 0;
    this.node = node;
    this.value = value;
    this.createdAt = at;
    this.changedAt = at;
  }
}
