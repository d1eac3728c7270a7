// Which machine the node of this working folder is a part of: $UNUM_HOME/machine/machine.json.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asError, Fault } from "../../base/fault.ts";
import { newId, type Random } from "../../base/random.ts";
import { unumHome } from "../run-folder.ts";
import { ownKey } from "./key-folder.ts";

export interface MachineFile {
  /** Its id. */
  readonly machine: string;
  /** Public key of who founded it, in base64. */
  readonly founder: string;
  /** Whether this node gives commands. */
  readonly controller: boolean;
  /** HOST:PORT where others reach it, once it was opened to them. */
  readonly open?: string;
  /** HOST:PORT of nodes to ask first. */
  readonly seeds?: readonly string[];
}

/** Absolute. */
export function machineFolder(): string {
  return join(unumHome(), "machine");
}

/** The first node founds a machine of its own, with the operator's key. */
export async function machineOfThisFolder(random: Random): Promise<MachineFile> {
  const known = await readMachineFile();
  if (known !== undefined) return known;
  const { key } = await ownKey();
  const founded = { machine: newId(random, "m"), founder: Buffer.from(key.raw).toString("base64"), controller: true };
  await writeMachineFile(founded);
  return founded;
}

export async function readMachineFile(): Promise<MachineFile | undefined> {
  const path = join(machineFolder(), "machine.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { machine, founder, controller, open, seeds } = JSON.parse(text);
    if (typeof machine === "string" && typeof founder === "string") {
      return {
        ...{ machine, founder, controller: controller === true },
        ...(typeof open === "string" ? { open } : {}),
        ...(Array.isArray(seeds) ? { seeds: seeds.map(String) } : {}),
      };
    }
  } catch (thrown) {
    throw new Fault("invalid", `${path} cannot be read: ${asError(thrown).message}`);
  }
  throw new Fault("invalid", `${path} does not say which machine this is`);
}

export async function writeMachineFile(file: MachineFile): Promise<void> {
  await mkdir(machineFolder(), { recursive: true, mode: 0o700 });
  await writeFile(join(machineFolder(), "machine.json"), `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
}
