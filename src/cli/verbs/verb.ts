// What a verb gets from the command, and how it hands back its end.

import type { Command } from "commander";
import type { Terminal } from "../terminal.ts";

export interface Stage {
  readonly program: Command;
  readonly terminal: Terminal;
  /** To be called once by the verb that ran. */
  end(exitCode: number): void;
}

/** Text under a verb's --help. */
export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
