// A plugin by hand, without a node: the component of the first example behind a seal, over a Unix socket, and who may call it.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault, newClient, openPlugin, runContainer, sealing, systemEnv, zmtpTransport } from "unum";
import { Greeter } from "../01-one-process/components/greeter/gen/greeter_pb.ts";
import greeter from "../01-one-process/components/greeter/greeter.ts";
import sealBodies from "./plugins/seal-bodies.ts";

const env = systemEnv();
const folder = await mkdtemp(join(tmpdir(), "unum-example-"));
const keyFile = join(folder, "key");
await writeFile(keyFile, randomBytes(32), { mode: 0o600 });
const seal = await openPlugin(sealBodies, { env, settings: { keyFile } });

const container = await runContainer({
  env,
  components: [greeter],
  transports: [sealing(zmtpTransport({ env }), seal)],
  listen: [`ipc://${folder}/greeter.sock`],
});

// The component notices nothing, and neither does the call.
const sealed = newClient({ env, transports: [sealing(zmtpTransport({ env }), seal)], to: container.addresses });
console.log((await sealed.of(Greeter).greet({ name: "Ada" })).text);

// Who has no seal is told so.
const plain = newClient({ env, transports: [zmtpTransport({ env })], to: container.addresses });
try {
  await plain.of(Greeter).greet({ name: "Eve" });
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  console.log(`${error.code}: ${error.message.replace(/-\w{8};/, "-…;")}`);
}

await Promise.all([sealed.close(), plain.close()]);
await container.drain(1_000);
await rm(folder, { recursive: true });
