// Where in a component's files a failure to load it lies, and what its author can do.
//
// Node says the place in one of three ways: as the head of the stack ("file:///…:3", an excerpt, carets), as a frame of the
// stack, or not at all but with the names of the files. Types are stripped without moving a character, so lines and columns
// are those of the source.

import { readFileSync } from "node:fs";
import { dirname, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { asError } from "../base/fault.ts";

export interface Place {
  /** Absolute. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

export interface LoadFailure {
  /** The component's file, absolute. */
  readonly component: string;
  /** Where the failure lies, if that is known: in the component's file or in one it imports. */
  readonly place: Place | undefined;
  readonly message: string;
  readonly advice: string;
}

const CODES: Readonly<Record<string, string>> = {
  ERR_INVALID_TYPESCRIPT_SYNTAX: "correct the syntax",
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX:
    "Node.js runs TypeScript by removing its types, so write plain JavaScript here: an object with 'as const' for an enum, fields for parameter properties, modules for namespaces",
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING:
    "a package in node_modules must bring JavaScript; import its built files",
  ERR_MODULE_NOT_FOUND: "correct the path (with its ending, as ./name.ts), or install the package",
  ERR_UNSUPPORTED_DIR_IMPORT: "import a file, as ./name/index.ts",
  ERR_PACKAGE_PATH_NOT_EXPORTED: "import what the package exports",
};

/** What `thrown` says of the component at `component`. */
export function loadFailure(component: string, thrown: unknown): LoadFailure {
  const error = asError(thrown);
  const place = headOf(error) ?? frameOf(error, component) ?? importOf(error);
  const code = "code" in error ? String(error.code) : "";
  const { message } = error;
  const missing = /does not provide an export named '(.+)'/.exec(message);
  const advice =
    CODES[code] ??
    (missing !== null
      ? `export ${missing[1]} there, or import another name; a type is imported with 'import type'`
      : error.name === "SyntaxError"
        ? "correct the syntax"
        : error.name === "Fault"
          ? "correct it where component() is called"
          : "correct it, or move it into a function: this runs when the file is loaded");
  const kind = error.name === "Error" || error.name === "Fault" ? "" : `${error.name}: `;
  return { component, place, message: `${kind}${shown(message, component)}`, advice };
}

/** `file:///…:LINE`, then source lines with carets under the column, at the head of a SyntaxError's stack. */
function headOf({ stack = "" }: Error): Place | undefined {
  const head = /^(file:\/\/\S+|\/[^\n]+):(\d+)\n/.exec(stack);
  if (head?.[1] === undefined) return undefined;
  const carets = stack.split("\n").find((line) => /^\s*\^+\s*$/.test(line));
  return { file: pathOf(head[1]), line: Number(head[2]), column: (carets?.indexOf("^") ?? 0) + 1 };
}

/** The innermost frame in the component's own file, else in a file below its folder. */
function frameOf({ stack = "" }: Error, component: string): Place | undefined {
  const folder = dirname(component) + sep;
  const frames = [...stack.matchAll(/^\s+at (?:.*\()?(?:async )?((?:file:\/\/|\/)[^\n]+?):(\d+):(\d+)\)?$/gm)].map(
    ([, file = "", line, column]) => ({ file: pathOf(file), line: Number(line), column: Number(column) }),
  );
  const own = frames.filter(({ file }) => file === component);
  return own[0] ?? frames.find(({ file }) => file.startsWith(folder) && !file.includes("node_modules"));
}

/** "Cannot find … imported from FILE": the import itself, by its text. */
function importOf({ message }: Error): Place | undefined {
  const names = /^Cannot find (?:module|package) '(.+)' imported from (.+)$/m.exec(message);
  if (names?.[1] === undefined || names[2] === undefined) return undefined;
  const importer = pathOf(names[2]);
  const specifier = relative(dirname(importer), names[1]).replaceAll("\\", "/");
  return placeOfText(importer, [specifier.startsWith(".") ? specifier : `./${specifier}`, names[1]]);
}

/** The first place of one of the texts in a file, in the order of the texts. */
export function placeOfText(file: string, texts: readonly string[]): Place | undefined {
  const lines = linesOf(file);
  for (const text of texts) {
    const line = lines.findIndex((candidate) => candidate.includes(text));
    if (line >= 0) return { file, line: line + 1, column: (lines[line]?.indexOf(text) ?? 0) + 1 };
  }
  return undefined;
}

/** The line, those before it, and carets; empty where the file cannot be read. */
export function excerptAt({ file, line, column }: Place): string {
  const lines = linesOf(file).slice(Math.max(0, line - 3), line);
  const width = String(line).length;
  const rows = lines.map((text, index) => `${String(line - lines.length + 1 + index).padStart(width)} | ${text}`);
  if (rows.length === 0) return "";
  return [...rows, `${" ".repeat(width)} | ${" ".repeat(Math.max(0, column - 1))}^`].join("\n");
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, "utf8").split(/\r?\n/);
  } catch {
    return [];
  }
}

function pathOf(urlOrPath: string): string {
  return urlOrPath.startsWith("file:") ? fileURLToPath(urlOrPath.replace(/\?.*$/, "")) : urlOrPath;
}

/** Paths as seen from the component's folder. */
function shown(message: string, component: string): string {
  return message.replaceAll(`${dirname(component)}${sep}`, `.${sep}`);
}

/** In one line: file, line and why, and the way out. */
export function failureLine({ component, place, message, advice }: LoadFailure): string {
  return `${place === undefined ? component : `${place.file}:${place.line}:${place.column}`}: ${message} → ${advice}`;
}
