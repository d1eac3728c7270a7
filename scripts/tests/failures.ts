// What failed in a run of tests, told once more at its end: a log is read from there, and may be cut before it.

import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { root } from "../verbs/root.ts";

/** Of an error: what was expected and what was there, and the first places it came from. */
const ERROR_LINES = 30;
const LINE_LENGTH = 400;
/** Of what a test file that failed wrote to standard error: tests with processes tell there what these said. */
const SAID_LINES = 60;

export class Failures {
  readonly #failed: { readonly file: string; readonly name: string; readonly error: string }[] = [];
  /** The last lines each file wrote to standard error. */
  readonly #said = new Map<string, string>();

  /** Every event of the run, in order. */
  see({ type, data }: TestEvent): void {
    if (type === "test:stderr") {
      const { file, message } = data;
      const said = `${this.#said.get(pathOf(file)) ?? ""}${message}`;
      this.#said.set(pathOf(file), lastLines(said, SAID_LINES));
    }
    if (type !== "test:fail" || isPromised(data.todo)) return;
    const { error } = data.details;
    // A suite fails with its tests, each of which is told.
    if (failureTypeOf(error) === "subtestsFailed") return;
    this.#failed.push({ file: pathOf(data.file), name: data.name, error: textOf(error) });
  }

  /** Empty where nothing failed. */
  get lines(): readonly string[] {
    const failed = this.#failed.flatMap(({ file, name, error }) => [
      `failed: ${file} › ${name}`,
      ...error.split("\n", ERROR_LINES).map(indented),
    ]);
    const files = new Set(this.#failed.map(({ file }) => file));
    const said = [...files].flatMap((file) => {
      const text = this.#said.get(file)?.trimEnd() ?? "";
      return text === "" ? [] : [`standard error of ${file} ended with:`, ...text.split("\n").map(indented)];
    });
    return [...said, ...failed];
  }
}

/** What is yet to be done does not count as failed. */
function isPromised(todo: string | boolean | undefined): boolean {
  return todo !== undefined && todo !== false;
}

function pathOf(file: string | undefined): string {
  return file === undefined ? "(no file)" : relative(root, file).replaceAll("\\", "/");
}

function indented(line: string): string {
  return `  ${line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH)}…` : line}`;
}

function lastLines(text: string, count: number): string {
  const lines = text.split("\n");
  return lines.slice(-count - 1).join("\n");
}

function failureTypeOf(error: Error): unknown {
  return "failureType" in error ? error.failureType : undefined;
}

/** The runner wraps what a test threw. */
function textOf(error: Error): string {
  const thrown = error.cause ?? error;
  return thrown instanceof Error ? (thrown.stack ?? String(thrown)) : String(thrown);
}
