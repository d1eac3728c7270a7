import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  changeLimits,
  checkLimits,
  checkProgramLimits,
  containersAllowed,
  defaultLimits,
  type Limits,
  type LimitsChange,
} from "./limits.ts";

const GIB = 2 ** 30;
const defaults = defaultLimits({ cpus: 4, memoryBytes: 10 * GIB });

function changed(change: LimitsChange, present: Limits = defaults): Limits {
  return changeLimits(present, change, defaults);
}

describe("limits", () => {
  it("are twice the CPUs by default, and one container at least", () => {
    const containers = (cpus: number) => defaultLimits({ cpus, memoryBytes: GIB }).node.containers;
    assert.deepEqual([0.2, 0.5, 1, 1.5, 2, 64].map(containers), [1, 1, 2, 3, 4, 128]);
  });

  it("are in themselves without contradiction by default, however small the computer", () => {
    for (const cpus of [0.1, 1, 256]) {
      for (const memoryBytes of [0, 100 * 2 ** 20, GIB, 4_096 * GIB]) checkLimits(defaultLimits({ cpus, memoryBytes }));
    }
  });

  it("change where told and nowhere else", () => {
    const limits = changed({ node: { containers: 6 }, container: { memoryBytes: GIB } });
    assert.deepEqual(limits, {
      ...defaults,
      node: { ...defaults.node, containers: 6 },
      container: { ...defaults.container, memoryBytes: GIB },
    });
  });

  it("keep a spare where there is room for more than one container", () => {
    const spares = (cpus: number) => defaultLimits({ cpus, memoryBytes: GIB }).node.spares;
    assert.deepEqual([0.5, 1].map(spares), [0, 1]);
  });

  it("may all be spares, and may be as large as can be", () => {
    assert.equal(changed({ node: { containers: 3, spares: 3 } }).node.spares, 3);
    assert.equal(changed({ container: { inbox: 1_000_000 } }).container.inbox, 1_000_000);
    assert.throws(() => changed({ container: { inbox: 1_000_001 } }), { code: "invalid" });
  });

  it("go back to their default where told null", () => {
    const raised = changed({ node: { containers: 6, spares: 3 }, network: { containers: 50 } });
    const back = changed({ node: { containers: null }, network: { containers: null } }, raised);
    assert.deepEqual(back, { ...defaults, node: { ...defaults.node, spares: 3 } });
  });

  it("keep the concurrency of other contracts", () => {
    const first = changed({ container: { concurrency: { "demo.v1.A": 2, "demo.v1.B": 3 } } });
    const second = changed({ container: { concurrency: { "demo.v1.B": null, "demo.v1.C": 4 } } }, first);
    assert.deepEqual(second.container.concurrency, { "demo.v1.A": 2, "demo.v1.C": 4 });
  });

  it("of a node are the lesser of its own and its share of the network's", () => {
    assert.equal(containersAllowed(defaults, undefined), 8);
    assert.equal(containersAllowed(defaults, 3), 3);
    assert.equal(containersAllowed(defaults, 30), 8);
    assert.equal(containersAllowed(defaults, 0), 0);
  });

  const wrong: [string, LimitsChange, RegExp][] = [
    ["a fraction", { node: { containers: 1.5 } }, /node\.containers 1\.5 is not a whole number from 0/],
    ["less than none", { node: { containers: -1 } }, /node\.containers -1/],
    ["no number", { node: { spares: Number.NaN } }, /node\.spares NaN/],
    ["more spares than containers", { node: { containers: 2, spares: 3 } }, /spares 3 is above node\.containers 2/],
    ["memory that no container runs in", { container: { memoryBytes: 1_000 } }, /container\.memoryBytes 1000/],
    ["a container larger than its node", { node: { memoryBytes: GIB } }, /which one container would then take alone/],
    ["an inbox for nothing", { container: { inbox: 0 } }, /container\.inbox 0/],
    ["no concurrency", { container: { concurrency: { "demo.v1.A": 0 } } }, /concurrency of demo\.v1\.A 0/],
    ["a network of fractions", { network: { containers: 0.5 } }, /network\.containers 0\.5/],
  ];
  for (const [what, change, message] of wrong) {
    it(`are not changed to ${what}`, () => {
      assert.throws(() => changed(change), { name: "Fault", code: "invalid", message });
    });
  }
});

describe("limits of a program", () => {
  const MIB = 2 ** 20;

  it("are none, or such that a container can live with them", () => {
    for (const [memoryBytes, cpuPermille] of [
      [0, 0],
      [64 * MIB, 100],
      [GIB, 1_024_000],
    ] as const)
      checkProgramLimits({ memoryBytes, cpuPermille });
    for (const [memoryBytes, cpuPermille, says] of [
      [64 * MIB - 1, 0, /memory 67108863 is not/],
      [2 ** 51, 0, /memory/],
      [0, 99, /processors 0\.099 is not from 0\.1 to 1024/],
      [0, 1_024_001, /processors/],
    ] as const)
      assert.throws(() => checkProgramLimits({ memoryBytes, cpuPermille }), { code: "invalid", message: says });
  });
});
