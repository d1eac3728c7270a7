// Several nodes of one machine in this process: governors, doors, gossip and mutual TLS as in processes of their own, each
// with its own network, folder and certificate. Without containers unless they are asked for.

import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TlsSettings } from "../../src/base/network.ts";
import type { OutboxLimits } from "../../src/capacity/limits.ts";
import { CONTAINER_PROGRAM, QUICKLY } from "../../src/cli/process/governor-start.ts";
import { newClient, type Proxies } from "../../src/client/client.ts";
import { type Issuer, issueIssuer, issueLeaf, newAuthority, newNodeKey } from "../../src/machine/identity/authority.ts";
import type { Issuing } from "../../src/machine/identity/renewing-issuer.ts";
import { newSigningKey, type SigningKey } from "../../src/machine/keys/signing-key.ts";
import { signRecord } from "../../src/machine/records/signed-record.ts";
import { Node } from "../../src/messages/gen/unum/control/v1/node_pb.ts";
import { Machine, type MachineView } from "../../src/messages/gen/unum/machine/v1/machine_pb.ts";
import type { RecordSchema } from "../../src/messages/gen/unum/machine/v1/record_pb.ts";
import { type NodeSettings, type RunningNode, runNode } from "../../src/node/run-node.ts";
import { systemDatagrams } from "../../src/system/datagrams.ts";
import { systemDisk } from "../../src/system/disk.ts";
import { systemEnv } from "../../src/system/env.ts";
import { hostId } from "../../src/system/host-id.ts";
import { systemProcesses } from "../../src/system/processes.ts";
import { systemResources } from "../../src/system/resources.ts";
import type { Transport } from "../../src/transports/transport.ts";
import { zmtpTransport } from "../../src/transports/zmtp/index.ts";
import { twoPorts } from "./machine-nodes.ts";

export interface LocalMachine {
  readonly id: string;
  readonly founder: SigningKey;
  readonly issuer: Issuer & { readonly rootKey: string };
  readonly gossipKey: Uint8Array;
  /** One more node. */
  add(options?: LocalOptions): Promise<LocalNode>;
  /** Ends all nodes and removes what they kept. */
  end(): Promise<void>;
}

export interface LocalOptions {
  /** Takes commands. Default: the first does. */
  readonly controller?: boolean;
  /** As many real ones at most. Default: none. */
  readonly containers?: number;
  readonly name?: string;
  /** Absolute: its components. */
  readonly components?: string;
  readonly outbox?: OutboxLimits;
  /** Of its certificate. Default: none. */
  readonly ageDays?: number;
  /** Containers kept warm. Default: none. */
  readonly spares?: number;
  /** Of a signing certificate of its own, where it takes commands. Default: it signs by the founder's, and has the root's key. */
  readonly issuerAgeDays?: number;
}

export interface LocalNode {
  readonly id: string;
  /** Absolute: what it keeps of the machine. */
  readonly folder: string;
  /** TLS, as other computers reach it. */
  readonly door: string;
  readonly tls: TlsSettings;
  /** By what it signs certificates; undefined where it takes no commands. */
  readonly issuing: Issuing | undefined;
  readonly machine: Proxies<typeof Machine>;
  readonly node: Proxies<typeof Node>;
  show(): Promise<MachineView>;
  /** Signs and proposes; the conflict, in words, or nothing. */
  propose(name: string, body: MessageInitShape<typeof RecordSchema>["body"], by?: SigningKey): Promise<string>;
  /** Ends it as a drained one. */
  close(): Promise<void>;
  /** Starts it again after `close`. */
  again(): Promise<void>;
}

const TTL = { ttlMs: 30_000 };

/** `at`: where its folders are made. */
export async function localMachine(at = tmpdir()): Promise<LocalMachine> {
  const id = "mlocal";
  const place = await mkdtemp(join(at, "unum-local-"));
  const founder = newSigningKey();
  const issuer = await newAuthority(id, Date.now());
  const gossipKey = new Uint8Array(randomBytes(32));
  const nodes: LocalNode[] = [];
  const seeds: string[] = [];
  const transports: Transport[] = [];
  const add: LocalMachine["add"] = async ({ controller = nodes.length === 0, containers = 0, name, ...more } = {}) => {
    const node = name ?? `nlocal${nodes.length + 1}`;
    const port = await twoPorts();
    const started = await startLocal({ ...more, node, port, controller, containers, seeds: [...seeds] });
    seeds.push(`127.0.0.1:${port}`);
    nodes.push(started);
    return started;
  };
  interface Start extends Pick<LocalOptions, "components" | "outbox" | "ageDays" | "spares" | "issuerAgeDays"> {
    readonly node: string;
    readonly port: number;
    readonly controller: boolean;
    readonly containers: number;
    readonly seeds: readonly string[];
  }
  const startLocal = async (start: Start): Promise<LocalNode> => {
    const { node, port } = start;
    const folder = join(place, node);
    const { key, publicKey } = newNodeKey();
    const leaf = {
      node,
      machine: id,
      hosts: ["127.0.0.1", "localhost"],
      publicKey,
      now: Date.now() - (start.ageDays ?? 0) * 86_400_000,
    };
    const tls = { key, cert: await issueLeaf(issuer, leaf), ca: issuer.root };
    for (const name of ["run", "log", "machine/identity"]) await mkdir(join(folder, name), { recursive: true });
    const issuing = start.controller ? await issuingOf(id, issuer, node, start.issuerAgeDays) : undefined;
    const settings = () =>
      settingsOf({
        ...start,
        folder,
        tls,
        machine: id,
        founder,
        gossipKey,
        ...(issuing === undefined ? {} : { issuing }),
      });
    let running: RunningNode = await runNode(settings());
    const env = systemEnv();
    const transport = zmtpTransport({ env });
    transports.push(transport);
    const client = newClient({ env, transports: [transport], to: [`ipc://${folder}/run/door.sock`] });
    const machine = client.of(Machine);
    const show = () => machine.show({}, TTL);
    return {
      ...{ id: node, folder: join(folder, "machine"), door: `tls://127.0.0.1:${port}`, tls, machine, show, issuing },
      node: client.of(Node),
      propose: async (name, body, by = founder) => {
        const { counter, history } = await machine.head({ name }, TTL);
        const said = { machine: id, name, counter: counter + 1n, history, body: body ?? { case: undefined } };
        const record = signRecord(said, by);
        return (await machine.propose({ record }, TTL)).conflict;
      },
      close: async () => {
        await running.drain(0);
        await running.closed;
      },
      again: async () => {
        running = await runNode(settings());
      },
    };
  };
  return {
    ...{ id, founder, issuer, gossipKey, add },
    end: async () => {
      await Promise.all(nodes.map((node) => node.close().catch(() => {})));
      await Promise.all(transports.map((transport) => transport.close()));
      await rm(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

function settingsOf(of: {
  readonly components?: string;
  readonly outbox?: OutboxLimits;
  readonly node: string;
  readonly port: number;
  readonly controller: boolean;
  readonly containers: number;
  readonly spares?: number;
  readonly seeds: readonly string[];
  readonly folder: string;
  readonly tls: TlsSettings;
  readonly machine: string;
  readonly founder: SigningKey;
  readonly gossipKey: Uint8Array;
  readonly issuing?: Issuing;
}): NodeSettings {
  const { node, port, folder, tls, gossipKey, issuing } = of;
  const env = systemEnv();
  return {
    ...{ env, id: node, host: hostId(), run: join(folder, "run"), logs: join(folder, "log") },
    folder: of.components ?? "",
    ...{ graceMs: 1_000, restarts: 0, pid: process.pid, workingFolder: process.cwd() },
    parts: { disk: systemDisk(), processes: systemProcesses(env.clock), resources: systemResources() },
    transport: () => zmtpTransport({ env, identity: node, tls }),
    doors: [`ipc://${join(folder, "run")}/door.sock`, `tls://127.0.0.1:${port}`],
    limits: {
      node: { containers: of.containers, spares: of.spares ?? 0 },
      ...(of.outbox === undefined ? {} : { outbox: of.outbox }),
    },
    command: (container) => ({
      program: process.execPath,
      arguments: [...QUICKLY, CONTAINER_PROGRAM, JSON.stringify({ ...container, plugins: [], log: "info" })],
    }),
    // As a governor's process has it.
    environment: { PATH: process.env["PATH"] ?? "", NODE_COMPILE_CACHE: join(folder, "compiled") },
    network: {
      ...{ datagrams: systemDatagrams(), gossip: { host: "127.0.0.1", port }, seeds: of.seeds, key: gossipKey },
    },
    reach: { addresses: ["tls://127.0.0.1:0"], tls },
    machine: {
      ...{ folder: join(folder, "machine"), machine: of.machine, controller: of.controller, founder: of.founder },
      ...{ seeds: of.seeds.map((seed) => `tls://${seed}`), gossipKey },
      own: { key: tls.key, cert: tls.cert, root: tls.ca },
      ...(issuing === undefined ? {} : { issuing, issue: (wanted) => issueLeaf(issuing.present(), wanted) }),
    },
  };
}

async function issuingOf(
  machine: string,
  founder: Issuer & { readonly rootKey: string },
  node: string,
  ageDays: number | undefined,
): Promise<Issuing> {
  const { root, rootKey } = founder;
  let present: Issuer = founder;
  const take = (fresh: Issuer) => {
    present = fresh;
  };
  if (ageDays === undefined)
    return { present: () => present, take, sign: (wanted) => issueIssuer({ rootKey, root }, wanted) };
  const { key, publicKey } = newNodeKey();
  const now = Date.now() - ageDays * 86_400_000;
  present = { key, root, cert: await issueIssuer({ rootKey, root }, { machine, node, publicKey, now }) };
  return { present: () => present, take };
}

/** Asks again until it holds. */
export async function eventually<T>(what: string, ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  const end = performance.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (performance.now() > end) throw new Error(`${what} does not become true: ${inspect(answer)}`);
    await new Promise((soon) => setTimeout(soon, 20));
  }
}
