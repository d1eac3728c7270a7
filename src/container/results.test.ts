import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Envelope, envelope, Kind, replyTo } from "../messages/envelope.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { Results } from "./results.ts";

const reply = replyTo(envelope({ kind: Kind.CALL, id: 1, from: ["c"] }));

function kept() {
  const clock = new VirtualClock();
  const heard: string[] = [];
  const results = new Results(clock, 10, () => heard.push("changed"));
  const ask = (name: string) =>
    results.take(
      "k",
      (_: Envelope) => heard.push(`${name} has it`),
      () => heard.push(`${name} lost it`),
    );
  return { clock, heard, results, ask };
}

describe("results of ASYNC calls", () => {
  it("are handed out once, before or after they come", () => {
    const { clock, heard, results, ask } = kept();
    results.expect("k", clock.now() + 100);
    assert.equal(ask("first"), "waits");
    results.settle("k", reply);
    assert.equal(ask("second"), "nothing");
    results.expect("k", clock.now() + 100);
    results.settle("k", reply);
    assert.equal(ask("third"), "taken");
    assert.deepEqual(heard, ["changed", "first has it", "changed", "third has it"]);
  });

  it("are gone at the deadline, and who waits for one is told", async () => {
    const { clock, heard, results, ask } = kept();
    results.expect("k", clock.now() + 100);
    ask("reader");
    await clock.advance(101);
    assert.deepEqual(heard, ["changed", "reader lost it"]);
    results.settle("k", reply);
    assert.deepEqual(heard, ["changed", "reader lost it"]);
    assert.equal(results.size, 0);
  });

  it("tell who waited when another one asks in its place", () => {
    const { clock, heard, results, ask } = kept();
    results.expect("k", clock.now() + 100);
    ask("first");
    ask("second");
    results.settle("k", reply);
    assert.deepEqual(heard, ["first lost it", "changed", "second has it"]);
  });
});
