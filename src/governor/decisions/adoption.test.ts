import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Adoption, adoption, type ContainerRecord, type Found, recordOf } from "./adoption.ts";

const record: ContainerRecord = {
  id: "k1",
  pid: 100,
  startTime: "boot:500",
  nonce: "n1",
  address: "ipc:///run/k1.sock",
  state: "running",
  ageMs: 60_000,
};
const ours: Found = { startTime: "boot:500", answer: { id: "k1", nonce: "n1" } };

describe("adoption", () => {
  const table: [string, Partial<ContainerRecord>, Partial<Found>, Adoption["kind"]][] = [
    ["adopts what is alive and answers as ours", {}, {}, "adopt"],
    ["adopts what is alive and silent: it may be busy", {}, { answer: "silent" }, "adopt"],
    ["adopts what drains, so that it is seen to its end", { state: "draining" }, {}, "adopt"],
    ["adopts what has just been started", { state: "starting", ageMs: 10_000 }, { answer: "silent" }, "adopt"],
    [
      "ends what was started long ago and never answered",
      { state: "starting", ageMs: 30_000 },
      { answer: "silent" },
      "end",
    ],
    ["adopts what was starting, and answers by now", { state: "starting", ageMs: 30_000 }, {}, "adopt"],
    ["forgets what has ended", {}, { startTime: undefined, answer: "silent" }, "forget"],
    ["forgets a process that only has the same number", {}, { startTime: "boot:900" }, "forget"],
    ["forgets the process of a boot before", {}, { startTime: "reboot:500" }, "forget"],
    ["forgets who answers with another nonce", {}, { answer: { id: "k1", nonce: "n2" } }, "forget"],
    ["forgets who answers by another name", {}, { answer: { id: "k2", nonce: "n1" } }, "forget"],
  ];
  for (const [says, set, found, expected] of table) {
    it(says, () => assert.equal(adoption({ ...record, ...set }, { ...ours, ...found }).kind, expected));
  }

  it("adopts what was only meant to be started and is found, unless it has not answered for long", () => {
    const { id, nonce, address } = record;
    const meant = (ageMs: number) => recordOf({ id, nonce, address, ageMs }, { pid: 100, startTime: "boot:500" });
    assert.equal(adoption(meant(10_000), { ...ours, answer: "silent" }).kind, "adopt");
    assert.equal(adoption(meant(30_000), { ...ours, answer: "silent" }).kind, "end");
    assert.equal(adoption(meant(30_000), ours).kind, "adopt");
  });

  it("says of what it adopts whether it answered", () => {
    assert.deepEqual(adoption(record, ours), { kind: "adopt", silent: false });
    assert.deepEqual(adoption(record, { ...ours, answer: "silent" }), { kind: "adopt", silent: true });
  });

  it("ends no process that is not proved ours", () => {
    const found = fc.record({
      startTime: fc.constantFrom(undefined, "boot:500", "boot:501"),
      answer: fc.constantFrom(
        "silent" as const,
        { id: "k1", nonce: "n1" },
        { id: "k2", nonce: "n1" },
        { id: "k1", nonce: "x" },
      ),
    });
    const state = fc.constantFrom("starting", "running", "draining");
    fc.assert(
      fc.property(found, state, fc.nat(100_000), (seen, was, ageMs) => {
        const { kind } = adoption({ ...record, state: was, ageMs }, seen);
        const stranger = seen.answer !== "silent" && (seen.answer.id !== "k1" || seen.answer.nonce !== "n1");
        if (seen.startTime !== "boot:500" || stranger) assert.equal(kind, "forget");
        else assert.notEqual(kind, "forget");
      }),
    );
  });
});
