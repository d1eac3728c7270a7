// Which runs may go on with another version of their flow, and which differences it names.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Build, flow, graphChange, graphRecord } from "unum/flows";
import { ItemSchema, Steps } from "../gen/unum/test/v1/flows_pb.ts";
import { flowWorld } from "./flow-world.ts";

const { work, other, spread } = Steps.method;
const recordOf = (build: (words: Build) => void, version = "1.0.0") => {
  const declared = flow("f", (words) => void build(words), { version });
  return graphRecord(declared.graph);
};

const first = recordOf(({ source, step, router, sink }) => {
  const ways = source(ItemSchema)
    .to(step("one", work))
    .to(router("way", ({ name }) => name));
  ways.when("a").to(sink("as"));
});

describe("another version of a flow", () => {
  it("is gone on with where it changes policies and methods, and adds ways", () => {
    const next = recordOf(({ source, step, router, sink }) => {
      const ways = source(ItemSchema)
        .to(step("one", other, { attempts: 9 }), { capacity: 5 })
        .to(router("way", ({ name }) => name));
      ways.when("a").to(sink("as"));
      ways.when("b").to(step("two", work)).to(sink("bs"));
    }, "1.1.0");
    const { fits, differences } = graphChange(first, next);
    assert.ok(fits);
    assert.deepEqual(differences, [
      "'one' has another policy or calls another method: it holds from now on",
      "edge source→one has another policy: it holds from now on",
      "step 'two' is new",
      "sink 'bs' is new",
      "edge way:b→two is new",
      "edge two→bs is new",
    ]);
    assert.deepEqual(graphChange(first, first), {
      ...{ fits: true, verdict: "continues", differences: [], candidates: {}, version: undefined },
    });
  });

  it("has a version that says whether runs go on, or is told which would", () => {
    const to = (name: string, version: string, attempts = 3) =>
      recordOf(
        ({ source, step, sink }) =>
          source(ItemSchema)
            .to(step(name, work, { attempts }))
            .to(sink("end")),
        version,
      );
    const before = to("one", "1.2.3");
    const cases: [ReturnType<typeof to>, Record<string, string>, RegExp | undefined][] = [
      [to("one", "1.2.3"), {}, undefined],
      [to("one", "1.2.3", 9), {}, /version 1\.2\.3 is the one before, and it is not the same; it would be 1\.2\.4/],
      [to("one", "1.2.4", 9), {}, undefined],
      [
        to("two", "1.2.4"),
        {},
        /version 1\.2\.4 says that runs of 1\.2\.3 go on, and they do not; it would be 1\.3\.0, or 2\.0\.0 /,
      ],
      // That they do when they are told how is no repair.
      [to("two", "1.2.4"), { one: "two" }, /it would be 1\.3\.0/],
      [to("two", "1.3.0"), {}, undefined],
      [to("two", "2.0.0"), {}, undefined],
    ];
    for (const [after, renamed, says] of cases) {
      const { version } = graphChange(before, after, renamed);
      if (says === undefined) assert.equal(version, undefined);
      else assert.match(version ?? "", says);
    }
  });

  it("is for new runs alone where something that is under way would have no place", () => {
    const cases: [RegExp, (words: Build) => void][] = [
      [
        /step 'one' is gone: .*; if it has another name now, say which: --map one=uno/,
        ({ source, step, router, sink }) =>
          source(ItemSchema)
            .to(step("uno", work))
            .to(router("way", ({ name }) => name))
            .when("a")
            .to(sink("as")),
      ],
      [
        /'one' splits or joins otherwise/,
        ({ source, step, router, sink }) =>
          source(ItemSchema)
            .to(step("one", spread))
            .to(router("way", ({ name }) => name))
            .when("a")
            .to(sink("as")),
      ],
      [
        /router 'way' is gone: items that are there would have no place/,
        ({ source, step, sink }) => source(ItemSchema).to(step("one", work)).to(sink("as")),
      ],
      [
        /edge one→side is new: what leaves 'one' is split from now on/,
        ({ source, step, router, sink }) => {
          const one = source(ItemSchema).to(step("one", work));
          one
            .to(router("way", ({ name }) => name))
            .when("a")
            .to(sink("as"));
          one.to(sink("side"));
        },
      ],
    ];
    for (const [says, build] of cases) {
      const { fits, differences } = graphChange(first, recordOf(build));
      assert.ok(!fits, String(says));
      assert.match(differences.join("; "), says);
    }
  });

  it("says what each run needs: nothing, a mapping, or the version it began with", () => {
    const chain =
      (...names: readonly string[]) =>
      ({ source, step, sink }: Build): void => {
        let out = source(ItemSchema);
        for (const name of names) out = out.to(step(name, work));
        out.to(sink("end"));
      };
    const before = recordOf(chain("one", "two"));
    const cases: [readonly string[], Record<string, string>, string][] = [
      [["one", "two"], {}, "continues"],
      [["uno", "two"], {}, "needs mapping"],
      [["uno", "two"], { one: "uno" }, "continues"],
      [["uno", "due"], { one: "uno" }, "needs mapping"],
      [["uno", "due"], { one: "uno", two: "due" }, "continues"],
      // Changing places is no change of names.
      [["two", "one"], {}, "stays"],
      [["one"], {}, "stays"],
      [["one", "between", "two"], {}, "stays"],
      [["one", "two"], { won: "one" }, "stays"],
      [["one", "two"], { one: "uno" }, "stays"],
      [["one", "two"], { one: "two" }, "stays"],
    ];
    for (const [names, renamed, verdict] of cases) {
      const change = graphChange(before, recordOf(chain(...names)), renamed);
      assert.equal(change.verdict, verdict, `${names} ${JSON.stringify(renamed)}: ${change.differences.join("; ")}`);
      assert.equal(change.fits, verdict === "continues");
    }
    assert.deepEqual(graphChange(before, recordOf(chain("uno", "due"))).candidates, {
      one: ["uno", "due"],
      two: ["uno", "due"],
    });
  });

  it("goes on with a run whose steps were renamed and whose nodes were declared in another order", async () => {
    const world = await flowWorld();
    const one = flow(
      "f",
      ({ source, step, router, sink }) => {
        const ways = source(ItemSchema)
          .to(step("one", other))
          .to(router("way", ({ number }) => (number > 0 ? "a" : "b")));
        ways.when("a").to(step("two", work)).to(sink("as"));
        ways.when("b").to(sink("bs"));
      },
      { input: ItemSchema, version: "1.0.0" },
    );
    const two = flow(
      "f",
      ({ source, step, router, sink }) => {
        const bs = sink("bs");
        const as = sink("as");
        const last = step("second", work);
        const ways = source(ItemSchema)
          .to(step("one", other))
          .to(router("way", ({ number }) => (number > 0 ? "a" : number < 0 ? "c" : "b")));
        ways.otherwise().to(sink("cs"));
        ways.when("b").to(bs);
        ways.when("a").to(last).to(as);
      },
      { input: ItemSchema, version: "2.0.0" },
    );
    const run = await world.run(one);
    for (const number of [0, 1, 2]) await world.settled(run.submit({ name: `i${number}`, number, workMs: 5_000 }));
    await world.world.advance(7_000);
    // Those with a number are at 'two' now.
    await assert.rejects(
      world.run(two, "run", 1),
      /run 'run' cannot go on with this version of 'f': step 'two' is gone: .* --map two=second/,
    );
    const next = await world.run(two, "run", 1, { renamed: { two: "second" } });
    await world.settled(next.submit({ name: "i3", number: 3 }));
    await world.settled(next.close());
    assert.equal(await world.settled(next.finished), "done");
    assert.deepEqual(world.came("as").sort(), ["i1", "i2", "i3"]);
    assert.deepEqual(world.came("bs"), ["i0"]);
    const second = next.progress.nodes.find(({ name }) => name === "second");
    assert.equal(second?.done, 3);
    // The record is of the new version: it goes on without a mapping from here.
    const last = await world.run(two, "run", 2);
    assert.equal(await world.settled(last.finished), "done");
  });
});
