// The components of a folder, loaded and, where asked, as the compiler sees them.

import { dirname, sep } from "node:path";
import type { Clock } from "../base/clock.ts";
import { findComponentFiles } from "../node/component-files.ts";
import { type Loaded, type LoadedComponent, loadComponents } from "../node/load-components.ts";
import type { LoadFailure, Place } from "../node/load-failure.ts";
import { typeFailure } from "./failure-text.ts";
import { checkTypes, type TypeProblem } from "./type-check.ts";

/** A component with a type error in one of its own files is a failure; so is a problem that belongs to none of them. */
export async function loadChecked(folder: string, clock: Clock): Promise<Loaded> {
  const files = (await findComponentFiles(folder)).map(({ path }) => path);
  // The compiler first: to load is to run.
  const problems = await checkTypes(folder, files);
  const loaded = await loadComponents(folder, { clock });
  const owned = problems
    .filter((problem) => !loaded.failures.some(({ place }) => isAt(problem, place)))
    .map((problem) => ({ problem, owner: ownerOf(problem, files) }));
  const untyped = new Set(owned.map(({ owner }) => owner));
  return {
    components: loaded.components.filter(({ file }: LoadedComponent) => !untyped.has(file)),
    failures: [
      ...loaded.failures,
      ...owned.map(({ problem, owner }): LoadFailure => typeFailure(owner ?? problem.file, problem)),
    ],
  };
}

/** A mistake that kept the file from loading is told once. */
function isAt({ file, line }: TypeProblem, place: Place | undefined): boolean {
  return place !== undefined && place.file === file && place.line === line;
}

/** The component in whose file or folder the problem is. */
function ownerOf({ file }: TypeProblem, files: readonly string[]): string | undefined {
  if (files.includes(file)) return file;
  const folders = files.filter((path) => file.startsWith(`${dirname(path)}${sep}`));
  // A component without a folder of its own shares the outermost one with all others.
  return folders.sort((a, b) => dirname(b).length - dirname(a).length)[0];
}
