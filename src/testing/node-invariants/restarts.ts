// Judges how often what crashes is started again.

import { RESTART_POLICY } from "../../governor/decisions/restarts.ts";
import type { Life, NodeFacts } from "./node-facts.ts";

/** Until a governor has seen that a child has ended; one it adopted is looked at now and then. */
const SEEN_MS = 500;

/** Until a governor has seen that its folder changed: then all is forgiven. */
const FOLDER_MS = 3_000;

/** Once containers crashed too often under one governor, it starts none until the calm is over or the folder changes. */
export function* withinIntensity(facts: NodeFacts): Iterable<string> {
  const { component, calmMs } = RESTART_POLICY;
  for (const { name } of facts.judged.nodes) {
    for (const governor of facts.of(name, "governor")) {
      const crashes = crashesUnder(facts, governor);
      const starts = facts.of(name, "container").filter(({ up }) => up.how === governor.up.process);
      for (let one = component.restarts; one < crashes.length; one++) {
        const [first, last] = [crashes[one - component.restarts], crashes[one]];
        if (first === undefined || last === undefined || last - first >= component.withinMs - SEEN_MS) continue;
        const calmAt = last + calmMs;
        const changes = facts.events.filter((event) => event.kind === "deployed" && event.host === name);
        const changed = changes.find(({ at }) => at > first - FOLDER_MS)?.at ?? calmAt;
        const again = starts.find(({ up }) => up.at > last + SEEN_MS && up.at < Math.min(calmAt, changed));
        if (again === undefined) continue;
        yield `${again.up.process} was started on ${name} at ${again.up.at}, after ${component.restarts + 1} crashes from ${first} to ${last}`;
        break;
      }
    }
  }
}

/** When containers ended by themselves, while this governor ran and could see it. What it ends itself it may count otherwise, and what ends before it was given code speaks against no code. */
function crashesUnder(facts: NodeFacts, { up: { host, at: from }, down, stops }: Life): number[] {
  const to = down?.at ?? facts.judged.at;
  // Who stood still sees all that happened meanwhile at once: those are not counted here.
  if (stops.length > 0) return [];
  return facts
    .of(host, "container")
    .filter(({ up, loaded, killed, drainingAt }) => up.at > from && loaded && !killed && drainingAt === undefined)
    .flatMap(({ down: end }) => (end !== undefined && end.at < to ? [end.at] : []))
    .sort((a, b) => a - b);
}
