// Who machines, nodes and operators of the simulated world are, and the archives of its programs: made once for all runs.

import { createHash } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { digestOf } from "../../../src/machine/archive/archive.ts";
import type { Manifest } from "../../../src/machine/archive/manifest.ts";
import { type Issuer, issueLeaf, newAuthority, newNodeKey } from "../../../src/machine/identity/authority.ts";
import type { OwnCertificate } from "../../../src/machine/identity/renewing.ts";
import { readSigningKey, type SigningKey } from "../../../src/machine/keys/signing-key.ts";
import { schemaOf } from "../../../src/messages/schema.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";
import { SimA, SimB } from "../../gen/unum/test/v1/letters_pb.ts";
import { zipOf } from "../../machine/zip-maker.ts";
import {
  CAPABILITIES,
  ID,
  MACHINES,
  type MachineName,
  NODES,
  PACKAGE,
  PROGRAM_NAMES,
  PROGRAMS,
  type ProgramName,
} from "./stacking-plan.ts";

export interface MachineIdentity {
  readonly founder: SigningKey;
  readonly issuer: Issuer;
  /** Its own by node; of a machine that is a node of it by id. */
  readonly certificates: ReadonlyMap<string, OwnCertificate>;
  readonly gossipKey: Uint8Array;
  /** Under which its parent's commands are written down in it. */
  readonly commands: SigningKey;
}

export interface ProgramArchive {
  readonly name: ProgramName;
  readonly version: string;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

export interface Identities {
  readonly machines: Readonly<Record<MachineName, MachineIdentity>>;
  readonly archives: readonly ProgramArchive[];
}

/** An operator's word and a parent's may meet: which of the two counts must be the same in every run of a seed. */
function keyOf(name: string): SigningKey {
  const seed = createHash("sha256").update(`simulated key ${name}`).digest();
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]).toString("base64");
  return readSigningKey(`-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`);
}

async function identityOf(machine: MachineName): Promise<MachineIdentity> {
  const now = new VirtualClock().wallNow();
  const { key, cert, root } = await newAuthority(ID[machine], now);
  const issuer = { key, cert, root };
  const certificates = new Map<string, OwnCertificate>();
  for (const node of [...NODES[machine], ...Object.values(ID).filter((id) => id !== ID[machine])]) {
    const own = newNodeKey();
    const hosts = ["127.0.0.1"];
    const leaf = await issueLeaf(issuer, { node, machine: ID[machine], hosts, publicKey: own.publicKey, now });
    certificates.set(node, { key: own.key, cert: leaf, root });
  }
  const gossipKey = new Uint8Array(createHash("sha256").update(`gossip of ${machine}`).digest());
  return {
    founder: keyOf(`founder of ${machine}`),
    issuer,
    certificates,
    gossipKey,
    commands: keyOf(`above ${machine}`),
  };
}

/** What lies in the folder of its components: a name, which the world knows. */
export function codeOf(program: ProgramName, version: string): string {
  return `${program} ${version}`;
}

/** Nothing in it is packed: that would be done by threads, which know no virtual time. */
function archiveOf(name: ProgramName, version: string): ProgramArchive {
  const contract = { alpha: SimA, beta: SimB }[name];
  const files = new Map<string, Uint8Array>([
    ["components/code", new TextEncoder().encode(codeOf(name, version))],
    ["contracts.binpb", toBinary(FileDescriptorSetSchema, schemaOf([contract]))],
  ]);
  const manifest: Manifest = {
    ...{ unum: 1, name, version, description: "", runsOn: "nodes", containers: 1, threads: 0 },
    parts: [{ kind: "component", folder: "components" }],
    capabilities: [...CAPABILITIES],
    trust: name === "beta" ? "operator" : "confined",
    disconnected: { policy: name === "beta" ? "stop-after" : "keep", afterMs: 5_000 },
    contracts: "contracts.binpb",
    serves: [`${PACKAGE}.${PROGRAMS[name]}`],
    files: [...files].map(([path, content]) => ({ path, bytes: content.length, sha256: digestOf(content) })),
  };
  const entries = [["MANIFEST.json", new TextEncoder().encode(JSON.stringify(manifest))] as const, ...files];
  const zip = zipOf(
    entries.map(([path, content]) => ({ name: path, content: Buffer.from(content), both: { method: 0 } })),
  );
  const bytes = new Uint8Array(zip);
  return { name, version, digest: digestOf(bytes), bytes };
}

let made: Promise<Identities> | undefined;

export function identities(): Promise<Identities> {
  made ??= (async () => {
    const [top, middle, bottom] = await Promise.all(MACHINES.map(identityOf));
    if (top === undefined || middle === undefined || bottom === undefined) throw new Error("there are three machines");
    const archives = PROGRAM_NAMES.flatMap((name) => ["1.0.0", "2.0.0"].map((version) => archiveOf(name, version)));
    return { machines: { top, middle, bottom }, archives };
  })();
  return made;
}
