// What is wrong with a graph is said when it is declared, with the edge or the node it is about; and what a graph looks like.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemEnv } from "unum";
import { type Build, flow, graphDot, graphLines, graphRecord, memoryJournals, runFlow, type Workers } from "unum/flows";
import { bareGraph } from "../../src/flows/graph-record.ts";
import { ItemSchema, Steps, SumSchema } from "../gen/unum/test/v1/flows_pb.ts";

const { work, other, report } = Steps.method;

const WRONG: Readonly<Record<string, readonly [RegExp, (words: Build) => void]>> = {
  "an edge whose messages do not fit": [
    /edge one→two carries unum\.test\.v1\.Item, and 'two' takes unum\.test\.v1\.Sum/,
    ({ source, step, sink }) => {
      // As a program without types may do it.
      const wrong = step("two", report) as never;
      source(ItemSchema).to(step("one", work)).to(wrong);
      sink("unused");
    },
  ],
  "a step that nothing reaches": [
    /step 'alone' is reached from no source/,
    ({ source, step, sink }) => {
      source(ItemSchema).to(sink("end"));
      step("alone", work);
    },
  ],
  "a step that leads nowhere": [
    /step 'one' leads nowhere; give what it puts out a sink/,
    ({ source, step }) => void source(ItemSchema).to(step("one", work)),
  ],
  "a loop without a bound": [
    /edge two→one closes a loop without a bound; say how often/,
    ({ source, step, sink }) => {
      const one = step("one", work);
      const two = source(ItemSchema).to(one).to(step("two", other));
      two.to(one);
      two.to(sink("end"));
    },
  ],
  "no source": [/it has no source/, ({ step, sink }) => void [step, sink("end")]],
  "two nodes of one name": [
    /two nodes are named 'one'/,
    ({ source, step, sink }) => source(ItemSchema).to(step("one", work)).to(step("one", other)).to(sink("end")),
  ],
  "a join of parts without a fan-out": [
    /join 'all' gathers the parts of one item, and no fan-out is before it; .*of: "run"/,
    ({ source, join, sink }) => join("all", { items: source(ItemSchema) }, SumSchema, () => ({})).to(sink("end")),
  ],
  "parts and whole items that meet": [
    /edges one→met and second→met bring items from 1 and from 0 fan-outs deep to one node; join the parts before they meet|edges second→met and one→met bring items from 0 and from 1/,
    ({ source, step, sink }) => {
      const begun = source(ItemSchema);
      const met = step("met", other);
      begun.to(step("one", work)).to(met).to(sink("end"));
      begun.to(sink("side"));
      source(ItemSchema, "second").to(met);
    },
  ],
  "a capacity of none": [
    /edge source→one: capacity 0 is not a whole number of at least 1/,
    ({ source, step, sink }) => source(ItemSchema).to(step("one", work), { capacity: 0 }).to(sink("end")),
  ],
  "a durability that is none": [
    /durability 'sometimes' is not one of none, group, each, commit/,
    ({ source, step, sink }) =>
      source(ItemSchema)
        .to(step("one", work), { durability: "sometimes" as never })
        .to(sink("end")),
  ],
  "at most once without each": [
    /at-most-once needs durability 'each', not 'group'/,
    ({ source, step, sink }) =>
      source(ItemSchema).to(step("one", work), { delivery: "at-most-once", durability: "group" }).to(sink("end")),
  ],
};

describe("a declaration", () => {
  for (const [what, [message, build]] of Object.entries(WRONG)) {
    it(`is refused for ${what}`, () => {
      assert.throws(() => flow("wrong", (words) => void build(words)), { name: "Fault", code: "invalid", message });
    });
  }

  it("is not begun where nobody serves one of its steps: the step, its edge and the contract are named", async () => {
    const wanting = flow("wanting", ({ source, step, sink }) => {
      source(ItemSchema).to(step("one", work)).to(sink("end"));
    });
    const workers: Workers = {
      ...{ places: 1, onPlaces: () => {}, room: () => 1, perform: () => {}, withdraw: () => {}, close: async () => {} },
      serves: (path) => !path.startsWith("unum.test.v1.Steps/"),
    };
    const journals = memoryJournals();
    await assert.rejects(runFlow(wanting, { env: systemEnv(), journals, workers, id: "r" }), {
      code: "not-found",
      message:
        /step 'one' \(edge source→one\) calls unum\.test\.v1\.Steps\/Work, and nobody serves unum\.test\.v1\.Steps; put its component/,
    });
    assert.deepEqual(await journals.list(), []);
  });

  it("is drawn for people and for Graphviz, and kept without its functions", () => {
    const { graph } = flow("small", ({ source, step, router, sink }) => {
      const again = step("one", work);
      const ways = source(ItemSchema)
        .to(again)
        .to(router("way", ({ name }) => name));
      ways.when("a").to(sink("as"));
      ways.otherwise().to(again, { atMost: 3, perSecond: 5 });
    });
    const record = graphRecord(graph);
    assert.deepEqual(JSON.parse(JSON.stringify(record)), record);
    assert.deepEqual(graphRecord(bareGraph(record)).edges, record.edges);
    const lines = graphLines(record);
    assert.match(lines[1] ?? "", /└─▶ one +unum\.test\.v1\.Steps\/Work, 3 attempts, 30000 ms/);
    assert.match(lines.at(-1) ?? "", /└─ otherwise ─ at most 3 times ─▶ one +\(above\)/);
    assert.match(graphDot(record), /n2 -> n0 \[label="otherwise ≤ 3"\];/);
  });
});
