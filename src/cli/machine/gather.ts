// The files of a program's folder, its contracts and what it serves: all that goes into its archive.

import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import { checkFunctions } from "../../container/cell/function-cell.ts";
import { ARCHIVE_LIMITS } from "../../machine/archive/entries.ts";
import {
  FILE_NAME,
  MANIFEST_NAME,
  type Part,
  type ProgramDescription,
  readProgramDescription,
} from "../../machine/archive/manifest.ts";
import { CONTRACTS_NAME, type Packing } from "../../machine/archive/pack.ts";
import { registryOf, schemaOf } from "../../messages/schema.ts";
import { loadComponents } from "../../node/load-components.ts";
import { failureLine } from "../../node/load-failure.ts";
import { unread } from "../failure-text.ts";
import { UsageError } from "../usage.ts";

export const DESCRIPTION_NAME = "program.json";

/** Not part of a program: what is fetched, built, made for editors or tests. */
const LEFT_OUT = /^(?:node_modules|dist|coverage)$|^\.|\.test\.m?[jt]s$|^buf\.gen\.yaml$/;
const NEVER_PACKED = new Set([DESCRIPTION_NAME, MANIFEST_NAME, CONTRACTS_NAME]);

export async function gather(folder: string, clock: Clock): Promise<Packing> {
  const path = join(folder, DESCRIPTION_NAME);
  const text = await readFile(path).catch((cause) => {
    throw new UsageError(`${unread(path, cause)}; it says the program's name, version and parts`);
  });
  const description = readProgramDescription(text, path);
  const files = new Map<string, Uint8Array>();
  await collect(folder, "", files);
  const contracts = await contractsOf(folder, description, clock);
  return { description, files, ...contracts };
}

/** Loads the program's own components, as 'unum check' does, and the contracts of its functions: what cannot be loaded is not packed. */
async function contractsOf(folder: string, { parts }: ProgramDescription, clock: Clock) {
  const services: DescService[] = [];
  for (const part of parts) {
    if (part.kind !== "component") continue;
    const { components, failures } = await loadComponents(join(folder, part.folder), { clock });
    const [failure] = failures;
    if (failure !== undefined) throw new Fault("invalid", `not packed: ${failureLine(failure)}`);
    services.push(...components.map(({ component }) => component.contract));
  }
  const components = services.length;
  for (const part of parts) {
    if (part.kind === "component") continue;
    const contract = await contractOfFunctions(folder, part, services.slice(0, components));
    // One library for each platform, all with the same functions.
    if (!services.some(({ typeName }) => typeName === contract.typeName)) services.push(contract);
  }
  return { contracts: schemaOf(services), serves: services.map(({ typeName }) => typeName) };
}

async function contractOfFunctions(
  folder: string,
  part: Exclude<Part, { kind: "component" }>,
  components: readonly DescService[],
): Promise<DescService> {
  const { contract, schema, functions } = part;
  const found = schema === undefined ? besides(components, contract) : await contractIn(join(folder, schema), contract);
  if (found === undefined) {
    const where = schema === undefined ? "the files of its components' contracts" : schema;
    throw new Fault("invalid", `not packed: ${contract} is not in ${where}; name with 'schema' where it is`);
  }
  checkFunctions({ contract: found, functions });
  return found;
}

function besides(components: readonly DescService[], contract: string): DescService | undefined {
  return components.flatMap(({ file }) => file.services).find(({ typeName }) => typeName === contract);
}

/** A generated file is code, and trusted like the components beside it. */
async function contractIn(path: string, contract: string): Promise<DescService | undefined> {
  try {
    if (/\.[mc]?[jt]s$/.test(path)) {
      const exported: object = await import(pathToFileURL(path).href);
      return Object.values(exported).find((each) => each?.kind === "service" && each.typeName === contract);
    }
    return registryOf(fromBinary(FileDescriptorSetSchema, await readFile(path))).getService(contract);
  } catch (cause) {
    throw new Fault("invalid", `not packed: ${path} cannot be read: ${asError(cause).message}`, { cause });
  }
}

async function collect(folder: string, inside: string, files: Map<string, Uint8Array>): Promise<void> {
  for (const entry of await readdir(join(folder, inside), { withFileTypes: true })) {
    const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
    if (LEFT_OUT.test(entry.name) || NEVER_PACKED.has(path)) continue;
    if (!FILE_NAME.test(path)) {
      throw new UsageError(
        `'${path}' cannot be in an archive; name it with letters, digits, '.', '_', '-', '+' and '@'`,
      );
    }
    if (entry.isDirectory()) await collect(folder, path, files);
    else if (entry.isFile()) files.set(path, await contentOf(join(folder, path)));
    else throw new UsageError(`'${path}' is neither a file nor a folder; links and devices are not packed`);
    if (files.size >= ARCHIVE_LIMITS.entries)
      throw new UsageError(`${folder} has more than ${ARCHIVE_LIMITS.entries} files`);
  }
}

async function contentOf(path: string): Promise<Uint8Array> {
  const { size } = await lstat(path);
  if (size > ARCHIVE_LIMITS.fileBytes) {
    throw new UsageError(`'${path}' has ${size} bytes, the limit is ${ARCHIVE_LIMITS.fileBytes}`);
  }
  return new Uint8Array(await readFile(path));
}
