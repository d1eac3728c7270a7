// A terminal's whole screen, drawn anew in place, and the keys pressed meanwhile.
//
// Invariants
//   S1. However this ends, the terminal is as before: its text, its cursor, its way of taking keys.

import type { Terminal } from "./terminal.ts";

export interface Screen {
  readonly width: number;
  readonly height: number;
  /** Puts these lines on the screen, as many as fit. */
  draw(lines: readonly string[]): void;
  /** Back to what was there before. */
  close(): void;
}

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const LINE_END = "\u001b[K";
const BELOW = "\u001b[J";

/** Characters of a line of standard output; undefined where no terminal reads it. */
export function outputWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns || 80 : undefined;
}

export function look({ paint }: Terminal): { paint: Terminal["paint"]; width: number | undefined } {
  return { paint, width: outputWidth() };
}

/** Undefined where no terminal reads. `pressed` gets each key; Ctrl-C is one of them. */
export function openScreen(pressed: (key: string) => void, resized: () => void): Screen | undefined {
  const { stdin, stdout } = process;
  if (!stdout.isTTY) return undefined;
  const onKeys = (bytes: Buffer) => {
    for (const key of bytes.toString("latin1")) pressed(key);
  };
  const takesKeys = stdin.isTTY;
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    stdout.write(LEAVE);
    stdout.off("resize", resized);
    process.off("exit", close);
    if (takesKeys) stdin.off("data", onKeys).setRawMode(false).pause();
  };
  stdout.write(ENTER);
  stdout.on("resize", resized);
  // A defect must not leave the terminal unusable.
  process.on("exit", close);
  if (takesKeys) stdin.setRawMode(true).on("data", onKeys).resume();
  return {
    get width() {
      return stdout.columns || 80;
    },
    get height() {
      return stdout.rows || 24;
    },
    draw: (lines) => {
      const rows = lines.slice(0, stdout.rows || 24).map((line) => line + LINE_END);
      stdout.write(HOME + rows.join("\r\n") + BELOW);
    },
    close,
  };
}
