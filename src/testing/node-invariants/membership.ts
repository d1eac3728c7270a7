// Judges what nodes know of each other: all of those that run, when all has been calm, and nobody taken for dead who can be reached.

import type { NodeFacts } from "./node-facts.ts";

/** The least suspicion, what a probe takes that had already begun, and what a governor takes to join. */
const PATH_MS = 8_000;

/** Every node knows exactly those that run. */
export function* allKnown(facts: NodeFacts): Iterable<string> {
  if (!facts.judged.joined) return;
  const hosts = facts.states.map(({ host }) => host).sort();
  const expected = [...new Set(hosts)].join(" ");
  for (const { host, at, governor, knows } of facts.states) {
    if (governor === 1 && knows !== expected) yield `${host} knows ${knows} at ${at}, and there are ${expected}`;
  }
}

/** Nobody counts a node as dead to which nothing has been cut for so long, while both their governors ran. */
export function* noFalseDeath(facts: NodeFacts): Iterable<string> {
  const cuts: { readonly host: string; readonly to: string; readonly from: number; until: number }[] = [];
  for (const event of facts.events) {
    if (event.kind !== "fault on" && event.kind !== "fault off") continue;
    const [, kind, host = "", to = ""] = /^(cut|partition|power loss) ([^>]+)(?:>(.*))?$/.exec(event.fault) ?? [];
    if (kind === undefined) continue;
    if (event.kind === "fault on") cuts.push({ host, to, from: event.at, until: Number.POSITIVE_INFINITY });
    else {
      const cut = cuts.find((each) => each.host === host && each.to === to && each.until === Number.POSITIVE_INFINITY);
      if (cut !== undefined) cut.until = event.at;
    }
  }
  for (const event of facts.events) {
    if (event.kind !== "seen" || event.state !== "dead") continue;
    const { by, of, at } = event;
    const since = at - PATH_MS;
    if (!facts.governed(by, since, at) || !facts.governed(of, since, at)) continue;
    const isCut = cuts.some((cut) => cut.until > since && cut.from <= at && concerns(cut, by, of));
    if (!isCut) yield `${by} counts ${of} as dead at ${at}, and nothing had been between them since ${since}`;
  }
}

function concerns({ host, to }: { readonly host: string; readonly to: string }, one: string, other: string): boolean {
  const ends = [one, other];
  return to === "" ? ends.includes(host) : ends.includes(host) && ends.includes(to);
}
