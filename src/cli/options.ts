// Options that several verbs have in common.

import { Option } from "commander";
import { formatMs, parseDuration } from "./duration.ts";

/** An option that may be given again; undefined where it never is. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be given again`).argParser(
    (value: string, before: readonly string[] = []) => [...before, value],
  );
}

export function durationOption(flags: string, description: string, defaultMs?: number): Option {
  const option = new Option(flags, description).argParser(parseDuration);
  return defaultMs === undefined ? option : option.default(defaultMs, formatMs(defaultMs).replace(" ", ""));
}
