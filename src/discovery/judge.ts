// What a statement about somebody's state means here. Pure; table.ts and protocol.ts do what it says.
//
// The merge of statements (status.ts) alone would believe every word. Two things are believed only after a doubt, so that
// a live node has had the time to refute before anybody counts it as dead:
//   - that a node is dead whose suspicion was not heard of here: it is suspected first, for GRACE_MS;
//   - what another table says after a partition, where each half thinks the other dead: it is asked first (`doubt`).

import { compareStatus, isLive, mergeStatus, NOBODY, type Status } from "./status.ts";

/** Nobody counts a node as dead sooner after the first doubt: several times what a rumour takes there and back. */
const GRACE_MS = 2_500;

/** Of the dead and those who left: what is forgotten so soon is not worth remembering. */
export const LEAST_LIFETIME_MS = 30_000;

export type Verdict =
  /** Known. */
  | { readonly kind: "known" }
  /** More is known here than where it comes from. */
  | { readonly kind: "older" }
  /** Counts from now on. `within`: it is to be dead after so long unless it refutes, whoever confirms it. */
  | { readonly kind: "news"; readonly status: Status; readonly withinMs?: number }
  /** To be probed next. */
  | { readonly kind: "doubt" }
  /** About somebody of whom nothing else is known, not even the way to ask him; or soon to be forgotten anyway. */
  | { readonly kind: "useless" };

export interface Hearing {
  readonly mine: Status | undefined;
  readonly heard: Status;
  /** Whether somebody told it as it happened, or a table was compared. */
  readonly way: "gossip" | "sync";
  /** How long this incarnation has been suspected here. */
  readonly suspectedForMs: number;
  /** Whether it says how to reach the node. */
  readonly withContact: boolean;
  readonly now: number;
}

export function judge(hearing: Hearing): Verdict {
  const { mine, heard, withContact, now } = hearing;
  if (mine === undefined) {
    const useless = (heard.state === "suspect" && !withContact) || heard.until - now < LEAST_LIFETIME_MS;
    return useless ? { kind: "useless" } : { kind: "news", status: heard };
  }
  const order = compareStatus(mine, heard);
  if (order > 0) return { kind: "older" };
  if (order < 0) return heard.state === "dead" && isLive(mine.state) ? judgeDeath(hearing, mine) : newsOf(heard);
  const merged = mergeStatus(mine, heard);
  return merged === mine ? { kind: "known" } : newsOf(merged);
}

function judgeDeath({ heard, way, suspectedForMs }: Hearing, mine: Status): Verdict {
  if (way === "sync") return { kind: "doubt" };
  const suspected = mine.state === "suspect" && mine.incarnation === heard.incarnation;
  if (suspected && suspectedForMs >= GRACE_MS) return newsOf(heard);
  const status: Status = suspected
    ? mine
    : { incarnation: heard.incarnation, state: "suspect", until: Number.POSITIVE_INFINITY, accusers: NOBODY };
  return { kind: "news", status, withinMs: GRACE_MS - (suspected ? suspectedForMs : 0) };
}

function newsOf(status: Status): Verdict {
  return { kind: "news", status };
}
