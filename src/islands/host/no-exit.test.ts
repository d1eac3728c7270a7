// process.exit within an evaluation is refused, and only there.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Archipelago } from "../archipelago/archipelago.ts";
import { DEFAULT_SETTINGS } from "../archipelago/settings.ts";
import { problem } from "../problem.ts";
import { planOf } from "../search.ts";
import { withoutExit } from "./no-exit.ts";
import { Slices } from "./serve-slices.ts";

const REFUSED = /process\.exit\(3\) was called within an evaluation/;

describe("withoutExit", () => {
  it("refuses process.exit at once, after a wait and from a timer", async () => {
    assert.throws(() => withoutExit(() => process.exit(3)), REFUSED);
    const later = withoutExit(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      process.exit(3);
    });
    await assert.rejects(later, REFUSED);
    const timed = withoutExit(
      () =>
        new Promise((_, reject) => {
          setTimeout(() => {
            try {
              process.exit(3);
            } catch (thrown) {
              reject(thrown as Error);
            }
          }, 1);
        }),
    );
    await assert.rejects(timed, REFUSED);
  });

  it("keeps a host that may start no threads, as a confined cell, where candidates call it", async () => {
    const made = problem({
      dimensions: 2,
      lower: -1,
      upper: 1,
      evaluate: (x) => ((x[0] ?? 0) > 0.5 ? process.exit(3) : (x[1] ?? 0)),
    });
    const plan = planOf(made, { seed: 1, engines: ["de"], evaluations: 100 });
    const archipelago = new Archipelago(plan, [{ epoch: 0, settings: DEFAULT_SETTINGS }]);
    const slices = new Slices(() => made);
    const request = archipelago.request(0, 60_000);
    const answer = await slices.answer({ problem: "{}", evaluationMs: 1_000, request });
    assert.ok("reply" in answer, JSON.stringify(answer));
    assert.match(answer.reply.quarantined[0]?.reason ?? "", REFUSED);
    assert.ok(answer.reply.quarantinedCount > 0 && answer.reply.quarantinedCount < 1_000);
  });
});
