// unum flow as a user meets it: a run, its status, its dead, its mistakes.

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { cleanUp, jsonLines, LIMIT, scratch, unum } from "./unum.ts";

after(cleanUp);

const FLOW = "test/flows/kills-flow";
const LINES = ['{"name":"a","number":2}', '{"name":', '{"name":"b","number":1,"fails":3}', '{"nme":"c"}'].join("\n");

describe("unum flow", LIMIT, () => {
  it("names a bad line with its number, lets the rest go on, and says so by its exit code", async () => {
    const home = await scratch();
    const ran = await unum(["flow", "run", FLOW, "--input", "-", "--output", "-", "--id", "r", "--in-process"], {
      home,
      input: LINES,
    });
    assert.equal(ran.code, 1, ran.stderr);
    assert.match(ran.stderr, /standard input:2: .*JSON/);
    assert.match(ran.stderr, /standard input:4: .*"nme"/);
    const out = ran.stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line).value);
    assert.deepEqual(out.map(({ name, items }) => [name, items]).sort(), [
      ["a", 3],
      ["b", 2],
    ]);

    const [listed] = jsonLines(await unum(["flow", "list", "--json"], { home }));
    assert.deepEqual([listed.id, listed.flow, listed.running], ["r", "joins", false]);
    const [status] = jsonLines(await unum(["flow", "status", "last", "--json"], { home }));
    assert.deepEqual([status.finished, status.items, status.ended, status.dead], ["done", 2, 2, 0]);
    const history = jsonLines(await unum(["flow", "status", "r/1", "--json"], { home }));
    assert.deepEqual(
      history.map(({ sequence }) => sequence),
      history.map((_, index) => index + 1),
    );
    assert.equal(history.at(-1).state, "done");
    assert.ok(!("progress" in history.at(-1)), "how far a step is that never said so");
    const again = await unum(["flow", "run", FLOW, "--resume", "r", "--json"], { home });
    assert.deepEqual([again.code, jsonLines(again)[0].ended], [0, 2]);
  });

  it("does one run for one key", async () => {
    const home = await scratch();
    const args = ["flow", "run", FLOW, "--input", "-", "--key", "monday", "--in-process", "--json"];
    const input = '{"name":"a","number":1}';
    const [one] = jsonLines(await unum(args, { home, input }));
    const [two] = jsonLines(await unum(args, { home, input }));
    assert.deepEqual([two.run, two.items], [one.run, 1]);
    assert.equal(jsonLines(await unum(["flow", "list", "--json"], { home })).length, 1);
  });

  it("says why what is dead cannot try again", async () => {
    const home = await scratch();
    const ran = await unum(["flow", "run", "examples/06-flow/troubles.ts", "--id", "t", "--in-process"], { home });
    assert.equal(ran.code, 1, ran.stderr);
    const retried = await unum(["flow", "retry", "t"], { home });
    assert.equal(retried.code, 1);
    assert.match(
      retried.stdout,
      /^0 of 15 dead tasks try again; 15 cannot: task \d+ is a part of \d+, which has gone on without it; replay the whole item$/m,
    );
  });

  it("tells a mistake with the way out", async () => {
    const home = await scratch();
    const cases: [readonly string[], number, RegExp][] = [
      [["run", "nowhere"], 2, /there is no 'nowhere'/],
      [["run", "src"], 2, /src has no flow\.ts/],
      [["run", FLOW, "--flow", "jons", "--input", "-"], 2, /no flow 'jons'; did you mean 'joins'/],
      [["run", FLOW], 2, /nothing comes in: give --input FILE with a unum\.test\.v1\.Item/],
      [["status", "lst"], 4, /no run 'lst'/],
      [["limits", "last", "a->b"], 2, /nothing is to change/],
      [["replay", "last/x", "--from", "s"], 2, /'x' is no task/],
      [["graph", "nowhere"], 4, /no run 'nowhere'/],
      [["graph", "no/where"], 2, /there is no 'no\/where'; give the folder/],
      [["limits", "last", "a->b", "--per-second", "abc"], 2, /'abc' is not a number/],
      [["list", "--journal", "mysql://u:secret@h/d"], 2, /takes the address of a PostgreSQL/],
      [
        ["list", "--journal", "postgres://u:secret@127.0.0.1:1/d"],
        3,
        /postgres:\/\/u@127\.0\.0\.1:1\/d cannot be used: .*REFUSED/,
      ],
    ];
    for (const [args, code, says] of cases) {
      const ended = await unum(["flow", ...args], { home, input: "" });
      assert.equal(ended.code, code, `${args.join(" ")}: ${ended.stderr}`);
      assert.match(ended.stderr, says);
      assert.doesNotMatch(ended.stderr, /secret/);
    }
  });

  it("steers a run that nobody routes, by its journal", async () => {
    const home = await scratch();
    await unum(["flow", "run", FLOW, "--input", "-", "--id", "r", "--in-process"], {
      home,
      input: '{"name":"a","number":1}',
    });
    const refused = await unum(["flow", "limits", "r", "source->alne", "--capacity", "5"], { home });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /no edge 'source→alne'; it has source→alone/);
    const changed = await unum(["flow", "limits", "r", "source->alone", "--capacity", "5"], { home });
    assert.equal(changed.code, 0, changed.stderr);
    const [status] = jsonLines(await unum(["flow", "status", "r", "--json"], { home }));
    assert.equal(
      JSON.parse(status.edges.find(({ name }: { name: string }) => name === "source→alone").policy).capacity,
      5,
    );
    const drawn = await unum(["flow", "graph", "r"], { home });
    assert.match(drawn.stdout, /together/);
    assert.match(drawn.stdout, /^source .* 1 done$/m);
    // It is over, and stays so until something goes through it again.
    assert.equal(status.finished, "done");
    for (const [verb, says] of [
      ["pause", /run 'r' is over: done/],
      ["cancel", /run 'r' is over: done/],
      ["retry", /nothing is dead/],
    ] as const) {
      const ended = await unum(["flow", verb, "r"], { home });
      assert.equal(ended.code, verb === "retry" ? 0 : 2, ended.stderr);
      assert.match(ended.stdout + ended.stderr, says);
    }
    const begun = await unum(["flow", "run", FLOW, "--input", "-", "--id", "r", "--in-process"], { home, input: "" });
    assert.equal(begun.code, 2);
    assert.match(begun.stderr, /the run 'r' is there already; go on with it by --resume r/);
    const replayed = await unum(["flow", "replay", "r/1", "--from", "spread"], { home });
    assert.match(replayed.stderr, /works on parts of an item/);
    const again = await unum(["flow", "run", FLOW, "--resume", "r", "--in-process"], { home });
    assert.equal(again.code, 0);
    assert.match(again.stderr, /run 'r' was over before/);
  });
});
