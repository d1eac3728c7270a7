// What this working folder keeps of the machine that its own is a node of: $UNUM_HOME/machine/parent, for its owner's eyes alone.
//
//   parent.json                                  which machine, and where its nodes reach this one
//   identity/node.key node.crt ca.pem gossip.key  who this machine is there
//   identity/commands.pem                        under which the parent's commands are written down here

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Fault } from "../../base/fault.ts";
import { machineFolder } from "./machine-file.ts";

const parentFileSchema = z.strictObject({
  /** The parent's id. */
  machine: z.string(),
  /** Public key of who founded it, in base64. */
  founder: z.string(),
  /** HOST:PORT where its nodes reach this machine. */
  open: z.string(),
  /** HOST:PORT of its nodes to ask first. */
  seeds: z.array(z.string()),
});
export type ParentFile = z.infer<typeof parentFileSchema>;

/** Texts of the files in `identity`, by what they are. */
export interface ParentIdentity {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  /** In base64. */
  readonly gossipKey: string;
  /** PKCS #8 PEM. */
  readonly commands: string;
}

const FILES = {
  key: "node.key",
  cert: "node.crt",
  ca: "ca.pem",
  gossipKey: "gossip.key",
  commands: "commands.pem",
} as const satisfies Record<keyof ParentIdentity, string>;

/** Absolute. */
export function parentFolder(): string {
  return join(machineFolder(), "parent");
}

/** Throws the Fault `invalid` where it is not there, or cannot be read. */
export async function readParent(): Promise<ParentFile & ParentIdentity> {
  const read = (name: string) => readFile(join(parentFolder(), name), "utf8");
  try {
    const file = parentFileSchema.parse(JSON.parse(await read("parent.json")));
    const [key, cert, ca, gossipKey, commands] = await Promise.all([
      read(`identity/${FILES.key}`),
      read(`identity/${FILES.cert}`),
      read(`identity/${FILES.ca}`),
      read(`identity/${FILES.gossipKey}`),
      read(`identity/${FILES.commands}`),
    ]);
    return { ...file, key, cert, ca, gossipKey, commands };
  } catch (cause) {
    throw new Fault("invalid", `${parentFolder()} does not say which machine this one is a node of`, { cause });
  }
}

export async function writeParent(file: ParentFile, identity: ParentIdentity): Promise<void> {
  const folder = parentFolder();
  await mkdir(join(folder, "identity"), { recursive: true, mode: 0o700 });
  const write = (name: string, text: string) => writeFile(join(folder, name), text, { mode: 0o600 });
  await write(`identity/${FILES.key}`, identity.key);
  await write(`identity/${FILES.cert}`, identity.cert);
  await write(`identity/${FILES.ca}`, identity.ca);
  await write(`identity/${FILES.gossipKey}`, identity.gossipKey);
  await write(`identity/${FILES.commands}`, identity.commands);
  await write("parent.json", `${JSON.stringify(file, null, 2)}\n`);
}

/** All of it: programs that came from there, and who this machine was there. */
export async function forgetParent(): Promise<void> {
  await rm(parentFolder(), { recursive: true, force: true });
}
