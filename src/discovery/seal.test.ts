import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../base/random.ts";
import { DATAGRAM_BYTES, isKey, PACKET_BYTES, Seal } from "./seal.ts";

const KEY = new Uint8Array(32).fill(7);
const packet = new Uint8Array([1, 2, 3, 4, 5]);

function sealOf(over: { key?: Uint8Array | undefined; network?: string; at?: number } = {}): Seal {
  const { network = "unum", at = 1_000_000 } = over;
  const key = "key" in over ? over.key : KEY;
  return new Seal({ network, keys: key === undefined ? [] : [key], wallNow: () => at, windowMs: 60_000 });
}

describe("a sealed datagram", () => {
  it("is opened by whoever has the key, and shows nothing of its contents", () => {
    const text = new TextEncoder().encode("a secret of some length");
    const datagram = closed(sealOf(), text);
    assert.deepEqual(opened(sealOf(), datagram), text);
    assert.equal(Buffer.from(datagram).includes(Buffer.from(text.subarray(0, 8))), false);
  });

  it("is not opened with another key", () => {
    assert.equal(opened(sealOf(), closed(sealOf({ key: new Uint8Array(32).fill(8) }))), "forged");
  });

  it("is heard under an old key while that is kept, then not, and its replay at no time", () => {
    const fresh = new Uint8Array(32).fill(9);
    const [receiver, sender] = [sealOf(), sealOf()];
    const early = closed(sender);
    assert.deepEqual(opened(receiver, early), packet);
    receiver.rekey([fresh, KEY]);
    assert.equal(opened(receiver, early), "replayed");
    assert.deepEqual(opened(receiver, closed(sender)), packet);
    const late = closed(sender);
    receiver.rekey([fresh]);
    assert.equal(opened(receiver, late), "forged");
    assert.equal(opened(sender, closed(receiver)), "forged", "it speaks under the new key");
    sender.rekey([fresh]);
    assert.equal(opened(receiver, late), "forged");
    assert.deepEqual(opened(receiver, closed(sender)), packet);
  });

  it("is not opened when any bit of it is changed", () => {
    const datagram = closed(sealOf());
    for (let bit = 0; bit < datagram.length * 8; bit++) {
      const changed = Uint8Array.from(datagram);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(typeof opened(sealOf(), changed), "string", `bit ${bit}`);
    }
  });

  it("is taken once", () => {
    const receiver = sealOf();
    const datagram = closed(sealOf());
    assert.notEqual(opened(receiver, datagram), "replayed");
    assert.equal(opened(receiver, datagram), "replayed");
  });

  it("may be overtaken by others, as far as the window reaches", () => {
    const sender = sealOf();
    const datagrams = Array.from({ length: 600 }, () => closed(sender));
    const receiver = sealOf();
    const order = datagrams.map((_, place) => place);
    const random = seededRandom(1);
    // Neighbours within 100 change places.
    for (let place = 0; place + 100 < order.length; place++) {
      const other = place + random.below(100);
      const [a = 0, b = 0] = [order[place], order[other]];
      order[place] = b;
      order[other] = a;
    }
    const taken = order.filter((place) => typeof opened(receiver, datagrams[place] ?? packet) !== "string");
    assert.ok(taken.length > 550, `${taken.length} of 600 were taken`);
    for (const datagram of datagrams) assert.equal(opened(receiver, datagram), "replayed");
  });

  it("far below the greatest count is refused, since it cannot be told from a replay", () => {
    const sender = sealOf();
    const first = closed(sender);
    const receiver = sealOf();
    for (let count = 0; count < 300; count++) opened(receiver, closed(sender));
    assert.equal(opened(receiver, first), "replayed");
  });

  it("does not move the window when it is forged", () => {
    const sender = sealOf();
    const receiver = sealOf();
    opened(receiver, closed(sender));
    const forged = Uint8Array.from(closed(sender));
    forged.fill(0xff, 18, 24);
    assert.equal(opened(receiver, forged), "forged");
    assert.equal(typeof opened(receiver, closed(sender)), "object");
  });

  it("of an unknown sender is refused when it was sent too long ago", () => {
    const datagram = closed(sealOf({ at: 1_000_000 }));
    assert.equal(opened(sealOf({ at: 1_070_000 }), datagram), "untimely");
    assert.equal(opened(sealOf({ at: 930_000 }), datagram), "untimely");
    assert.equal(typeof opened(sealOf({ at: 1_059_000 }), datagram), "object");
  });

  it("of a known sender is taken whatever the clocks do", () => {
    let at = 1_000_000;
    const sender = new Seal({ network: "unum", keys: [KEY], wallNow: () => at, windowMs: 60_000 });
    const receiver = sealOf();
    opened(receiver, closed(sender));
    at = 5_000_000;
    assert.equal(typeof opened(receiver, closed(sender)), "object");
  });

  it("of an unknown sender whose clock is wrong is taken once it bears the token it was challenged for", () => {
    const receiver = sealOf();
    const sender = sealOf({ at: 9_000_000 });
    const old = closed(sender);
    const first = receiver.open(closed(sender), "sender");
    assert.ok(first.kind === "refused" && first.why === "untimely" && first.reply !== undefined);
    // To somewhere else it bears none yet; and others learn nothing from a challenge that is not theirs.
    assert.equal(opened(sealOf({ at: 9_000_000 }), first.reply), "replayed");
    assert.equal(sender.open(first.reply, "here").kind, "challenge");
    assert.equal(opened(receiver, sender.close(packet, "elsewhere")), "untimely");
    assert.deepEqual(opened(receiver, closed(sender)), packet);
    assert.deepEqual(opened(receiver, sender.close(packet, "elsewhere")), packet);
    // A receiver that has started anew has another token.
    assert.equal(opened(sealOf(), closed(sender)), "untimely");
    assert.equal(opened(sealOf({ at: 9_000_000 }), old) instanceof Uint8Array, true);
  });

  it("is answered with no challenge when it is forged", () => {
    const forged = Uint8Array.from(closed(sealOf({ at: 9_000_000 })));
    forged[50] = (forged[50] ?? 0) ^ 1;
    assert.deepEqual(sealOf().open(forged, "x"), { kind: "refused", why: "forged" });
  });

  it("fills a datagram exactly with the largest packet", () => {
    assert.equal(closed(sealOf(), new Uint8Array(PACKET_BYTES)).length, DATAGRAM_BYTES);
  });
});

describe("an open datagram", () => {
  const open = (over = {}) => sealOf({ key: undefined, ...over });

  it("is taken where there is no key", () => {
    assert.deepEqual(opened(open(), closed(open())), packet);
  });

  it("and a sealed one do not mix", () => {
    assert.equal(opened(sealOf(), closed(open())), "unsealed");
    assert.equal(opened(open(), closed(sealOf())), "unsealed");
  });

  it("of another network, another version or no length is refused", () => {
    assert.equal(opened(open(), closed(open({ network: "other" }))), "foreign");
    assert.equal(opened(open(), new Uint8Array([9, 0, 0, 0, 0, 0, 0])), "version");
    assert.equal(opened(open(), new Uint8Array(3)), "length");
    assert.equal(opened(open(), new Uint8Array(DATAGRAM_BYTES + 1).fill(1)), "length");
    assert.equal(opened(sealOf(), closed(sealOf()).subarray(0, 30)), "length");
  });
});

it("a key has 32 bytes", () => {
  assert.ok(isKey(KEY));
  assert.ok(!isKey(new Uint8Array(16)));
});

/** The packet, or why there is none. */
function opened(seal: Seal, datagram: Uint8Array): Uint8Array | string {
  const result = seal.open(datagram, "there");
  if (result.kind === "packet") return Uint8Array.from(result.packet);
  return result.kind === "refused" ? result.why : result.kind;
}

function closed(seal: Seal, contents: Uint8Array = packet): Uint8Array {
  return seal.close(contents, "here");
}
