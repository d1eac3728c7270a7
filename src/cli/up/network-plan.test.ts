import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type NetworkFlags, networkPlanOf } from "./network-plan.ts";

const AT_HOME = "127.0.0.1:7000";

describe("the network that 'unum up' was asked for", () => {
  it("tells others the host they use, and listens where it was told to", async () => {
    const { listen, network } = await networkPlanOf({ listen: [AT_HOME], advertise: "localhost" });
    assert.deepEqual(listen, ["tcp://127.0.0.1:7000"]);
    assert.deepEqual(network?.gossip, { host: "127.0.0.1", port: 7000 });
    assert.deepEqual(network?.advertise, { host: "localhost", ip: "127.0.0.1" });
    assert.equal(network?.containers, "tcp://127.0.0.1:0");
  });

  const wrong: [string, NetworkFlags, RegExp][] = [
    [
      "a host to tell, and nothing to listen at",
      { advertise: "10.0.0.1" },
      /say where this node listens, with --listen/,
    ],
    ["a port with it", { listen: [AT_HOME], advertise: "10.0.0.1:7000" }, /'10\.0\.0\.1:7000' is more than a host/],
    ["a scheme with it", { listen: [AT_HOME], advertise: "tls://a" }, /'tls:\/\/a' is more than a host/],
    ["every address", { listen: [AT_HOME], advertise: "0.0.0.0" }, /'0\.0\.0\.0' leads nowhere/],
    ["every address of version 6", { listen: [AT_HOME], advertise: "::" }, /'::' leads nowhere/],
    ["half an address", { listen: [AT_HOME], advertise: "10.0.0" }, /'10\.0\.0' is neither an IP address nor a name/],
    ["nothing", { listen: [AT_HOME], advertise: "" }, /'' is neither/],
    ["a name with blanks", { listen: [AT_HOME], advertise: "a b" }, /'a b' is neither/],
    ["another computer's host without TLS", { listen: [AT_HOME], advertise: "10.0.0.1" }, /without TLS anybody there/],
    ["every address, and none for others", { listen: ["0.0.0.0:7000"] }, /or name it with --advertise HOST/],
  ];
  for (const [what, flags, message] of wrong) {
    it(`is refused with ${what}`, () => assert.rejects(networkPlanOf(flags), { name: "UsageError", message }));
  }
});
