// Which of a node's events are news.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { EventSchema } from "../messages/gen/unum/control/v1/node_pb.ts";
import { newEvents } from "./new-events.ts";

const event = (text: string, atMs = 1) => create(EventSchema, { atMs: BigInt(atMs), level: "info", text });
const texts = (events: readonly { text: string }[]) => events.map(({ text }) => text);

describe("events", () => {
  it("are told once, however the node's list moves on", () => {
    // Numbered texts of few kinds, so that equal ones follow each other.
    const all = fc.array(fc.constantFrom("a", "b"), { maxLength: 40 });
    fc.assert(
      fc.property(all, fc.nat(), fc.nat(), (words, readAt, kept) => {
        const events = words.map((word, index) => event(word, index));
        const cutAt = events.length === 0 ? 0 : readAt % (events.length + 1);
        const limit = 1 + (kept % 50);
        const before = events.slice(0, cutAt).slice(-limit);
        const after = events.slice(-limit);
        const { events: found, missed } = newEvents(before, after);
        const expected = events.slice(cutAt);
        assert.deepEqual(texts(found), texts(expected.slice(-limit)));
        if (expected.length < limit) assert.equal(missed, false);
        if (expected.length > limit && before.length > 0) assert.equal(missed, true);
      }),
    );
  });

  it("that are all new to who asks first are no gap", () => {
    assert.deepEqual(newEvents([], [event("a")]).missed, false);
  });
});
