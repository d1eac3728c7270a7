// The process of a node's governor. Started by the keeper; ends with 0 only when it was told to.

import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../../base/fault.ts";
import type { SpawnSettings } from "../../base/processes.ts";
import { advertised } from "../../capacity/reach.ts";
import type { ContainerStart } from "../../governor/fleet-settings.ts";
import { pluginsOf } from "../../node/load-plugins.ts";
import { type RunningNode, runNode } from "../../node/run-node.ts";
import { transportFigures } from "../../node/transport-figures.ts";
import { systemDatagrams } from "../../system/datagrams.ts";
import { systemDisk } from "../../system/disk.ts";
import { systemEnv } from "../../system/env.ts";
import { hostId } from "../../system/host-id.ts";
import { systemProcesses } from "../../system/processes.ts";
import { systemResources } from "../../system/resources.ts";
import { serveText } from "../../system/text-service.ts";
import { stuckPlugin, watchdog } from "../../system/watchdog.ts";
import { type ZmtpTransport, zmtpTransport } from "../../transports/zmtp/index.ts";
import { readGossipKey } from "../gossip-key.ts";
import type { MachineStart } from "../machine/machine-plan.ts";
import { machineSettingsOf } from "../machine/machine-settings.ts";
import { readTlsFiles } from "../tls-files.ts";
import { UsageError } from "../usage.ts";
import {
  CONTAINER_PROGRAM,
  GATEWAY_PROGRAM,
  type GatewayStart,
  type GovernorStart,
  type NetworkStart,
  QUICKLY,
} from "./governor-start.ts";

// Written by the keeper that starts this process, of the same version.
const start = JSON.parse(process.argv[2] ?? "") as GovernorStart;
const env = systemEnv({ log: start.log });
// On a full disk nothing more is logged until there is room again; that is no reason to end.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
const processes = systemProcesses(env.clock);
const disk = systemDisk();
const transports: ZmtpTransport[] = [];
/** How long a plugin's hook may keep the governor's loop from turning. */
const HOOK_LIMIT_MS = 5_000;
/** A container that was just started listens in a moment, and somebody may wait for it. */
const REDIAL_HERE_MS = 20;

const cannotStart = (error: unknown): never => {
  if (!(error instanceof Fault || error instanceof UsageError)) throw error;
  // What a person can mend, as an address in use: one line that the keeper shows, and no stack.
  env.log.write("error", `the node cannot start: ${error.message}`);
  process.exit(1);
};

const late: { node?: RunningNode } = {};
/** Said before there was a node to say it. */
const early: string[] = [];
// Where the last one was ended because a plugin did not come back, this one does without.
const note = join(start.run, "plugin-stuck.json");
const stuck = stuckPlugin(note);
const usable = (start.plugins ?? []).filter(({ file }) => file !== stuck?.file);
const plugins = await pluginsOf(usable, {
  ...{ env, where: "governor", node: start.id, container: "", serveText },
  // An operator who starts a node is there to mend what is wrong; a node that runs goes on without it.
  needed: () => start.restarts === 0,
  watchdog: watchdog({ note, limitMs: HOOK_LIMIT_MS }),
  say: (text) => {
    if (late.node === undefined) early.push(text);
    else late.node.say("error", text);
  },
  figures: async () => (await late.node?.figures()) ?? [],
}).catch(cannotStart);
const log = plugins.log?.(env.log) ?? env.log;

const { network: joins, tls: tlsFiles = {}, machine, ...told } = start;
const tls = await readTlsFiles(tlsFiles).catch(cannotStart);
const secured = tls === undefined ? {} : { tls };
const host = joins?.advertise?.host;
const network = joins === undefined ? undefined : await networkOf(joins).catch(cannotStart);

const ownDoor = `ipc://${start.run}/door.sock`;
const node = await runNode({
  ...told,
  ...(network === undefined || joins === undefined
    ? {}
    : {
        network,
        reach: { addresses: [joins.containers], ...(host === undefined ? {} : { advertise: host }), ...secured },
      }),
  ...(machine === undefined
    ? {}
    : { machine: { ...(await machineSettingsOf(machine).catch(cannotStart)), gateway: gatewayProcess(machine) } }),
  env: { ...env, log },
  host: hostId(),
  decisions: plugins.decisions,
  figures: () => [...transportFigures(transports.map((transport) => transport.stats())), ...plugins.figures()],
  parts: { disk, processes, resources: systemResources() },
  transport: () => {
    const transport = zmtpTransport({ env, identity: start.id, limits: { redialHereMs: REDIAL_HERE_MS }, ...secured });
    transports.push(transport);
    return transport;
  },
  pid: process.pid,
  workingFolder: process.cwd(),
  listen: [ownDoor, ...start.listen],
  doors: [ownDoor, ...start.listen.map((address) => advertised(address, host))],
  command: (container: ContainerStart) => ({
    program: process.execPath,
    arguments: [
      ...QUICKLY,
      CONTAINER_PROGRAM,
      JSON.stringify({ ...container, plugins: plugins.files, log: start.log }),
    ],
  }),
  environment: environmentOf(process.env),
}).catch(cannotStart);
late.node = node;
if (stuck !== undefined)
  early.push(`plugin ${stuck.file}: '${stuck.hook}' did not come back; it is left out until its file changes`);
for (const text of early) node.say("error", text);
for (const name of plugins.names) node.say("info", `plugin ${name}`);

const keeper = processes.adopt(start.keeper);
const drain = () => void node.drain(start.graceMs);
if (keeper === undefined) drain();
else void keeper.exited.then(drain);
process.on("SIGTERM", drain);
process.on("SIGINT", () => {});
await node.closed;
await plugins.close();
process.exit(0);

async function networkOf({ gossip, advertise, seeds, beacon, keyFile }: NetworkStart) {
  return {
    ...{ datagrams: systemDatagrams(), gossip, seeds },
    ...(advertise === undefined ? {} : { advertise: { host: advertise.ip, port: gossip.port } }),
    ...(beacon === undefined ? {} : { beacon }),
    ...(keyFile === undefined ? {} : { key: await readGossipKey(keyFile) }),
  };
}

function gatewayProcess({ machine: id, open }: MachineStart): SpawnSettings {
  const { id: node, run, logs, log: level, keeper: by } = start;
  const given: GatewayStart = {
    node,
    machine: id,
    run,
    keeper: by,
    log: level,
    ...(open === undefined ? {} : { open }),
  };
  return {
    ...{ program: process.execPath, arguments: [...QUICKLY, GATEWAY_PROGRAM, JSON.stringify(given)] },
    ...{ environment: environmentOf(process.env), folder: process.cwd(), logPath: join(logs, "gateway.log") },
  };
}

/** What a container may see of this process's environment: what Node and the components' own programs go by. */
function environmentOf(all: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(all).filter(([, value]) => value !== undefined);
  // Every value is there: the others were left out on the line above.
  const own = Object.fromEntries(kept) as Record<string, string>;
  const home = dirname(start.logs);
  return isOursAlone(home) ? { NODE_COMPILE_CACHE: join(home, "compiled"), ...own } : own;
}

/** A container that finds its modules compiled starts in half the time; but who can write there could put in other code. */
function isOursAlone(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false });
  return found !== undefined && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}
