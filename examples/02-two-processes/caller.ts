// Calls the component in the other process. The calls are those of the first example; the transport is another.

import { ApplicationError, Fault, newClient, systemEnv, zmtpTransport } from "unum";
import { Greeter } from "../01-one-process/components/greeter/gen/greeter_pb.ts";

const [address = "ipc:///tmp/unum-example.sock"] = process.argv.slice(2);
const env = systemEnv();
const client = newClient({ env, transports: [zmtpTransport({ env })], to: [address] });

const greeters = client.of(Greeter);
try {
  console.log((await greeters.greet({ name: "Ada" })).text);
  const reply = await client.request(Greeter.method.greet, { name: "Grace" }, { ttlMs: 1_000 });
  console.log(reply.value.text, `greeting ${reply.value.count}, version ${reply.version}`);
  await greeters.greet({ name: "" });
} catch (error) {
  if (error instanceof ApplicationError) console.log(`${error.type}: ${error.message}`);
  // Each code says whether and where trying again can help.
  else if (error instanceof Fault) console.log(`${error.code}, try again: ${error.retry}`);
  else throw error;
}
await client.close();
