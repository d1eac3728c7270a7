// The two outputs of a command: what was asked for, and what goes along with it.
//
// Invariants
//   T1. Only what was asked for goes to standard output, so that it can be piped.
//   T2. Colours only where a terminal reads, and NO_COLOR is respected.
//   T3. A reader that goes away ends nothing by itself: `unread` says so, and the verb decides.

import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

export interface Terminal {
  /** One line, or several, to standard output. */
  print(text: string): void;
  /** One line, or several, to standard error. */
  say(text: string): void;
  /** Coloured where standard output is a terminal. */
  paint(format: Format, text: string): string;
  /** Coloured where standard error is a terminal. */
  tint(format: Format, text: string): string;
  /** Aborts when nobody reads standard output any more. */
  readonly unread: AbortSignal;
  /** A line on standard error that each call replaces; undefined where that is no terminal. */
  readonly redraw: ((line: string) => void) | undefined;
  /** Settles when what was written has left. */
  flushed(): Promise<void>;
}

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  const unread = new AbortController();
  stdout.on("error", () => unread.abort(new Error("nobody reads the output any more")));
  stderr.on("error", () => {});
  const style = (stream: NodeJS.WriteStream) => (format: Format, text: string) =>
    styleText(format, text, { stream, validateStream: true });
  return {
    print: (text) => void stdout.write(`${text}\n`),
    say: (text) => void stderr.write(`${text}\n`),
    paint: style(stdout),
    tint: style(stderr),
    unread: unread.signal,
    redraw: stderr.isTTY ? (line) => void stderr.write(`\r\u001b[2K${line}`) : undefined,
    flushed: async () => {
      // The callback comes for a closed stream too, with the error that was told above.
      await Promise.all([stdout, stderr].map((stream) => new Promise<void>((done) => stream.write("", () => done()))));
    },
  };
}
