// What docs/guide/islands.md says to type is typed here, as it stands there, in its order.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { cleanUp, endOf, LIMIT, type RunOptions, root, scratch, start, unum } from "../cli/unum.ts";
import { liveWhen } from "./live.ts";

after(cleanUp);

const GUIDE = await readFile(join(root, "docs/guide/islands.md"), "utf8");

/** Blocks of one section, of one kind: the text between their fences. */
function blocks(section: string, kind: string): readonly string[] {
  const [, from = assert.fail(`the guide has no section '${section}'`)] = GUIDE.split(`\n## ${section}\n`);
  const [text = ""] = from.split("\n## ");
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, own, block = ""]) =>
    own === kind ? [block] : [],
  );
}

/** Commands as lists of words, without what a shell takes from them. */
function commands(text: string): readonly (readonly string[])[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("npx unum "))
    .map((line) =>
      line
        .replace(/\s+#.*$/, "")
        .replace(/\s+>.*$/, "")
        .split(/\s+/)
        .slice(2),
    );
}

/** A run whose evaluations take long enough to look on. */
const SLOW = [
  ...["islands", "run", "slow.ts", "--seed", "7", "--name", "first", "--islands", "2", "--in-process"],
  ...["--set", "migration.every=100", "--evaluations", "200000"],
];

async function place(): Promise<RunOptions & { readonly home: string; readonly cwd: string }> {
  const home = await scratch();
  const [problem = assert.fail("the guide has no problem")] = blocks("A first search", "ts");
  await writeFile(join(home, "problem.ts"), problem);
  const slow = problem.replace(
    "evaluate: (x) => {",
    "evaluate: (x) => {\n    for (const end = performance.now() + 0.5; performance.now() < end; );",
  );
  await writeFile(join(home, "slow.ts"), slow);
  return { home, cwd: home };
}

describe("the guide of islands", LIMIT, () => {
  it("brings a newcomer from nothing to a plot and a report", LIMIT, async () => {
    const at = await place();
    const typed = blocks("A first search", "").flatMap(commands);
    assert.deepEqual(
      typed.map(([, verb]) => verb),
      ["run", "log", "report", "log"],
    );
    const said: string[] = [];
    for (const words of typed) {
      const { code, stdout, stderr } = await unum(words, at);
      assert.equal(code, 0, `${words.join(" ")}: ${stderr}`);
      said.push(stdout);
    }
    const [ran = "", plot = "", , csv = ""] = said;
    const [head = ""] = blocks("A first search", "").filter((block) => block.startsWith("ISLAND"));
    assert.match(ran, new RegExp(head.trim().replaceAll(/\s+/g, "\\s+")));
    assert.match(ran, /best \S+e-9|best \S+e-1\d/);
    assert.ok(plot.split("\n").length > 5, plot);
    assert.match(csv.split("\n")[0] ?? "", /evaluations/);
    assert.match(await readFile(join(at.cwd, "first.html"), "utf8"), /<svg/);
  });

  it("has a run looked at, changed, stopped, gone on with and forked", LIMIT, async () => {
    const at = await place();
    const running = endOf(start(SLOW, at));
    await liveWhen(at.home, "first", ({ epoch }) => epoch > 2);
    const [text = ""] = blocks("While it runs", "");
    let watching: Promise<{ readonly code: number | null; readonly stdout: string }> | undefined;
    let epoch = "";
    const verbs: string[] = [];
    for (const words of commands(text)) {
      const [, verb = ""] = words;
      verbs.push(verb);
      if (verb === "watch") {
        watching = endOf(start([...words, "--json"], at));
        continue;
      }
      if (verb === "resume") {
        assert.equal((await running).code, 0);
        // What is left of it need not take long.
        await writeFile(join(at.cwd, "slow.ts"), await readFile(join(at.cwd, "problem.ts")));
      }
      const given = words.map((word) => word.replace(/^first@\d+$/, `first@${epoch}`));
      const { code, stdout, stderr } = await unum(given, at);
      assert.equal(code, 0, `${given.join(" ")}: ${stderr}`);
      if (verb === "checkpoint") epoch = /after epoch (\d+)/.exec(stdout)?.[1] ?? assert.fail(stdout);
    }
    assert.deepEqual(verbs, ["status", "watch", "config", "config", "checkpoint", "stop", "resume", "fork"]);
    const watched = await watching;
    assert.equal(watched?.code, 0);
    assert.match(watched?.stdout ?? "", /"evaluations"/);
  });

  it("has programs that run as they stand", LIMIT, async () => {
    const at = await place();
    for (const block of [...blocks("Problems", "ts"), ...blocks("From a program", "ts")]) {
      if (!block.startsWith("import")) continue;
      const file = join(at.cwd, "program.ts");
      await writeFile(file, block);
      const ran = await unum(
        ["islands", "run", file, "--in-process", "--islands", "1", "--evaluations", "2000", "--seed", "1"],
        at,
      );
      // A program that searches by itself has no problem to export, and says so after it has searched.
      if (block.includes("export default")) assert.equal(ran.code, 0, ran.stderr);
      else assert.match(ran.stderr, /has no problem as its default export/);
    }
  });
});
