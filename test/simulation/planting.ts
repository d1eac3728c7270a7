// Deliberate mistakes: a second copy of the code in which a piece of text is replaced as it loads.
//
// The code itself knows nothing of it. A piece that is not there exactly once is an error: the code has changed, and the
// mistake must be planted anew.

import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { it } from "node:test";
import type { Violation } from "./findings.ts";

export interface PlantedBug {
  readonly name: string;
  /** In src. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Planted with it, where two places would have to fail. */
  readonly also?: Pick<PlantedBug, "file" | "find" | "replace">;
  /** Numbers of the invariants that may find it. */
  readonly breaks: readonly number[];
  /** Seeds are tried from here on; it only saves time. */
  readonly from?: number;
}

interface Copy {
  readonly bug: PlantedBug;
  /** What it has of its own; all else is shared, classes that are told apart by identity above all. */
  readonly copied: RegExp;
}

const SRC = new URL("../../src/", import.meta.url).href;
const MARK = /\?planted=(\d+)$/;
/** A mark is its place here. */
const copies: Copy[] = [];

/** Loads modules, by their paths in src, from a copy with that mistake. `copied`: what lies where it says is of the same copy. */
export function planted(bug: PlantedBug, copied: RegExp): (path: string) => Promise<never> {
  if (copies.length === 0) hook();
  let mark = copies.findIndex((copy) => copy.bug === bug);
  if (mark < 0) mark = copies.push({ bug, copied }) - 1;
  return (path) => import(`${SRC}${path}?planted=${mark}`) as Promise<never>;
}

/** What a planted copy imports from the copied folders is of the same copy. */
function hook(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const [mark, index] = MARK.exec(context.parentURL ?? "") ?? [];
      const copied = copies[Number(index)]?.copied;
      const isCopied = resolved.url.startsWith(SRC) && copied?.test(resolved.url) && !resolved.url.includes("?");
      return mark !== undefined && isCopied ? { ...resolved, url: resolved.url + mark } : resolved;
    },
    load(url, context, next) {
      const loaded = next(url, context);
      const bug = copies[Number(MARK.exec(url)?.[1])]?.bug;
      const places = bug === undefined ? [] : [bug, ...(bug.also === undefined ? [] : [bug.also])];
      const place = places.find(({ file }) => url.startsWith(`${SRC}${file}?`));
      if (bug === undefined || place === undefined) return loaded;
      return { ...loaded, source: plant(bug.name, place, String(loaded.source)) };
    },
  });
}

function plant(name: string, { file, find, replace }: NonNullable<PlantedBug["also"]>, source: string): string {
  const pieces = source.split(find);
  if (pieces.length === 2) return pieces.join(replace);
  throw new Error(`'${name}' cannot be planted: ${file} has its text ${pieces.length - 1} times; write it anew`);
}

export interface PlantedSuite<Code> {
  readonly bugs: readonly PlantedBug[];
  /** Numbers of those that must be broken by one of them. */
  readonly invariants: readonly number[];
  readonly mostSeeds: number;
  readonly codeOf: (bug: PlantedBug) => Promise<Code>;
  readonly run: (seed: number, code: Code) => Promise<{ readonly violations: readonly Violation[] }>;
}

/**
 * To be called in a `describe`: each mistake must break an invariant that it may, within a bounded number of seeds. Answers with
 * what says, after them, which invariants none of them has broken.
 */
export function findsPlanted<Code>({
  bugs,
  invariants,
  mostSeeds,
  codeOf,
  run,
}: PlantedSuite<Code>): () => readonly number[] {
  const seen = new Set<number>();
  for (const bug of bugs) {
    it(`finds that ${bug.name}`, async (context) => {
      const code = await codeOf(bug);
      for (let seed = bug.from ?? 1; seed <= mostSeeds; seed++) {
        const { violations } = await run(seed, code);
        const found = violations.find(({ invariant }) => bug.breaks.includes(invariant));
        if (found === undefined) continue;
        for (const { invariant } of violations) seen.add(invariant);
        return context.diagnostic(`found at seed ${seed}: ${found.invariant}, ${found.text}`);
      }
      assert.fail(`not found in ${mostSeeds} seeds`);
    });
  }
  return () => invariants.filter((number) => !seen.has(number));
}
