// A line of a log as people read it: what Unum itself writes there is JSON, the rest is whatever components print.

import { asError } from "../base/fault.ts";
import type { LogLevel } from "../base/log.ts";
import { plain } from "./plain-text.ts";
import type { Terminal } from "./terminal.ts";

export interface LogLine {
  /** Milliseconds since 1970; undefined where the line does not say. */
  readonly atMs: number | undefined;
  readonly text: string;
  /** Of a line that Unum wrote. */
  readonly written: { readonly level: LogLevel; readonly message: string; readonly fields: object } | undefined;
}

const COLOURS = { debug: "gray", info: "cyan", warn: "yellow", error: "red" } as const;

export function parseLogLine(text: string): LogLine {
  const found = text.startsWith('{"at":') ? parsed(text) : undefined;
  return found ?? { atMs: undefined, text, written: undefined };
}

function parsed(text: string): LogLine | undefined {
  try {
    const { at, level, message, ...fields } = JSON.parse(text);
    const atMs = Date.parse(at);
    const known = Number.isFinite(atMs) && typeof message === "string" && Object.hasOwn(COLOURS, level);
    return known ? { atMs, text, written: { level, message, fields } } : undefined;
  } catch (error) {
    // Half a line, or a component that writes JSON of its own.
    if (asError(error).name !== "SyntaxError") throw error;
    return undefined;
  }
}

/** `level time message name=value …`, or the line as it is. */
export function logLineText({ atMs, text, written }: LogLine, paint: Terminal["paint"]): string {
  if (written === undefined || atMs === undefined) return plain(text);
  const { level, message, fields } = written;
  const named = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const time = new Date(atMs).toISOString().slice(11, 19);
  return [paint(COLOURS[level], level), time, plain([message, ...named].join(" "))].join(" ");
}

/** As JSON, with what it is from. */
export function logLineJson(from: string, { atMs, text, written }: LogLine): object {
  if (written === undefined || atMs === undefined) return { from, text };
  const { level, message, fields } = written;
  return { from, at: new Date(atMs).toISOString(), level, message, ...fields };
}

/** In the order of their times; a line without one stays behind the one before it in its own log. */
export function inOrder(
  logs: readonly (readonly (LogLine & { readonly from: string })[])[],
): readonly (LogLine & { readonly from: string })[] {
  const timed = logs.flatMap((lines) => {
    let last = Number.NEGATIVE_INFINITY;
    return lines.map((line) => {
      last = Math.max(last, line.atMs ?? last);
      return { line, at: last };
    });
  });
  return timed.sort((a, b) => a.at - b.at || 0).map(({ line }) => line);
}
