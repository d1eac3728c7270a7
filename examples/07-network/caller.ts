// Comes into a network by any of its nodes, looks round, calls, and goes on calling when that node is gone.

import { Fault, newNodeClient, systemEnv, zmtpTransport } from "unum";
import { Greeter } from "../01-one-process/components/greeter/gen/greeter_pb.ts";

const given = process.argv.slice(2);
const seeds = given.length > 0 ? given : ["tcp://127.0.0.1:7000", "tcp://127.0.0.1:7001"];
const env = systemEnv();

try {
  const client = await newNodeClient({ env, transports: [zmtpTransport({ env })], seeds, withinMs: 5_000 });

  console.log(`${client.nodes().length} nodes`);
  const contracts = new Map<string, string[]>();
  for (const { components } of await client.describe()) {
    for (const { contract, version, methods } of components) {
      const modes = methods.map(({ name, mode }) => `${name} (${mode})`);
      contracts.set(`${contract} ${version}`, modes);
    }
  }
  for (const [name, methods] of contracts) console.log(`${name}: ${methods.join(", ")}`);

  // Where there is no place at once, half a second is given to find one: other containers, new ones, other nodes.
  const reply = await client.request(Greeter.method.greet, { name: "Ada" }, { withinMs: 500 });
  console.log(reply.value.text);
  await client.close();
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  console.log(`${error.code}, try again: ${error.retry}`);
}
