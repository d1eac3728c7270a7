// Some lines at the end of a terminal's text that are drawn anew in place; what is said meanwhile goes above them.
// Nothing where no terminal reads.

import { stripVTControlCharacters } from "node:util";

export interface LiveLines {
  draw(lines: readonly string[]): void;
  /** The last drawing stays. */
  end(): void;
}

export function liveLines(stream: NodeJS.WriteStream): LiveLines | undefined {
  if (!stream.isTTY) return undefined;
  let height = 0;
  return {
    draw: (lines) => {
      const up = height === 0 ? "" : `\u001b[${height}A`;
      const room = Math.max(4, (stream.rows || 24) - 1);
      const shown = lines.slice(0, room).map((line) => fitted(line, stream.columns || 80));
      stream.write(`${up}\r\u001b[J${shown.join("\n")}\n`);
      height = shown.length;
    },
    end: () => {
      height = 0;
    },
  };
}

/** A line that is longer than the terminal is wide would take two, and be drawn over in part. */
function fitted(line: string, width: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= width ? line : `${plain.slice(0, width - 1)}…`;
}
