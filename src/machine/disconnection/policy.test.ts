// What a program does while it is cut off, as a table and as laws.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Away, type Decision, type DisconnectionPolicy, whileAway } from "./policy.ts";

const stopAfter = (afterMs: number, onReturn: "resume" | "stop" = "resume"): DisconnectionPolicy => ({
  policy: "stop-after",
  ...{ afterMs, onReturn },
});
const keep: DisconnectionPolicy = { policy: "keep", afterMs: 60_000, onReturn: "resume" };
const away = (silentMs: number, stoppedUnder?: string): Away => ({ silentMs, stoppedUnder, record: "r1" });

const TABLE: readonly (readonly [string, DisconnectionPolicy, Away, Decision["kind"]])[] = [
  ["keeps, and is reached", keep, away(0), "run"],
  ["keeps, however long it is cut off", keep, away(1e9), "run"],
  ["keeps, though an earlier version of it was stopped", keep, away(0, "r1"), "run"],
  ["stops, and is reached", stopAfter(5_000), away(0), "run"],
  ["stops, and was cut off for less", stopAfter(5_000), away(4_999), "run"],
  ["stops, and was cut off for so long", stopAfter(5_000), away(5_000), "stop"],
  ["stops at once", stopAfter(0), away(1), "stop"],
  ["was stopped, and is cut off still", stopAfter(5_000), away(9_000, "r1"), "stop"],
  ["was stopped, is reached, and resumes", stopAfter(5_000), away(10, "r1"), "run"],
  ["was stopped, is reached, and stays so", stopAfter(5_000, "stop"), away(10, "r1"), "stop"],
  ["was stopped, and an operator has said something new", stopAfter(5_000, "stop"), away(10, "r0"), "run"],
  ["was stopped, something new was said, and it is cut off again", stopAfter(5_000, "stop"), away(5_001, "r0"), "stop"],
];

describe("a program that", () => {
  for (const [what, policy, view, kind] of TABLE)
    it(`${what}: ${kind}s`, () => assert.equal(whileAway(policy, view).kind, kind));

  it("stops exactly while silence lasts so long, or, where it is to stay so, until something new is said", () => {
    const policy = fc.record({
      policy: fc.constantFrom("keep", "stop-after"),
      afterMs: fc.nat(100),
      onReturn: fc.constantFrom("resume", "stop"),
    });
    const step = fc.record({ passMs: fc.nat(60), reached: fc.boolean(), said: fc.boolean() });
    fc.assert(
      fc.property(policy, fc.array(step), (chosen, steps) => {
        let [silentMs, record] = [0, 0];
        let stoppedUnder: string | undefined;
        let wasSilent = false;
        for (const { passMs, reached, said } of steps) {
          silentMs = reached ? 0 : silentMs + passMs;
          // A record comes from a controller.
          if (reached && said) record++;
          const { kind } = whileAway(chosen, { silentMs, stoppedUnder, record: `r${record}` });
          const isSilent = chosen.policy === "stop-after" && silentMs >= chosen.afterMs;
          if (isSilent) wasSilent = true;
          else if (chosen.onReturn === "resume" || (reached && said)) wasSilent = false;
          assert.equal(kind, isSilent || wasSilent ? "stop" : "run");
          if (kind === "stop") stoppedUnder ??= `r${record}`;
          else stoppedUnder = undefined;
        }
      }),
    );
  });
});
