import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parsedExposition, promtoolSays } from "../../../test/exposition.ts";
import { ApplicationError, Fault } from "../../base/fault.ts";
import { envelope, Kind } from "../../messages/envelope.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { CallFigures } from "./call-figures.ts";
import { expositionOf } from "./exposition.ts";
import { counter, gauge, joined, labelled } from "./family.ts";
import { familyFromWire, familyToWire } from "./wire.ts";

const call = (to: string) => envelope({ kind: Kind.CALL, id: 1, to });

describe("figures as text", () => {
  it("keep every label and value, whatever characters and numbers they are", () => {
    const number = fc.oneof(fc.double({ noNaN: true }), fc.integer());
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), number, (text, value) => {
        const label = text.replaceAll("\r", "");
        const { samples } =
          parsedExposition(expositionOf([gauge("a_b", label, value, { label })])).get("a_b") ?? assert.fail();
        assert.deepEqual(samples, [{ name: "a_b", labels: { label }, value: value === 0 ? 0 : value }]);
      }),
    );
  });

  it("count calls by their end and time them, and are as Prometheus wants them", async () => {
    const clock = new VirtualClock();
    const figures = new CallFigures(clock);
    const ends = [undefined, undefined, new Fault("overloaded", "full"), new ApplicationError("RangeError", "no")];
    for (const end of ends) {
      const span = figures.begin(call("a.v1.B/C"), "container");
      await clock.advance(30);
      span?.started?.();
      await clock.advance(170);
      span?.ended(end);
    }
    assert.equal(figures.begin(call("a.v1.B/C"), "caller"), undefined);
    const text = expositionOf(labelled(figures.families(), { node: "n1" }));
    const metrics = parsedExposition(text);
    const outcomes = metrics.get("unum_calls_total")?.samples.map(({ labels, value }) => [labels["outcome"], value]);
    assert.deepEqual(outcomes, [
      ["ok", 2],
      ["overloaded", 1],
      ["application", 1],
    ]);
    const samples = metrics.get("unum_call_seconds")?.samples ?? [];
    const below = (le: string) => samples.find(({ labels }) => labels["le"] === le)?.value;
    assert.deepEqual([below("0.1"), below("0.25"), below("+Inf")], [0, 4, 4]);
    assert.ok(Math.abs((samples.find(({ name }) => name.endsWith("_sum"))?.value ?? 0) - 0.8) < 1e-9);
  });

  it("have a limit on methods, whatever names callers make up", () => {
    const figures = new CallFigures(new VirtualClock());
    for (let i = 0; i < 3_000; i++) figures.begin(call(`a.v1.B${i}/C`), "container")?.ended(undefined);
    const [calls] = figures.families();
    assert.ok((calls?.samples.length ?? 0) <= 1_001);
    assert.equal(
      calls?.samples.reduce((sum, { value }) => sum + value, 0),
      3_000,
    );
  });

  it("come out of a governor's question as they went in", () => {
    const figures = new CallFigures(new VirtualClock());
    figures.begin(call("a.v1.B/C"), "container")?.ended(undefined);
    const families = figures.families();
    const wired = families.map((family) => familyFromWire({ $typeName: "unum.control.v1.Family", ...onWire(family) }));
    assert.equal(expositionOf(wired), expositionOf(families));
  });

  it("of one name stand together", () => {
    const text = expositionOf(
      joined([counter("a_total", "A.", 1, { of: "x" }), gauge("b", "B.", 2), counter("a_total", "A.", 3, { of: "y" })]),
    );
    assert.equal(parsedExposition(text).get("a_total")?.samples.length, 2);
  });

  it("are taken by promtool", (test) => {
    const figures = new CallFigures(new VirtualClock());
    figures.begin(call('a.v1.B/"C\\\n'), "container")?.ended(undefined);
    const said = promtoolSays(expositionOf(figures.families()));
    if (said === undefined) return test.skip("promtool is not installed");
    assert.equal(said, "");
    assert.notEqual(promtoolSays("# TYPE a counter\na 1\na 1\n"), "");
  });
});

function onWire(family: Parameters<typeof familyToWire>[0]) {
  const { samples, ...rest } = familyToWire(family);
  return { ...rest, samples: samples.map((sample) => ({ $typeName: "unum.control.v1.Sample" as const, ...sample })) };
}
