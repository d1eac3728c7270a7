// The pure parts: credit, clocks, numbers on the wire, addresses.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Fault } from "../../base/fault.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { AGE_ERROR_LIMIT_MS, ageOf, better, errorAt, measure } from "./clock-offset.ts";
import { ReceiveCredit, SendCredit } from "./credit.ts";
import { HEAD_BYTES, readNumber, writeHead } from "./frames.ts";

describe("credit", () => {
  it("never blocks for ever, never lets more than the window and one message through, and both sides agree", () => {
    const sizes = fc.array(fc.oneof(fc.nat(50), fc.nat(3_000)), { minLength: 1, maxLength: 200, size: "max" });
    const windows = fc.record({ messages: fc.integer({ min: 1, max: 20 }), bytes: fc.integer({ min: 1, max: 1_000 }) });
    fc.assert(
      fc.property(windows, sizes, fc.infiniteStream(fc.nat(3)), (window, sent, chance) => {
        const sender = new SendCredit(window);
        const receiver = new ReceiveCredit(window);
        const underWay: number[] = [];
        const taken: number[] = [];
        let next = 0;
        let moved = true;
        let idle = 0;
        while (next < sent.length) {
          const size = sent[next] ?? 0;
          moved = false;
          if (sender.fits(size) && chance.next().value !== 0) {
            sender.spend(size);
            underWay.push(size);
            next++;
            moved = true;
          }
          const arriving = chance.next().value === 1 ? undefined : underWay.shift();
          if (arriving !== undefined) {
            assert.ok(receiver.arrived(arriving), "the receiver allows what the sender thought it had credit for");
            taken.push(arriving);
            moved = true;
          }
          const held = underWay.length + taken.length;
          assert.ok(held <= window.messages, `${held} messages under way`);
          const done = chance.next().value === 2 ? undefined : taken.shift();
          if (done !== undefined) {
            receiver.done(done);
            const back = receiver.take();
            if (back !== undefined) assert.ok(sender.back(back.messages, back.bytes));
            moved = true;
          }
          idle = moved ? 0 : idle + 1;
          assert.ok(idle < 100, "nothing moves any more");
        }
      }),
    );
  });

  it("is refused to who sends without having it", () => {
    const receiver = new ReceiveCredit({ messages: 2, bytes: 100 });
    assert.deepEqual([receiver.arrived(10), receiver.arrived(10), receiver.arrived(10)], [true, true, false]);
    const bytes = new ReceiveCredit({ messages: 10, bytes: 100 });
    assert.deepEqual([bytes.arrived(60), bytes.arrived(60)], [true, false]);
  });

  it("does not come back while it is held, and all at once when it no longer is", () => {
    const receiver = new ReceiveCredit({ messages: 2, bytes: 100 });
    receiver.held = true;
    receiver.arrived(10);
    receiver.done(10);
    assert.equal(receiver.take(), undefined);
    receiver.held = false;
    assert.deepEqual(receiver.take(), { messages: 1, bytes: 10 });
  });

  it("cannot be given back more than was spent", () => {
    const sender = new SendCredit({ messages: 5, bytes: 100 });
    sender.spend(10);
    assert.equal(sender.back(2, 10), false);
    assert.equal(sender.back(1, 11), false);
    assert.equal(sender.back(1, 10), true);
  });
});

describe("another computer's clock", () => {
  const ms = fc.double({ min: 0, max: 1_000, noNaN: true });

  it("is known to within the error that is claimed, whatever the way there and back took", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), ms, ms, (apart, there, back) => {
        const askedAt = 5_000;
        const sample = measure({ askedAt, theirTime: askedAt + there + apart, answeredAt: askedAt + there + back });
        assert.ok(Math.abs(sample.offsetMs - apart) <= sample.errorMs + 1e-6);
      }),
    );
  });

  it("never makes a message younger than it is by more than the stated bound", () => {
    const samples = fc.array(fc.tuple(ms, ms), { minLength: 1, maxLength: 30, size: "max" });
    fc.assert(
      fc.property(
        fc.double({ min: -1e7, max: 1e7, noNaN: true }),
        fc.double({ min: -200e-6, max: 200e-6, noNaN: true }),
        samples,
        ms,
        (apart, drift, ways, age) => {
          const theirs = (now: number) => now + apart + drift * now;
          let now = 0;
          let known: ReturnType<typeof measure> | undefined;
          for (const [there, back] of ways) {
            const sample = measure({ askedAt: now, theirTime: theirs(now + there), answeredAt: now + there + back });
            known = known === undefined ? sample : better(known, sample);
            now += there + back + 1_000;
          }
          assert.ok(known !== undefined);
          const taken = ageOf(known, theirs(now - age), now);
          assert.ok(taken >= age - AGE_ERROR_LIMIT_MS - 1, `${age} ms old, taken for ${taken}`);
        },
      ),
    );
  });

  it("counts what it is unsure of as age, past the stated bound", () => {
    // All of a second went by on the way there, so the middle is half a second off.
    const known = measure({ askedAt: 0, theirTime: 1_000, answeredAt: 1_000 });
    assert.equal(known.errorMs, 500);
    assert.ok(ageOf(known, 1_000, 1_000) >= 0);
    const other = measure({ askedAt: 0, theirTime: 0, answeredAt: 1_000 });
    assert.ok(ageOf(other, 0, 1_000) >= 1_000 - AGE_ERROR_LIMIT_MS);
    assert.ok(ageOf(known, 0, 1_000) >= 1_000 - AGE_ERROR_LIMIT_MS);
  });

  it("is asked again where it stood still: a sample that cannot be true beside the old one replaces it", () => {
    const sure = measure({ askedAt: 0, theirTime: 100, answeredAt: 0.1 });
    const after = measure({ askedAt: 1_000, theirTime: 600, answeredAt: 1_002 });
    assert.equal(better(sure, after), after);
    const vague = measure({ askedAt: 1_000, theirTime: 1_101, answeredAt: 1_010 });
    assert.equal(better(sure, vague), sure);
    assert.ok(errorAt(sure, 1_000_000) > 100);
  });
});

describe("a frame's head", () => {
  it("keeps every number up to 2^53 - 1", () => {
    const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(number, number, (first, second) => {
        const head = new Uint8Array(HEAD_BYTES);
        writeHead(head, 3, first, second);
        assert.deepEqual([head[0], readNumber(head, 1), readNumber(head, 9)], [3, first, second]);
      }),
    );
  });
});

describe("an address", () => {
  const tls = { key: "", cert: "", ca: "" };

  it("means one endpoint, and is the same when written again", () => {
    for (const address of [
      "ipc:///run/a.sock",
      "tcp://127.0.0.1:80",
      "tcp://[::1]:65535",
      "tls://node-a.example:7000",
    ]) {
      assert.equal(formatAddress(parseAddress(address, tls)), address);
    }
  });

  it("that is none is refused with what was expected", () => {
    for (const address of [
      "ipc://",
      "ipc://relative",
      "tcp://host",
      "tcp://host:99999",
      "tcp://:1",
      "tls://a b:1",
      "tcp://::1:5",
      "tcp://h:1/x",
    ]) {
      assert.throws(
        () => parseAddress(address, tls),
        (fault) => fault instanceof Fault && fault.code === "invalid" && fault.message.includes(address),
      );
    }
  });

  it("of TLS needs certificates", () => {
    assert.throws(() => parseAddress("tls://h:1", undefined), { code: "invalid", message: /certificates/ });
  });
});
