// What containers say they serve: asked of their control plane, so that any contract can be called by name.

import type { DescMethod, FileRegistry } from "@bufbuild/protobuf";
import { ApplicationError, Fault } from "../base/fault.ts";
import type { Client } from "../client/client.ts";
import { Container, type Description } from "../messages/gen/unum/control/v1/container_pb.ts";
import { contractsOf, methodAt, registryOf } from "../messages/schema.ts";
import type { Address } from "../transports/transport.ts";
import { UsageError } from "./usage.ts";

export interface Described {
  readonly address: Address;
  readonly description: Description;
  readonly registry: FileRegistry;
}

export interface Unreached {
  readonly address: Address;
  readonly fault: Fault | ApplicationError;
}

export interface Survey {
  readonly described: readonly Described[];
  readonly unreached: readonly Unreached[];
}

/** Asks each address; never rejects for what happens at one of them. */
export async function describeEach(
  addresses: readonly Address[],
  client: (addresses: readonly Address[]) => Client,
  options: { ttlMs: number; signal: AbortSignal },
): Promise<Survey> {
  const described: Described[] = [];
  const unreached: Unreached[] = [];
  await Promise.all(
    addresses.map(async (address) => {
      try {
        const description = await client([address]).call(Container.method.describe, {}, options);
        if (description.schema === undefined)
          throw new Fault("internal", `${address} described itself without a schema`);
        described.push({ address, description, registry: registryOf(description.schema) });
      } catch (error) {
        if (!(error instanceof Fault || error instanceof ApplicationError)) throw error;
        unreached.push({ address, fault: error });
      }
    }),
  );
  const asGiven = (a: { address: Address }, b: { address: Address }) =>
    addresses.indexOf(a.address) - addresses.indexOf(b.address);
  return { described: described.sort(asGiven), unreached: unreached.sort(asGiven) };
}

export interface Target {
  readonly method: DescMethod;
  readonly registry: FileRegistry;
  /** Of those who described themselves, who serve it. */
  readonly servedAt: readonly Address[];
}

/** Throws a UsageError that suggests the nearest name where nobody serves `path`, and what kept the only ones from answering. */
export function findTarget(path: string, { described, unreached }: Survey): Target {
  const [first] = unreached;
  if (described.length === 0 && first !== undefined) throw first.fault;
  for (const { registry } of described) {
    const method = tryMethodAt(path, registry);
    if (method === undefined) continue;
    const contract = method.parent.typeName;
    const servedAt = described
      .filter(({ description }) => description.components.some((component) => component.contract === contract))
      .map(({ address }) => address);
    if (servedAt.length > 0) return { method, registry, servedAt };
  }
  throw noSuchMethod(path, described);
}

function tryMethodAt(path: string, registry: FileRegistry): DescMethod | undefined {
  try {
    return methodAt(path, contractsOf(registry));
  } catch (error) {
    if (error instanceof Fault && error.code === "not-found") return undefined;
    throw error;
  }
}

function noSuchMethod(path: string, described: readonly Described[]): UsageError {
  const served = described.flatMap(({ description, registry }) =>
    contractsOf(registry).filter(({ typeName }) =>
      description.components.some(({ contract }) => contract === typeName),
    ),
  );
  try {
    methodAt(path, served);
  } catch (error) {
    if (error instanceof Fault) return new UsageError(`${error.message} 'unum describe' shows all there is`);
  }
  return new UsageError(`nobody serves ${path}`);
}
