// Lines of logs as `unum logs` prints them: each with what it is from.

import { type LogLine, logLineJson, logLineText } from "./log-line.ts";
import type { Terminal } from "./terminal.ts";

export interface SourceLine extends LogLine {
  readonly from: string;
}

const COLOURS = ["cyan", "magenta", "blue", "yellow", "green", "gray"] as const;

export class LogPrinter {
  readonly #json: boolean;
  readonly #terminal: Terminal;
  readonly #seen: string[] = [];
  #width = 0;

  constructor(json: boolean, terminal: Terminal) {
    this.#json = json;
    this.#terminal = terminal;
  }

  print(lines: readonly SourceLine[]): void {
    const { print, paint } = this.#terminal;
    for (const line of lines) {
      if (this.#json) print(JSON.stringify(logLineJson(line.from, line)));
      else print(`${this.#prefix(line.from)} ${logLineText(line, paint)}`);
    }
  }

  #prefix(from: string): string {
    if (!this.#seen.includes(from)) this.#seen.push(from);
    this.#width = Math.max(this.#width, from.length);
    const colour = COLOURS[this.#seen.indexOf(from) % COLOURS.length] ?? "gray";
    return this.#terminal.paint(colour, `${from.padEnd(this.#width)} |`);
  }
}
