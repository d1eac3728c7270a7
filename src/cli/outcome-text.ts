// Values and failures of calls, as people and as programs read them.

import { ApplicationError, Fault } from "../base/fault.ts";

/** Of an error object in --json. A component's own error has the code "application". */
export function errorJson(error: unknown): {
  code: string;
  message: string;
  type?: string;
  /** Of what was denied: the role that the command needs, or the capability that was not granted. */
  needs?: { command?: string; role?: string; capability?: string };
} {
  if (error instanceof Fault) {
    const { code, message } = error;
    const needs = code === "denied" ? neededIn(message) : undefined;
    return { code, message, ...(needs === undefined ? {} : { needs }) };
  }
  if (error instanceof ApplicationError) return { code: "application", type: error.type, message: error.message };
  return { code: "usage", message: error instanceof Error ? error.message : String(error) };
}

/** A Fault travels as code and message; these are the words that privileges are refused with. */
function neededIn(message: string): { command: string; role: string } | { capability: string } | undefined {
  const [, command, role] = /'([a-z]+)' needs the role ([a-z]+)/.exec(message) ?? [];
  if (command !== undefined && role !== undefined) return { command, role };
  const [, capability] = /capability '([^']+)'/.exec(message) ?? [];
  return capability === undefined ? undefined : { capability };
}

/** `overloaded: 12 calls wait …`; a component's error by its class name. */
export function errorText(error: unknown): string {
  if (error instanceof Fault) return `${error.code}: ${error.message}`;
  if (error instanceof ApplicationError) return `the component threw ${error.type}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

export function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
