// Judges what governors end by force: nothing that may still be within what it said it would take.

import type { Started } from "../trace.ts";
import type { NodeFacts } from "./node-facts.ts";

/** What a container may take to end after its calls have. */
const DRAIN_SLACK_MS = 5_000;
/** Of times told in whole ms, and of turns. */
const ROUNDING_MS = 5;

export function* noneKilledEarly(facts: NodeFacts): Iterable<string> {
  const running = new Map<number, Started>();
  for (const event of facts.events) {
    if (event.kind === "started") running.set(event.run, event);
    else if (event.kind === "ended") running.delete(event.run);
    else if (event.kind === "process killed" && event.program === "container") {
      const { process, at, host, how } = event;
      const graceMs = facts.judged.nodes.find(({ name }) => name === host)?.graceMs ?? 0;
      const { drainingAt } = facts.lives.get(process) ?? {};
      if (drainingAt !== undefined && at >= drainingAt + graceMs + DRAIN_SLACK_MS - ROUNDING_MS) continue;
      for (const run of running.values()) {
        const budgetMs = facts.judged.rules.get(run.contract)?.budgetMs ?? 0;
        if (run.process !== process || at >= run.at + budgetMs - ROUNDING_MS) continue;
        yield `${how} killed ${process} at ${at}, where ${run.contract} had begun at ${run.at} and may take ${budgetMs} ms`;
      }
    }
  }
}
