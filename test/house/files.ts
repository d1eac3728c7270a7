// What the rules of the house read: the checkout's own files.

import { existsSync, globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "..", "..");

/** Paths from the root, with slashes. */
export function filesLike(...patterns: readonly string[]): string[] {
  return globSync([...patterns], { cwd: root, exclude: (path) => /node_modules|coverage|fixtures/.test(path) })
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
}

export function textOf(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

export function exists(path: string): boolean {
  return existsSync(join(root, path));
}

/** Sources without the generated ones, and without tests. */
export function ownSources(): string[] {
  return filesLike("src/**/*.ts").filter((path) => !path.includes("/gen/") && !path.endsWith(".test.ts"));
}

/** Numbered lines of code: comment lines count as empty. */
export function codeLines(source: string): { readonly number: number; readonly text: string }[] {
  return source.split("\n").map((text, index) => ({
    number: index + 1,
    text: /^\s*(\/\/|\/?\*)/.test(text) ? "" : text.replace(/\s\/\/ .*$/, ""),
  }));
}
