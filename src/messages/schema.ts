// Contracts as data: what a container tells about itself, and what a caller who has no generated code works with.

import {
  create,
  createFileRegistry,
  type DescFile,
  type DescMethod,
  type DescService,
  type FileRegistry,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { asError, Fault } from "../base/fault.ts";
import { didYouMean } from "../base/nearest.ts";

/** How many names an error lists. */
const NAMES_SHOWN = 12;

/**
 * Every file the contracts need, once each, dependencies first.
 * Throws the Fault `invalid` where two contracts bring different files of one name: no reader could tell them apart.
 */
export function schemaOf(contracts: Iterable<DescService>): FileDescriptorSet {
  const files = new Map<string, DescFile>();
  for (const contract of contracts) collect(contract.file, files);
  return create(FileDescriptorSetSchema, { file: Array.from(files.values(), (file) => file.proto) });
}

/** The contracts and messages of a set that came from elsewhere. Throws the Fault `invalid` where it contradicts itself. */
export function registryOf(set: FileDescriptorSet): FileRegistry {
  try {
    return createFileRegistry(set);
  } catch (cause) {
    throw new Fault("invalid", `the schema cannot be used: ${asError(cause).message}`, { cause });
  }
}

export function contractsOf(registry: FileRegistry): DescService[] {
  return Array.from(registry).filter((described) => described.kind === "service");
}

/** The method at package.Contract/Method. Throws the Fault `not-found`, with the nearest right name or a list of them. */
export function methodAt(path: string, contracts: Iterable<DescService>): DescMethod {
  const all = [...contracts];
  const slash = path.lastIndexOf("/");
  const contract = all.find((each) => each.typeName === path.slice(0, slash));
  const method = contract?.methods.find((each) => each.name === path.slice(slash + 1));
  if (method !== undefined) return method;
  // Where the contract is right, its methods are all that can be meant.
  const paths = (contract === undefined ? all : [contract]).flatMap(pathsOf);
  throw new Fault("not-found", `no method '${path}' here${didYouMean(path, paths) || listOf(paths)}`);
}

function pathsOf(contract: DescService): string[] {
  return contract.methods.map((method) => `${contract.typeName}/${method.name}`);
}

function listOf(paths: readonly string[]): string {
  if (paths.length === 0) return "; there are none";
  const more = paths.length > NAMES_SHOWN ? ` and ${paths.length - NAMES_SHOWN} more` : "";
  return `; there are ${paths.slice(0, NAMES_SHOWN).join(", ")}${more}`;
}

function collect(file: DescFile, files: Map<string, DescFile>): void {
  const { name } = file.proto;
  const known = files.get(name);
  if (known === undefined) {
    for (const dependency of file.dependencies) collect(dependency, files);
    files.set(name, file);
  } else if (known !== file && !sameFile(known, file)) {
    throw new Fault("invalid", `two different files are named ${name}; generate the contracts from one of them`);
  }
}

function sameFile(one: DescFile, other: DescFile): boolean {
  const [a, b] = [one, other].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  return a !== undefined && b !== undefined && a.equals(b);
}
