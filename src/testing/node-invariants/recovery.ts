// Judges what a node comes back to when its bad days are over, and what planned changes cost.

import type { NodeFacts } from "./node-facts.ts";

/** A node that was left in peace has a governor, and a container that serves. */
export function* servesAgain(facts: NodeFacts): Iterable<string> {
  for (const { host, at, serving, problems, governor } of facts.states) {
    if (governor === 0) yield `${host} has no governor at ${at}, long after its last fault`;
    else if (serving === 0 && problems === 0) yield `${host} serves nothing at ${at}, and knows of no problem`;
  }
}

/** All that serves there has the code of its folder, or where that did not pass, none that is older than the one before. */
export function* sameCode(facts: NodeFacts): Iterable<string> {
  for (const { host, at, servers, codes, replacing, problems } of facts.states) {
    if (replacing === 1) yield `${host} still brings in new code at ${at}`;
    if (replacing > 0) continue;
    if (codes > 1) yield `${host} serves ${codes} states of its folder at ${at}`;
    let deployed = "";
    const loaded = new Map<string, string>();
    for (const event of facts.events) {
      if (event.kind === "deployed" && event.host === host) deployed = event.what;
      if (event.kind === "loaded" && event.host === host) loaded.set(event.process, event.what);
    }
    const old = servers.split(" ").find((id) => id !== "" && loaded.get(id) !== deployed);
    if (old !== undefined && problems === 0) {
      yield `${old} of ${host} serves ${loaded.get(old)} at ${at}, in its folder lies ${deployed}`;
    }
  }
}

/** Containers know who is there. */
export function* directoriesTold(facts: NodeFacts): Iterable<string> {
  for (const { host, at, behind } of facts.states) {
    if (behind > 0) yield `${behind} containers of ${host} have not been told who is there at ${at}`;
  }
}

/** Where nothing fails, no call does: not for new code, lower limits or a container that is drained. One alone has nobody to stand in for it. */
export function* changesCostNoCall(facts: NodeFacts): Iterable<string> {
  if (facts.hadFaults || facts.judged.nodes.some(({ containers }) => containers < 2)) return;
  if (facts.events.some((event) => event.kind === "limit told" && event.containers < 2)) return;
  const ends = new Map<number, number>();
  for (const event of facts.events) {
    if (event.kind === "called" && event.parent === 0) ends.set(event.call, event.at + event.ttlMs);
    if (event.kind !== "outcome") continue;
    const end = ends.get(event.call);
    if (end === undefined) continue;
    const lost =
      event.code === "undeliverable" || event.code === "internal" || (event.code === "unknown" && event.at < end - 1);
    if (lost) yield `call ${event.call} ended as ${event.code} at ${event.at}, though nothing had failed`;
  }
}
