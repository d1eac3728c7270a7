// A contract whose methods are functions of a library or of a WebAssembly module, in a cell of their own.

import type { DescService } from "@bufbuild/protobuf";
import { Fault } from "../../base/fault.ts";
import type { Component } from "../component.ts";
import type { Cell } from "./cell.ts";
import { cellHandler } from "./component-cell.ts";

export interface FunctionPart {
  readonly contract: DescService;
  readonly version: string;
  /** Method → function. */
  readonly functions: Readonly<Record<string, string>>;
  /** For one call; then its cell is ended. */
  readonly timeMs: number;
}

/** Throws the Fault `invalid` where methods and functions do not match, and `internal` with why the cell could not load them. */
export async function componentOfFunctions(cell: Cell, part: FunctionPart): Promise<Component> {
  const { contract, version, timeMs } = part;
  checkFunctions(part);
  const { failures } = (await cell.loaded()).head;
  if (Array.isArray(failures)) throw new Fault("internal", failures.map(String).join("; "));
  return {
    ...{ contract, version, concurrency: 1, budgetMs: timeMs, reentrant: false, start: () => {}, stop: () => {} },
    handlers: new Map(contract.methods.map((method) => [method, cellHandler(cell, method, timeMs)])),
  };
}

/** Throws the Fault `invalid` that names the method or function without its other half. */
export function checkFunctions({ contract, functions }: Pick<FunctionPart, "contract" | "functions">): void {
  for (const { name, methodKind } of contract.methods) {
    if (functions[name] === undefined)
      throw new Fault("invalid", `${contract.typeName}/${name} has no function; name one under 'functions'`);
    if (methodKind !== "unary")
      throw new Fault("invalid", `${contract.typeName}/${name} is a STREAM method; functions answer once`);
  }
  const surplus = Object.keys(functions).find((name) => !contract.methods.some((method) => method.name === name));
  if (surplus !== undefined) throw new Fault("invalid", `${contract.typeName} has no method '${surplus}'`);
}
