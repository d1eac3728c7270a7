// Slices on containers whose process is lost again and again.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApplicationError, Fault } from "../../base/fault.ts";
import { Archipelago } from "../../islands/archipelago/archipelago.ts";
import { DEFAULT_SETTINGS } from "../../islands/archipelago/settings.ts";
import { problem } from "../../islands/problem.ts";
import { planOf } from "../../islands/search.ts";
import { systemEnv } from "../../system/env.ts";
import { containerHosts } from "./container-hosts.ts";

const made = problem({ dimensions: 2, lower: -1, upper: 1, evaluate: () => 0 });
const archipelago = new Archipelago(planOf(made, {}), [{ epoch: 0, settings: DEFAULT_SETTINGS }]);

/** Hosts that answer each slice with what is thrown. */
async function evolved(thrown: Error): Promise<{ readonly error: unknown; readonly isolated: readonly boolean[] }> {
  const isolated: boolean[] = [];
  const hosts = containerHosts({
    client: {
      request: async (_, message) => {
        isolated.push((message as { isolated?: boolean }).isolated === true);
        throw thrown;
      },
    },
    env: systemEnv(),
    context: { problem: "{}", evaluationMs: 1_000 },
    told: { recovered: () => {}, restored: () => {}, waits: () => {}, served: () => {} },
  });
  const error = await hosts.evolve(archipelago.request(0, 100), new AbortController().signal).catch((each) => each);
  return { error, isolated };
}

describe("slices on containers", { timeout: 60_000 }, () => {
  it("are given up where their process is lost thirty times in a row, all but the first two asked for in one of its own", async () => {
    const { error, isolated } = await evolved(new Fault("unknown", "the connection ended"));
    assert.ok(error instanceof Fault && error.code === "internal");
    assert.match(error.message, /lost whoever evaluated it 30 times in a row: a candidate ends whole processes/);
    assert.deepEqual(
      isolated,
      Array.from({ length: 30 }, (_, losses) => losses >= 2),
    );
  });

  it("end the search with what their host says ends it, and not with how that was brought", async () => {
    const { error, isolated } = await evolved(new ApplicationError("Fault.undeliverable", "the server is away"));
    assert.ok(error instanceof Fault && error.code === "undeliverable" && error.message === "the server is away");
    assert.equal(isolated.length, 1);
  });
});
