import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApplicationError, Fault } from "../base/fault.ts";
import { type Envelope, envelope, Kind, refuse, replyTo } from "../messages/envelope.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { Once } from "./once.ts";

const request = envelope({ kind: Kind.CALL, id: 1, from: ["c"] });

function window(limit = 10) {
  const clock = new VirtualClock();
  const once = new Once(clock, limit);
  const heard: string[] = [];
  const joiner = (caller: string) => ({
    caller,
    done: ({ failure }: Envelope) => heard.push(`${caller} ${failure instanceof Fault ? failure.code : "outcome"}`),
    again: () => heard.push(`${caller} again`),
  });
  return { clock, once, heard, joiner };
}

describe("idempotency window", () => {
  it("gives the one outcome to all who joined, and to those who come until it ends", async () => {
    const { clock, once, heard, joiner } = window();
    assert.equal(once.join("k", joiner("a")), "new");
    assert.equal(once.join("k", joiner("b")), "joined");
    once.settle("k", replyTo(request), clock.now() + 100);
    assert.equal(once.join("k", joiner("c")), "joined");
    assert.deepEqual(heard, ["b outcome", "c outcome"]);
    await clock.advance(101);
    assert.equal(once.join("k", joiner("d")), "new");
  });

  it("holds the component's own error as an outcome", () => {
    const { clock, once, joiner } = window();
    once.join("k", joiner("a"));
    once.settle("k", refuse(request, new ApplicationError("OutOfPaper", "tray 2")), clock.now() + 100);
    assert.equal(once.join("k", joiner("b")), "joined");
  });

  it("gives those who joined their own turn when the first was not started", () => {
    const { clock, once, heard, joiner } = window();
    once.join("k", joiner("a"));
    once.join("k", joiner("b"));
    once.join("k", joiner("c"));
    once.settle("k", refuse(request, new Fault("expired", "late")), clock.now());
    assert.deepEqual(heard, ["b again", "c again"]);
    assert.equal(once.join("k", joiner("d")), "new");
  });

  it("answers a joiner who withdraws, and no other", () => {
    const { clock, once, heard, joiner } = window();
    once.join("k", joiner("a"));
    once.join("k", joiner("b"));
    once.join("k", joiner("c"));
    once.withdraw("b", () => refuse(request, new Fault("cancelled", "withdrawn")));
    once.withdraw("nobody", () => refuse(request, new Fault("cancelled", "withdrawn")));
    once.settle("k", replyTo(request), clock.now() + 100);
    assert.deepEqual(heard, ["b cancelled", "c outcome"]);
  });

  it("has no place beyond its limit, for keys or for joiners", () => {
    const { once, joiner } = window(2);
    assert.equal(once.join("k", joiner("a")), "new");
    assert.equal(once.join("l", joiner("b")), "new");
    assert.equal(once.join("m", joiner("c")), "full");
    assert.equal(once.join("k", joiner("d")), "joined");
    assert.equal(once.join("k", joiner("e")), "joined");
    assert.equal(once.join("l", joiner("f")), "full");
  });
});
