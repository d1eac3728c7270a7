// The process of a container that works for one run. Started by container-pool.ts; ends when that is gone.

import { newId } from "../../base/random.ts";
import { flowWorker } from "../../flows/index.ts";
import { loadComponents } from "../../node/load-components.ts";
import { failureLine } from "../../node/load-failure.ts";
import { runContainer } from "../../node/run-container.ts";
import { systemEnv } from "../../system/env.ts";
import { zmtpTransport } from "../../transports/zmtp/index.ts";

export interface WorkerReady {
  /** With the calls of it that are worked on at one time. */
  readonly contracts: readonly (readonly [string, number])[];
  readonly failures: readonly string[];
}

// Who started this process may be gone at any moment, also while components are loaded.
let end = (): void => process.exit(0);
process.on("disconnect", () => end());

const [folder = "", address = ""] = process.argv.slice(2);
const env = systemEnv({ log: "error" });
const { components, failures } = await loadComponents(folder, env);
const loaded = components.map(({ component }) => component);
const id = newId(env.random, "w");
const container = await runContainer({
  ...{ env, id, listen: [address] },
  components: [...loaded, flowWorker(loaded)],
  transports: [zmtpTransport({ env, identity: id })],
  limits: { inbox: 65_536 },
});
end = () => void container.drain(0);
if (!process.connected) end();
const ready: WorkerReady = {
  contracts: loaded.map(({ contract, concurrency }) => [contract.typeName, concurrency] as const),
  failures: failures.map(failureLine),
};
// Who started this may be gone meanwhile; then the channel's end says so.
process.send?.(ready, () => {});
// A terminal's Ctrl-C reaches this process too; who started it decides.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => end());
await container.closed;
process.exit(0);
