import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../../base/random.ts";
import type { Record as SaidRecord } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { noSockets } from "../../testing/hosts/host-transport.ts";
import { SimulatedDisk } from "../../testing/hosts/simulated-disk.ts";
import { settledOn } from "../../testing/promises/settled.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { newSigningKey } from "../keys/signing-key.ts";
import { MachineNode } from "../machine-node.ts";
import { readRecord, signRecord } from "../records/signed-record.ts";
import { letIn } from "./joining.ts";
import { secretHash } from "./token.ts";

const SECRET = "the secret of a token";
const ISSUER = { key: "", cert: "", root: "" };

describe("a machine that asks to be let in", () => {
  it("waits until it is known what stands above, and is refused where that is itself", async () => {
    const clock = new VirtualClock();
    const random = seededRandom(1);
    const disk = new SimulatedDisk(clock, random.fork()).of({ alive: true, deliver: (fire) => fire() });
    const founder = newSigningKey();
    const host = { setPrograms() {}, setGrace() {}, setEpochs() {}, programs: [], containersOf: () => 0 };
    const machine = new MachineNode({
      ...{ env: { clock, random, network: noSockets, log: { write() {} } }, disk, folder: "/m", machine: "mbottom" },
      ...{ node: "n1", doors: [], controller: true, founder, host },
    });
    const on = <T>(promise: Promise<T>) => settledOn(clock, promise, 10_000);
    await on(machine.open());
    await on(machine.audit.open());
    let counter = 0n;
    const say = (name: string, body: SaidRecord["body"] | object) =>
      // What a test says is what it says it is.
      on(
        machine.take(
          readRecord(
            signRecord({ machine: "mbottom", name, counter: ++counter, body: body as SaidRecord["body"] }, founder),
          ),
        ),
      );
    const link = { machine: "mmiddle", node: "n1", key: newSigningKey().raw };
    await say("parent/link", { case: "parent", value: link });
    const expiresMs = BigInt(Math.floor(clock.wallNow())) + 1_000_000n;
    const token = { secretHash: secretHash(SECRET), expiresMs, at: "n1", machine: "mtop" };
    await say("token/first", { case: "token", value: token });
    const asked = { id: "first", secret: SECRET, node: "mtop", hosts: [], publicKey: "", issuerKey: "" };
    const comes = () => on(letIn(JSON.stringify(asked), { machine, issuer: ISSUER, seeds: [] }));

    await assert.rejects(comes(), { code: "denied", message: /has not heard yet what stands above/ });
    machine.ancestors = ["mmiddle", "mtop"];
    await assert.rejects(comes(), { code: "denied", message: /would be its own ancestor/ });
    machine.ancestors = ["mmiddle"];
    // It would be: there is only nothing to sign its certificate with.
    await assert.rejects(comes(), (error: { readonly code?: string }) => error.code !== "denied");
    machine.close();
  });
});
