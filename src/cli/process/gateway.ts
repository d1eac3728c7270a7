// The process of a machine's gateway to its parent. Started by the governor of the controller that the record names.

import { readAddress } from "../../base/datagrams.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { TlsSettings } from "../../base/network.ts";
import { publicKeyOf, readSigningKey } from "../../machine/keys/signing-key.ts";
import { runGateway } from "../../node/run-gateway.ts";
import { systemDatagrams } from "../../system/datagrams.ts";
import { systemDisk } from "../../system/disk.ts";
import { systemEnv } from "../../system/env.ts";
import { hostId } from "../../system/host-id.ts";
import { systemProcesses } from "../../system/processes.ts";
import { zmtpTransport } from "../../transports/zmtp/index.ts";
import { ownTls, settleRenewals } from "../machine/identity-folder.ts";
import { parentFolder, readParent } from "../machine/parent-folder.ts";
import type { GatewayStart } from "./governor-start.ts";

// Written by the governor that starts this process, of the same version.
const start = JSON.parse(process.argv[2] ?? "") as GatewayStart;
const env = systemEnv({ log: start.log });
// On a full disk nothing more is logged until there is room again; that is no reason to end.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
const processes = systemProcesses(env.clock);

const gateway = await begin().catch((error) => {
  env.log.write("error", `the gateway cannot start: ${asError(error).message}`);
  process.exit(1);
});
const end = () => void gateway.close();
const keeper = processes.adopt(start.keeper);
if (keeper === undefined) end();
else void keeper.exited.then(end);
process.on("SIGTERM", end);
process.on("SIGINT", () => {});
await gateway.closed;
process.exit(0);

async function begin() {
  await settleRenewals(parentFolder());
  const parent = await readParent();
  const own = await ownTls();
  const outer: TlsSettings = { key: parent.key, cert: parent.cert, ca: parent.ca };
  const gossip = readAddress(parent.open);
  if (gossip === undefined) throw new Fault("invalid", `'${parent.open}' is not HOST:PORT`);
  const { host } = readAddress(start.open ?? "") ?? {};
  const shown = host?.includes(":") ? `[${host}]` : host;
  const reached = own === undefined || shown === undefined ? [] : [`tls://${shown}:0`];
  return runGateway({
    ...{ env, disk: systemDisk(), datagrams: systemDatagrams(), machine: start.machine, host: hostId() },
    ...{ key: readSigningKey(parent.commands), folder: parentFolder(), pid: process.pid },
    startTime: processes.startTimeOf(process.pid) ?? "",
    inside: {
      door: `ipc://${start.run}/door.sock`,
      listen: [`ipc://${start.run}/gateway.sock`, ...reached],
      ...{ own: ownTls },
      transport: () => zmtpTransport({ env, identity: start.node, ...(own === undefined ? {} : { tls: own }) }),
    },
    outside: {
      ...{ machine: parent.machine, founder: publicKeyOf(new Uint8Array(Buffer.from(parent.founder, "base64"))) },
      ...{ open: `tls://${parent.open}`, gossip, seeds: parent.seeds },
      gossipKey: new Uint8Array(Buffer.from(parent.gossipKey.trim(), "base64")),
      own: { key: parent.key, cert: parent.cert, root: parent.ca },
      transport: () => zmtpTransport({ env, identity: start.machine, tls: outer }),
    },
  });
}
