// The component of the first example in a process of its own, at a Unix socket. Ctrl-C lets current calls end.

import { runContainer, systemEnv, zmtpTransport } from "unum";
import greeter from "../01-one-process/components/greeter/greeter.ts";

const [address = "ipc:///tmp/unum-example.sock"] = process.argv.slice(2);
const env = systemEnv();
const container = await runContainer({
  env,
  components: [greeter],
  transports: [zmtpTransport({ env })],
  listen: [address],
});
console.log(container.addresses[0]);

process.once("SIGINT", async () => {
  console.log(`${await container.drain(10_000)} calls left`);
});
await container.closed;
