import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { envelope, Kind, replyTo } from "../messages/envelope.ts";
import type { Answer } from "./item-stream.ts";
import { ItemStream } from "./item-stream.ts";

const request = envelope({ kind: Kind.CALL, id: 1, from: ["c"] });

/** A component that makes at most as many items a reply as `batches` says, and never more than were granted. */
function source(credit: number, total: number, batches: readonly number[]) {
  let granted = 0;
  let made = 0;
  let pulls = 0;
  let most = 0;
  let read = 0;
  const answer = async (grant: number): Promise<Answer> => {
    granted += grant;
    most = Math.max(most, made + granted - read);
    const count = Math.min(granted, total - made, Math.max(1, batches[pulls++ % batches.length] ?? 1));
    const reply = replyTo(request);
    reply.items = Array.from({ length: count }, (_, i) => Uint8Array.of((made + i) % 256));
    made += count;
    granted -= count;
    reply.last = made === total;
    return { reply, address: "memory://k", tried: [] };
  };
  const stream = new ItemStream<number>({
    credit,
    read: (item) => {
      read++;
      return item instanceof Uint8Array ? (item[0] ?? -1) : -1;
    },
    open: answer,
    more: (_, grant) => answer(grant),
    cancel: () => {},
  });
  return { stream, most: () => most };
}

describe("reading a stream", () => {
  it("brings every item in order and never lets the component be further ahead than the credit", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 }),
        async (credit, total, batches) => {
          const { stream, most } = source(credit, total, batches);
          const items: number[] = [];
          for await (const item of stream) items.push(item);
          assert.deepEqual(
            items,
            Array.from({ length: total }, (_, i) => i),
          );
          // The item just taken is counted as read a moment later.
          assert.ok(most() <= credit + 1, `${most()} ahead with credit ${credit}`);
        },
      ),
    );
  });
});
