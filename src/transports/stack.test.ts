import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { envelope, Kind, replyTo } from "../messages/envelope.ts";
import { DirectNetwork } from "./direct.ts";
import { stack } from "./stack.ts";
import type { Receive, Transport } from "./transport.ts";

const request = () => envelope({ kind: Kind.CALL, id: 1, from: ["c"], to: "x", deadline: Number.POSITIVE_INFINITY });

/** Serves one scheme and says in the reply which it is. */
function named(scheme: string, closed: string[] = []): Transport {
  const serves = (address: string) => address.startsWith(`${scheme}:`);
  return {
    schemes: [scheme],
    send(to, each) {
      if (!serves(to)) return undefined;
      const reply = replyTo(each);
      reply.from = [scheme];
      return Promise.resolve(reply);
    },
    listen: (at) => (serves(at) ? Promise.resolve({ address: at, close: async () => {} }) : undefined),
    close: async () => {
      closed.push(scheme);
    },
  };
}

const echo: Receive = async (each) => replyTo(each);

describe("stack of transports", () => {
  it("gives an address to the first transport that serves it", async () => {
    const direct = new DirectNetwork();
    await direct.transport().listen("direct://b", echo);
    const both = stack([named("one"), named("two"), direct.transport()]);
    assert.deepEqual(both.schemes, ["one", "two", "direct"]);
    assert.deepEqual((await both.send("one://x", request())).from, ["one"]);
    assert.deepEqual((await both.send("two://x", request())).from, ["two"]);
    assert.equal((await both.send("direct://b", request())).id, 1);
    assert.equal((await both.listen("two://x", echo)).address, "two://x");
  });

  it("keeps the order in which it was given transports of the same scheme", async () => {
    const first: Transport = {
      ...named("one"),
      send: (_, each) => Promise.resolve({ ...replyTo(each), from: ["first"] }),
    };
    assert.deepEqual((await stack([first, named("one")]).send("one://x", request())).from, ["first"]);
  });

  it("rejects as undeliverable an address that none serves, naming it and what is served", async () => {
    const both = stack([named("one"), named("two")]);
    const says = { code: "undeliverable", message: /three:\/\/x.*one:\/\/, two:\/\// };
    await assert.rejects(both.send("three://x", request()), says);
    await assert.rejects(both.listen("three://x", echo), says);
  });

  it("closes them all", async () => {
    const closed: string[] = [];
    await stack([named("one", closed), named("two", closed)]).close();
    assert.deepEqual(closed, ["one", "two"]);
  });
});
