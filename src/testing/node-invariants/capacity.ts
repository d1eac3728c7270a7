// Judges how much runs: never more than allowed, no more than a lowered limit for long, nothing that nobody keeps.

import { LimitInForce, type NodeFacts } from "./node-facts.ts";

/** What a container may take to end after its calls have, and a governor to see it. */
const SLACK_MS = 5_000 + 2_000;
/** How long a container goes on without a governor, and its calls then. */
const LEASE_MS = 60_000 + 10_000;

/** At the moment each container is asked for, it is one that the limit allows. */
export function* withinLimit(facts: NodeFacts): Iterable<string> {
  for (const { name, containers } of facts.judged.nodes) {
    const limit = new LimitInForce(containers);
    const running = new Set<string>();
    let full = 0;
    for (const event of facts.events) {
      if (event.kind === "fault on" && event.fault === `full disk ${name}`) full++;
      if (event.kind === "fault off" && event.fault === `full disk ${name}`) full--;
      if (!("host" in event) || event.host !== name) continue;
      if (event.kind === "limit told" || event.kind === "limit in force") limit.onEvent(event, full > 0);
      if (event.kind === "process down") running.delete(event.process);
      if (event.kind === "process up" && event.program === "keeper") limit.onStart();
      if (event.kind !== "process up" || event.program !== "container") continue;
      running.add(event.process);
      if (running.size > limit.most) {
        yield `${event.process} was started on ${name} at ${event.at} as number ${running.size}, the limit was ${limit.most}`;
      }
    }
  }
}

/** A limit that was lowered holds after the grace, where a governor was there to see to it. */
export function* loweredInTime(facts: NodeFacts): Iterable<string> {
  for (const event of facts.events) {
    if (event.kind !== "limit in force") continue;
    const { host, at, containers } = event;
    const graceMs = facts.judged.nodes.find(({ name }) => name === host)?.graceMs ?? 0;
    const by = at + graceMs + SLACK_MS;
    if (by > facts.judged.at || !facts.governed(host, at, by)) continue;
    if (facts.happened(host, at + 0.001, by, ({ kind }) => kind === "limit told" || kind === "limit in force"))
      continue;
    const left = facts
      .of(host, "container")
      .filter(({ up, down, stops }) => up.at <= by && (down === undefined || down.at > by) && stops.length === 0);
    if (left.length > containers) {
      yield `${left.length} containers ran on ${host} at ${by}, ${by - at} ms after ${containers} was said to be the limit`;
    }
  }
}

/** When a node has ended, and the lease of its containers, nothing of it is left. */
export function* noOrphan(facts: NodeFacts): Iterable<string> {
  const { at, nodes } = facts.judged;
  for (const { name } of nodes) {
    for (const { up, down, stops } of facts.of(name, "container")) {
      const until = down?.at ?? at;
      // Time in which a governor ran, or it itself stood still, does not count.
      const lastGovernor = facts
        .of(name, "governor")
        .filter((governor) => governor.up.at < until)
        .reduce((last, governor) => Math.max(last, governor.down?.at ?? at), up.at);
      const lastStop = stops.reduce((last, stop) => Math.max(last, Math.min(stop.to, at)), up.at);
      const alone = until - Math.max(up.at, lastGovernor, lastStop);
      if (alone > LEASE_MS + SLACK_MS) {
        yield `${up.process} of ${name} was there for ${Math.round(alone)} ms without a governor`;
      }
    }
  }
}

/** Whoever runs, when all has been calm, is known to the governor that keeps the node. */
export function* allKept(facts: NodeFacts): Iterable<string> {
  for (const { host, kept, at } of facts.states) {
    const known = new Set(kept === "" ? [] : kept.split(" "));
    if (known.has("?")) continue;
    for (const { up, down } of facts.of(host, "container")) {
      const runs = up.at <= at && (down === undefined || down.at > at);
      if (runs && !known.has(up.process))
        yield `${up.process} runs on ${host} at ${at}, and its governor does not know it`;
    }
  }
}

/** Until a governor has looked at what each uses. */
const MEASURED_MS = 2_000;

/** What uses more than one may is ended after its calls, where a governor is there to see to it. */
export function* noHog(facts: NodeFacts): Iterable<string> {
  for (const event of facts.events) {
    if (event.kind !== "process grew") continue;
    const { host, process, at, what } = event;
    const { graceMs = 0, memoryBytes = Number.POSITIVE_INFINITY } =
      facts.judged.nodes.find(({ name }) => name === host) ?? {};
    const by = at + MEASURED_MS + graceMs + SLACK_MS;
    const life = facts.lives.get(process);
    if (Number(what) <= memoryBytes || life?.up.program !== "container" || by > facts.judged.at) continue;
    if (life.stops.length > 0 || !facts.governed(host, at, by) || facts.slowDisk(host, at, by)) continue;
    if (life.down === undefined || life.down.at > by)
      yield `${process} of ${host} used ${what} bytes from ${at} on, and was there at ${by}`;
  }
}
