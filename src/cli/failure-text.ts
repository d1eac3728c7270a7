// Failures to load a component, as people and as programs read them.

import { relative } from "node:path";
import { asError } from "../base/fault.ts";
import { excerptAt, type LoadFailure, type Place } from "../node/load-failure.ts";
import type { Terminal } from "./terminal.ts";
import type { TypeProblem } from "./type-check.ts";

export function sayFailure({ component, place, message, advice }: LoadFailure, { say, tint }: Terminal): void {
  say(`${tint("red", "not served")} ${place === undefined ? shown(component) : placeText(place)}: ${message}`);
  const excerpt = place === undefined ? "" : excerptAt(place);
  if (excerpt !== "") say(excerpt.replaceAll(/^/gm, "  "));
  say(`  → ${advice}`);
}

export function failureJson({ component, place, message, advice }: LoadFailure): object {
  return { component, ...(place ?? undefined), message, advice };
}

/** A type error that keeps its component from being served. */
export function typeFailure(component: string, { file, line, column, message }: TypeProblem): LoadFailure {
  return {
    component,
    place: file === "" ? undefined : { file, line, column },
    message,
    advice: "correct the types; without --check they are not looked at",
  };
}

function placeText({ file, line, column }: Place): string {
  return `${shown(file)}:${line}:${column}`;
}

/** Why a file that was named cannot be read. */
export function unread(path: string, cause: unknown): string {
  const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  return isMissing ? `there is no file ${shown(path)}` : `cannot read ${shown(path)}: ${asError(cause).message}`;
}

/** As seen from the working folder, where that is shorter. */
export function shown(path: string): string {
  const here = relative("", path);
  return here.length < path.length ? here : path;
}
