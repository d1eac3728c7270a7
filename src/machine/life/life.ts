// The life of a program on one node, and over all: what state it is in, and what the node does next.
//
//   unloaded ─fetch─▶ loading ─unpack─▶ loaded ─serve─▶ starting ─▶ running ─withdraw─▶ stopping ─▶ stopped ─delete─▶ unloaded
//                                                          └── nothing of it can be served ──▶ failed
//
// Pure: from what is wanted and what is there. A node runs it whenever either changed, so that it needs to remember nothing
// and goes on where it was after any crash.
//
// Invariants
//   L1. Nothing is served that was not fetched, proved and unpacked whole.
//   L2. What is not wanted is withdrawn before it is deleted, and deleted only when no container of it is left.
//   L3. A version that did not pass its probe, here or anywhere, gives way to its fallback, where it has one.
//   L4. The same view gives the same step; when nothing is left to do the step is "none".

export type LifeState =
  | "unloaded"
  | "loading"
  | "loaded"
  | "starting"
  | "running"
  | "stopping"
  | "stopped"
  | "failed"
  /** It runs, and no part of it has its place on this node. */
  | "elsewhere";

export interface Wanted {
  /** Digests that should be there. */
  readonly loaded: readonly string[];
  /** Which should run; undefined where none should. */
  readonly run: string | undefined;
  /** Under what terms it should run, by their name. */
  readonly terms?: string;
  readonly fallback: string;
  /** Whether it ever ran: tells stopped from loaded. */
  readonly started: boolean;
  /** It should run, on other nodes only. Default: no. */
  readonly elsewhere?: boolean;
}

export interface There {
  /** Digests that are unpacked. */
  readonly unpacked: readonly string[];
  /** What the governor was told to serve, and what came of it; undefined where nothing. */
  readonly served:
    | {
        readonly digest: string;
        readonly terms?: string;
        /** Containers that serve, of whatever version. */
        readonly serving: number;
        /** Why a new version did not replace what runs. */
        readonly refused: { readonly digest: string; readonly why: string } | undefined;
        readonly problems: readonly string[];
      }
    | undefined;
  /** Containers of it, ending ones too. */
  readonly containers: number;
  /** Versions that did not pass on some node, this one or another. */
  readonly refused: readonly string[];
}

export type LifeStep =
  | { readonly kind: "none" }
  | { readonly kind: "load"; readonly digest: string }
  | { readonly kind: "serve"; readonly digest: string }
  | { readonly kind: "withdraw" }
  | { readonly kind: "delete"; readonly digest: string };

export interface Life {
  readonly state: LifeState;
  readonly step: LifeStep;
  /** What serves, or should: the version asked for or its fallback; empty where none. */
  readonly digest: string;
}

/** `wanted`: undefined where the program was removed. */
export function lifeOf(wanted: Wanted | undefined, there: There): Life {
  const { served, containers, unpacked } = there;
  const target = wanted === undefined ? undefined : targetOf(wanted, there);
  if (target === undefined) {
    if (served !== undefined) return { state: "stopping", step: { kind: "withdraw" }, digest: "" };
    if (containers > 0) return { state: "stopping", step: { kind: "none" }, digest: "" };
  }
  const lacks = (digest: string) => !unpacked.includes(digest);
  // What should run comes first.
  const missing = target !== undefined && lacks(target) ? target : wanted?.loaded.find(lacks);
  if (missing !== undefined && (target === undefined || missing === target)) {
    const state = served === undefined ? "loading" : runningState(there);
    return { state, step: { kind: "load", digest: missing }, digest: served?.digest ?? "" };
  }
  if (target !== undefined && (served?.digest !== target || served.terms !== wanted?.terms)) {
    return {
      state: served === undefined ? "starting" : runningState(there),
      step: { kind: "serve", digest: target },
      digest: target,
    };
  }
  if (missing !== undefined)
    return { state: runningState(there), step: { kind: "load", digest: missing }, digest: target ?? "" };
  const surplus = unpacked.find((digest) => !(wanted?.loaded.includes(digest) ?? false) && digest !== target);
  const step: LifeStep = surplus === undefined ? { kind: "none" } : { kind: "delete", digest: surplus };
  if (target !== undefined) return { state: runningState(there), step, digest: target };
  // Not before its files are gone: who loads the same again would be told that it is here, and lose it.
  if (wanted === undefined) return { state: surplus === undefined ? "unloaded" : "stopping", step, digest: "" };
  if (wanted.elsewhere === true) return { state: "elsewhere", step, digest: "" };
  return { state: wanted.started ? "stopped" : "loaded", step, digest: "" };
}

/** The version asked for; its fallback where it was refused; undefined where nothing should run. */
function targetOf({ run, fallback, loaded }: Wanted, { refused }: There): string | undefined {
  if (run === undefined) return undefined;
  const goesBack = refused.includes(run) && fallback !== "" && loaded.includes(fallback) && !refused.includes(fallback);
  return goesBack ? fallback : run;
}

function runningState({ served }: There): LifeState {
  if (served === undefined) return "starting";
  if (served.serving > 0) return "running";
  return served.problems.length > 0 ? "failed" : "starting";
}

/** Over all nodes: the state they are all in, or "mixed"; those where it has no part do not count while there are others. */
export function stateOverNodes(states: readonly string[]): string {
  const here = states.filter((state) => state !== "elsewhere");
  const different = new Set(here.length === 0 ? states : here);
  const [only = "unloaded"] = different;
  return different.size <= 1 ? only : "mixed";
}
