// unum flow estimate: what a topology will bear, before it is built.

import { estimateFlow, type StepGuess } from "../../flows/index.ts";
import { parseDuration } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { loadFlow } from "./flow-file.ts";

export interface EstimateFlags {
  readonly flow?: string;
  readonly json?: boolean;
  readonly time?: readonly string[];
  readonly cpu?: readonly string[];
  readonly atOnce?: readonly string[];
  readonly parts?: readonly string[];
  readonly failures?: readonly string[];
  readonly share?: readonly string[];
  readonly workers?: number;
  readonly cores?: number;
  readonly inFlight?: number;
  readonly items?: number;
}

const SHOWN = 4;

export async function estimateVerb(place: string, flags: EstimateFlags, terminal: Terminal): Promise<number> {
  const { flow } = await loadFlow(place, flags.flow);
  const steps: Record<string, StepGuess> = {};
  const say = (name: string, guess: StepGuess) => {
    steps[name] = { ...steps[name], ...guess };
  };
  for (const [name, text] of pairs("--time", flags.time)) say(name, { ms: parseDuration(text) });
  for (const [name, text] of pairs("--cpu", flags.cpu)) say(name, { cpuMs: parseDuration(text) });
  for (const [name, text] of pairs("--at-once", flags.atOnce)) say(name, { concurrency: numberIn("--at-once", text) });
  for (const [name, text] of pairs("--parts", flags.parts)) say(name, { parts: numberIn("--parts", text) });
  for (const [name, text] of pairs("--failures", flags.failures)) say(name, { failures: numberIn("--failures", text) });
  const shares = pairs("--share", flags.share).map(([edge, text]): [string, number] => [
    edge.replace("->", "→"),
    numberIn("--share", text),
  ]);
  const estimate = estimateFlow(flow.graph, {
    steps,
    shares: Object.fromEntries(shares),
    ...(flags.workers !== undefined && { containers: flags.workers }),
    ...(flags.cores !== undefined && { cores: flags.cores }),
    ...(flags.inFlight !== undefined && { inFlight: flags.inFlight }),
  });
  if (flags.json) {
    terminal.print(JSON.stringify({ flow: flow.graph.name, ...estimate }));
    return EXIT.ok;
  }
  const { itemsPerSecond, stepsPerSecond, aloneMs, bounds } = estimate;
  terminal.print(
    `about ${rounded(itemsPerSecond)} items a second (${rounded(stepsPerSecond)} steps), one alone ${rounded(aloneMs)} ms`,
  );
  for (const { by, itemsPerSecond: most } of bounds.slice(0, SHOWN))
    terminal.print(`  ${rounded(most).padStart(9)}/s  ${by}`);
  if (flags.items !== undefined)
    terminal.print(`${flags.items} items take about ${rounded(flags.items / itemsPerSecond)} s`);
  return EXIT.ok;
}

function pairs(option: string, given: readonly string[] = []): [string, string][] {
  return given.map((text) => {
    const at = text.lastIndexOf("=");
    if (at < 1 || at === text.length - 1) throw new UsageError(`${option} '${text}': write it as NAME=VALUE`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
}

function numberIn(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number)) throw new UsageError(`${option}: '${text}' is no number`);
  return number;
}

/** Two digits that count: an estimate has no more. */
function rounded(number: number): string {
  return String(Number(number.toPrecision(2)));
}
