// A component and its caller in one process: a breakpoint in greeter.ts stops here too.

import { ApplicationError, DirectNetwork, newClient, runContainer, systemEnv } from "unum";
import { Greeter } from "./components/greeter/gen/greeter_pb.ts";
import greeter from "./components/greeter/greeter.ts";

const env = systemEnv();
const network = new DirectNetwork();

const container = await runContainer({
  env,
  components: [greeter],
  transports: [network.transport()],
  listen: ["direct://greeter"],
});
const client = newClient({ env, transports: [network.transport()], to: container.addresses });

// Every method of a contract is a function of the client …
const greeters = client.of(Greeter);
console.log((await greeters.greet({ name: "Ada" })).text);

// … or is named, where more than the value is wanted.
const reply = await client.request(Greeter.method.greet, { name: "Grace" }, { ttlMs: 1_000 });
console.log(reply.value.text, `greeting ${reply.value.count}, version ${reply.version}, from ${reply.address}`);

try {
  await greeters.greet({ name: "" });
} catch (error) {
  // What the component threw; what is nobody's component's doing is a Fault.
  if (!(error instanceof ApplicationError)) throw error;
  console.log(`${error.type}: ${error.message}`);
}

await client.close();
console.log(`${await container.drain(1_000)} calls left`);
