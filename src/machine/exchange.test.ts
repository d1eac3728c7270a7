// What a node does with records that another brings and that it may not take.

import assert from "node:assert/strict";
import { it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { seededRandom } from "../base/random.ts";
import { ExchangeRequestSchema } from "../messages/gen/unum/machine/v1/machine_pb.ts";
import { noSockets } from "../testing/hosts/host-transport.ts";
import { SimulatedDisk } from "../testing/hosts/simulated-disk.ts";
import { settledOn } from "../testing/promises/settled.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { exchangeWith } from "./exchange.ts";
import { newSigningKey } from "./keys/signing-key.ts";
import { MachineNode } from "./machine-node.ts";
import { signRecord } from "./records/signed-record.ts";

it("takes no record of a key that may not write it, and says so once, however often it is brought", async () => {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const disk = new SimulatedDisk(clock, random.fork()).of({ alive: true, deliver: (fire) => fire() });
  const told: string[] = [];
  const log = { write: (_: string, text: string) => void told.push(text) };
  const host = { setPrograms() {}, setGrace() {}, setEpochs() {}, programs: [], containersOf: () => 0 };
  const machine = new MachineNode({
    ...{ env: { clock, random, network: noSockets, log }, disk, folder: "/m", machine: "mother" },
    ...{ node: "n1", doors: [], controller: true, founder: newSigningKey(), host },
  });
  const on = <T>(promise: Promise<T>) => settledOn(clock, promise, 10_000);
  await on(machine.open());
  const stranger = newSigningKey();
  const bring = async (...names: readonly string[]) => {
    const records = names.map((name) =>
      signRecord(
        { machine: "mother", name: `variable/${name}`, counter: 1n, body: { case: "variable", value: { value: "v" } } },
        stranger,
      ),
    );
    await on(exchangeWith(machine, create(ExchangeRequestSchema, { node: "n2", records })));
  };
  for (let again = 0; again < 5; again++) await bring("region");
  assert.equal(told.length, 1, told.join("\n"));
  assert.match(told[0] ?? "", /^a record from another node is refused: variable\/region: key .* has none here$/);
  await bring("region", "zone");
  assert.deepEqual(
    told.map((text) => /variable\/\w+/.exec(text)?.[0]),
    ["variable/region", "variable/zone"],
  );
  assert.equal(machine.records.all.length, 0);
});
