// A wrong call or component fails the compiler: each marked line of wrong-calls.ts is refused, and nothing else in it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { checkTypes } from "../../src/cli/type-check.ts";
import { cleanUp, LIMIT, scratch } from "../cli/unum.ts";

const MARK = /^ *\/\/ @ts-expect-error .*\n/gm;
const file = join(import.meta.dirname, "wrong-calls.ts");

after(cleanUp);

/** What the compiler says of a text that stands where wrong-calls.ts does. */
async function problemsOf(source: string) {
  const contracts = join(import.meta.dirname, "../gen");
  const folder = await scratch({ "calls.ts": source.replaceAll('"../gen/', `"${contracts}/`) });
  return checkTypes(folder, [join(folder, "calls.ts")]);
}

describe("the compiler", LIMIT, () => {
  it("refuses every marked line, and no other", async () => {
    const source = await readFile(file, "utf8");
    const marked = source.match(MARK)?.length ?? 0;
    assert.ok(marked >= 27, `${marked} lines are marked`);
    assert.deepEqual(await problemsOf(source), []);
    // Without the marks every one of them shows, at the line after its mark.
    const bare = await problemsOf(source.replaceAll(MARK, ""));
    const expected: number[] = [];
    source.split("\n").forEach((line, index) => {
      if (line.includes("@ts-expect-error")) expected.push(index - expected.length + 1);
    });
    assert.deepEqual([...new Set(bare.map(({ line }) => line))], expected);
  });

  it("refuses a mark at a line that is right (the test can fail)", async () => {
    const source = await readFile(file, "utf8");
    const right = "  const { text } = await client.call";
    assert.ok(source.includes(right));
    const wrong = await problemsOf(source.replace(right, `  // @ts-expect-error nothing is wrong\n${right}`));
    assert.deepEqual(
      wrong.map(({ message }) => message),
      ["TS2578: Unused '@ts-expect-error' directive."],
    );
  });
});
