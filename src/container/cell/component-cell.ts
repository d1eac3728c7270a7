// Components whose code runs in a cell: the container serves them as any others.

import { type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { asError, Fault } from "../../base/fault.ts";
import { registryOf } from "../../messages/schema.ts";
import type { Call } from "../call.ts";
import { type AnyHandler, type Component, DEFAULT_BUDGET_MS } from "../component.ts";
import type { Cell, CellCall } from "./cell.ts";

/** `failures`: what could not be loaded, for people. */
export interface CellComponents {
  readonly components: readonly Component[];
  readonly failures: readonly string[];
}

/** Has the cell load, and takes from what it says what it serves. Rejects with how the cell ended. */
export async function componentsOf(cell: Cell): Promise<CellComponents> {
  const { head, body } = await cell.loaded();
  const { components = [], failures = [] } = head;
  if (!Array.isArray(components) || !Array.isArray(failures))
    throw new Fault("invalid", "the cell speaks as none does");
  const registry = registryOf(fromBinary(FileDescriptorSetSchema, body));
  const served: Component[] = [];
  const refused = failures.map(String);
  for (const told of components) {
    const { contract, version, concurrency, budgetMs, reentrant } = Object(told);
    const service = registry.getService(String(contract));
    if (service === undefined) {
      refused.push(`${contract}: the cell does not say what it is`);
      continue;
    }
    const budget = Number(budgetMs) || DEFAULT_BUDGET_MS;
    const handlers = new Map(service.methods.map((method) => [method, cellHandler(cell, method, budget)]));
    served.push({
      ...{ contract: service, handlers, version: String(version), budgetMs: budget, reentrant: reentrant === true },
      ...{ concurrency: Math.max(1, Number(concurrency) || 1), start: () => {}, stop: () => {} },
    });
  }
  return { components: served, failures: refused };
}

/** A method whose function runs in the cell. */
export function cellHandler(cell: Cell, method: DescMethod, budgetMs: number): AnyHandler {
  const path = `${method.parent.typeName}/${method.name}`;
  const asked = (input: unknown, call: Call): CellCall => ({
    ...{ path, call, budgetMs },
    // The container has checked it against the contract.
    body: toBinary(method.input, input as Message),
  });
  const read = (body: Uint8Array) => {
    try {
      return fromBinary(method.output, body);
    } catch (error) {
      throw new Fault("internal", `${path} answered with bytes that are no ${method.output.typeName}`, {
        cause: asError(error),
      });
    }
  };
  if (method.methodKind !== "server_streaming") return async (input, call) => read(await cell.call(asked(input, call)));
  return async function* (input, call) {
    for await (const body of cell.stream(asked(input, call))) yield read(body);
  };
}
