// What is said of a run afterwards: its report, its time, how to do it again, where it may be gone on with.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { goneOnWith } from "../../src/cli/islands/history.ts";
import { howToReproduce } from "../../src/cli/islands/reproduce.ts";
import type { RunRecord } from "../../src/cli/islands/run-store.ts";
import { cleanUp, jsonLines, LIMIT, scratch, unum } from "./unum.ts";

after(cleanUp);

const RUN = ["islands", "run", "bbob:f8:d3", "--seed", "5", "--islands", "2", "--target", "-1e9", "--json"] as const;
const SHORT = ["--in-process", "--evaluations", "4000", "--set", "migration.every=200", "--name", "first"] as const;

describe("a report of islands", LIMIT, () => {
  it("counts the time before a resume, says what was changed and from when on, and what was asked for last", async () => {
    const home = await scratch();
    const first = jsonLines(await unum([...RUN, ...SHORT], { home }))[0];
    const resumed = await unum(["islands", "resume", "first", "--in-process", "--evaluations", "8000", "--json"], {
      home,
    });
    assert.ok(jsonLines(resumed)[0].seconds > first.seconds, resumed.stderr);
    const forked = ["islands", "fork", "first", "--name", "other", "--set", "migration.topology=full", "--in-process"];
    const other = await unum([...forked, "--evaluations", "9000", "--json"], { home });
    assert.ok(jsonLines(other)[0].evaluations >= 18_000, other.stderr);
    const file = join(home, "report.html");
    assert.equal((await unum(["islands", "report", "other", "--out", file], { home })).code, 0);
    const html = await readFile(file, "utf8");
    assert.match(html, /from epoch \d+ on: migration\.topology=full/);
    assert.match(html, /--evaluations 9000/);
    assert.match(html, /Settings were changed while it ran/);
  });

  it("that cannot be written is refused in one line; so is a fork of what is not kept, with what is", async () => {
    const home = await scratch();
    assert.equal((await unum([...RUN, ...SHORT], { home })).code, 1);
    const nowhere = await unum(["islands", "report", "first", "--out", join(home, "no", "report.html")], { home });
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.stderr, /report\.html cannot be written: ENOENT.*--out\n/);
    assert.doesNotMatch(nowhere.stderr, /\n {4}at /);
    const early = await unum(["islands", "fork", "first@0"], { home });
    assert.equal(early.code, 2);
    assert.match(
      early.stderr,
      /no checkpoint of first is from epoch 0 or before; kept are those after epochs (\d+, )*\d+/,
    );
  });

  it("says no best where nothing could be evaluated, and that candidates break constraints where all do", async () => {
    const home = await scratch();
    for (const [name, answer, shown] of [
      ["none", "Number.NaN", /\s–\s/],
      ["broken", "({ values: 1, violations: [1] })", /\sinfeasible\s/],
    ] as const) {
      const file = join(home, `${name}.ts`);
      const text = `import { problem } from "unum/islands";\nexport default problem({ dimensions: 2, lower: 0, upper: 1, evaluate: () => ${answer} });\n`;
      await writeFile(file, text);
      const own = ["--islands", "1", "--evaluations", "40", "--engine", "de:population=20", "--in-process"];
      const ran = await unum(["islands", "run", file, ...own, "--set", "migration.every=40"], { home });
      assert.match(ran.stdout, shown);
      assert.doesNotMatch(ran.stdout, /e\+\d{3}/);
    }
  });

  it("does a run again with all that was told to it", () => {
    const shape = { dimensions: 3, lower: -1, upper: 1, objectives: 1, cache: 9 };
    const record = {
      ...{ name: "r", processes: 2, evaluationMs: 5_000, unum: "1.0.0", settings: ["migration.every=7"] },
      problem: { kind: "exec", command: ["./my fitness", "--fast"], lines: true, shape },
      plan: { seed: 4, islands: ["a"], engines: ["de"], evaluations: 10, target: 0.5, free: false, proposes: true },
      propose: "http://127.0.0.1:1/",
    };
    // All that is read of one.
    const text = howToReproduce(record as unknown as RunRecord, false);
    const words = text.split("\n\n")[0]?.replaceAll(" \\\n  ", " ");
    assert.equal(
      words,
      "unum islands run --exec './my fitness --fast' --lines --dimensions 3 --lower -1 --upper 1 --objectives 1 --cache 9 --seed 4 --islands 1 --engine de --target 0.5 --evaluations 10 --set migration.every=7 --time-out 5s --propose http://127.0.0.1:1/ --replay r",
    );
  });

  it("draws what was gone on with, and not what was done twice", () => {
    const entries = [1, 5, 9, 12, 5, 8, 14].map((evaluations) => ({ evaluations }));
    assert.deepEqual(
      goneOnWith(entries).map(({ evaluations }) => evaluations),
      [1, 5, 5, 8, 14],
    );
  });
});
