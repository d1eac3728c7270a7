// What a container lets in and out of programs with one owner each.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { envelope, Kind } from "../messages/envelope.ts";
import { OwnedProgramSchema } from "../messages/gen/unum/control/v1/governed_pb.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { Fence } from "./fence.ts";

const told = (epoch: number, leaseMs = 0, program = "ledger") =>
  create(OwnedProgramSchema, { program, epoch: BigInt(epoch), leaseUs: BigInt(leaseMs * 1_000) });
const by = (epoch: number, owner = "ledger") =>
  envelope({ kind: Kind.CALL, id: 1, to: "a.B/C", owner: epoch === 0 ? "" : owner, epoch });

/** Asked anew each time. */
const why = (fence: Fence) => fence.closed;

function fenceOf() {
  const clock = new VirtualClock();
  const over: number[] = [];
  const fence = new Fence(clock, () => over.push(clock.now()));
  return { clock, fence, over };
}

describe("a fence of a container of no owner's", () => {
  it("lets in what has no owner, and of each program what is not older than what it saw or was told of", () => {
    const { fence } = fenceOf();
    for (const [epoch, owner, isIn] of [
      [0, "", true],
      [3, "ledger", true],
      [2, "ledger", false],
      [3, "ledger", true],
      [1, "other", true],
      [4, "ledger", true],
      [3, "ledger", false],
    ] as const)
      assert.equal(fence.refusal(by(epoch, owner))?.code, isIn ? undefined : "denied", `${owner} ${epoch}`);
    fence.hear([told(9)], 0);
    assert.match(fence.refusal(by(8))?.message ?? "", /owner of epoch 8, and epoch 9 is known/);
    assert.equal(fence.mark, undefined);
    assert.equal(why(fence), undefined);
  });

  it("counts what it refused, once for each epoch, until that was told", () => {
    const { fence } = fenceOf();
    fence.hear([told(5)], 0);
    for (const epoch of [3, 3, 4]) fence.refusal(by(epoch));
    assert.deepEqual(
      fence.takeRefused().map(({ epoch, known, count }) => [epoch, known, count]),
      [
        [3, 5, 2],
        [4, 5, 1],
      ],
    );
    assert.deepEqual(fence.takeRefused(), []);
  });
});

describe("a fence of an owner's container", () => {
  it("is closed before its first lease, open while one lasts, and then closed for good", async () => {
    const { fence, clock, over } = fenceOf();
    fence.assigned("ledger");
    assert.equal(why(fence)?.code, "undeliverable");
    fence.hear([told(2, 1_000, "other")], 0);
    assert.match(fence.refusal(by(0))?.message ?? "", /is not the owner yet/);
    fence.hear([told(2, 1_000)], 0);
    assert.equal(why(fence), undefined);
    assert.deepEqual(fence.mark, { owner: "ledger", epoch: 2 });
    await clock.advance(900);
    fence.hear([told(2, 1_000)], 0);
    await clock.advance(999);
    assert.equal(why(fence), undefined);
    assert.deepEqual(over, []);
    await clock.advance(2);
    assert.match(why(fence)?.message ?? "", /is not the owner any more/);
    assert.equal(over.length, 1);
    fence.hear([told(2, 1_000)], 0);
    fence.hear([told(3, 1_000)], 0);
    assert.equal(why(fence)?.code, "undeliverable");
    assert.equal(fence.mark, undefined);
    assert.equal(over.length, 1);
  });

  it("takes from a lease what passed on its way, and no shorter one for a longer", async () => {
    const { fence, clock } = fenceOf();
    fence.assigned("ledger");
    fence.hear([told(1, 1_000)], 1_000);
    assert.match(why(fence)?.message ?? "", /not the owner yet/);
    fence.hear([told(1, 1_000)], 400);
    fence.hear([told(1, 1_000)], 900);
    await clock.advance(599);
    assert.equal(why(fence), undefined);
    await clock.advance(1);
    assert.equal(why(fence)?.code, "undeliverable");
  });

  it("is closed at once by a later epoch, whoever has that", () => {
    const { fence } = fenceOf();
    fence.assigned("ledger");
    fence.hear([told(1, 60_000)], 0);
    fence.hear([told(2)], 0);
    assert.equal(why(fence)?.code, "undeliverable");
  });
});
