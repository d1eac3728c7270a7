// Ending a node, or a container of it, by its door.

import type { Option } from "commander";
import type { Door } from "./door.ts";
import { durationOption } from "./options.ts";

/** What ending takes beside the grace. */
export const SLACK_MS = 15_000;

const DEFAULT_GRACE_MS = 10_000;

export function graceOption(description: string): Option {
  return durationOption("--grace <time>", description, DEFAULT_GRACE_MS);
}

/** `container`: empty for the whole node. Settles with the calls that were left. */
export async function drainAt({ ask }: Door, container: string, graceMs: number): Promise<number> {
  const { left } = await ask((node, options) => node.drain({ container, graceMs }, options), {
    ttlMs: graceMs + SLACK_MS,
  });
  return left;
}
