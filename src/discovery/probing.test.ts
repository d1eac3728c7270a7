import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../base/random.ts";
import { LocalHealth } from "./local-health.ts";
import { ProbeOrder } from "./probe-order.ts";

describe("the order of probing", () => {
  it("comes to each once a round, and to a given one after 2n − 1 probes at the latest", () => {
    for (let seed = 0; seed < 50; seed++) {
      const order = new ProbeOrder(seededRandom(seed));
      const ids = Array.from({ length: 7 }, (_, number) => `n${number}`);
      for (const id of ids) order.add(id);
      const asked = Array.from({ length: 70 }, () => order.next(() => true));
      for (let round = 0; round < 10; round++) {
        assert.deepEqual(asked.slice(round * 7, round * 7 + 7).toSorted(), ids);
      }
      for (const id of ids) {
        const places = asked.flatMap((each, place) => (each === id ? [place] : []));
        assert.ok(places.slice(1).every((place, before) => place - (places[before] ?? 0) <= 13));
      }
    }
  });

  it("is another in each round", () => {
    const order = new ProbeOrder(seededRandom(1));
    for (let number = 0; number < 20; number++) order.add(`n${number}`);
    const round = () => Array.from({ length: 20 }, () => order.next(() => true)).join();
    assert.notEqual(round(), round());
  });

  it("gives who joins a place in the running round", () => {
    let early = 0;
    for (let seed = 0; seed < 200; seed++) {
      const order = new ProbeOrder(seededRandom(seed));
      for (let number = 0; number < 9; number++) order.add(`n${number}`);
      order.next(() => true);
      order.add("new");
      const rest = Array.from({ length: 9 }, () => order.next(() => true));
      assert.ok(rest.includes("new"));
      if (rest.indexOf("new") < 4) early++;
    }
    assert.ok(early > 50 && early < 150, `${early} of 200 came early`);
  });

  it("passes over whom nobody wants, takes him back, and ends where nobody is left", () => {
    const order = new ProbeOrder(seededRandom(1));
    for (const id of ["a", "b"]) order.add(id);
    for (let times = 0; times < 5; times++)
      assert.equal(
        order.next((id) => id === "a"),
        "a",
      );
    assert.equal(
      order.next(() => false),
      undefined,
    );
    order.add("b");
    assert.equal(
      order.next(() => true),
      "b",
    );
    assert.equal(
      order.next(() => true),
      "b",
    );
  });

  it("holds nobody twice", () => {
    const order = new ProbeOrder(seededRandom(1));
    for (const id of ["a", "a", "b", "a"]) order.add(id);
    assert.deepEqual([order.next(() => true), order.next(() => true)].toSorted(), ["a", "b"]);
  });
});

describe("local health", () => {
  it("gets worse with each probe that nobody could help with, and better with each answer", () => {
    const health = new LocalHealth();
    health.probeFailed({ asked: 0, missing: 0 });
    health.probeFailed({ asked: 3, missing: 2 });
    assert.equal(health.score, 3);
    assert.equal(health.factor, 4);
    health.probeAnswered();
    assert.equal(health.score, 2);
  });

  it("does not suffer from a target that is silent to others too", () => {
    const health = new LocalHealth();
    health.probeFailed({ asked: 3, missing: 0 });
    assert.equal(health.score, 0);
  });

  it("suffers from having to refute and from standing still, within 0 and 8", () => {
    const health = new LocalHealth();
    health.probeAnswered();
    assert.equal(health.score, 0);
    for (let times = 0; times < 20; times++) {
      health.hadToRefute();
      health.stalled();
    }
    assert.equal(health.score, 8);
  });
});
