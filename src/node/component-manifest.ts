// The other way to declare a component: a manifest, typed by its shape, beside the functions.
//
//   export const manifest = { contract: Greeter, version: "1.2.0", budgetMs: 60_000 };      an object, or a class with static members
//   export default { greet: ({ name }) => ({ text: `Hello, ${name}!` }) };                  an object, or a class that is made once
//
// The same as `export default component(contract, functions, options)`, without types that tell the author of mistakes; they
// are told when it is loaded.

import type { DescService } from "@bufbuild/protobuf";
import { Fault } from "../base/fault.ts";
import { didYouMean } from "../base/nearest.ts";
import {
  type Component,
  type ComponentOptions,
  component,
  type Handlers,
  isComponent,
} from "../container/component.ts";
import { shownValue } from "../plugins/plugin.ts";

const OPTIONS: readonly (keyof ComponentOptions)[] = [
  "version",
  "concurrency",
  "budgetMs",
  "reentrant",
  "start",
  "stop",
];

/** What a module declares; undefined where it is no component. Throws the Fault `invalid` that names the field of its manifest. */
export function componentIn(module: Readonly<Record<string, unknown>>): Component | undefined {
  const { default: exported, manifest } = module;
  if (isComponent(exported)) return exported;
  if (!isRecord(manifest) || exported === undefined) return undefined;
  const { contract } = manifest;
  if (!isContract(contract)) {
    const found = shownValue(contract);
    throw new Fault("invalid", `its manifest's 'contract' is ${found}, expected a service from generated code`);
  }
  for (const field of Object.keys(manifest)) {
    if (field === "contract" || (OPTIONS as readonly string[]).includes(field)) continue;
    const near = didYouMean(field, OPTIONS);
    throw new Fault(
      "invalid",
      `its manifest has no field '${field}'; there are contract, ${OPTIONS.join(", ")}${near}`,
    );
  }
  const options = Object.fromEntries(OPTIONS.flatMap((field) => (field in manifest ? [[field, manifest[field]]] : [])));
  // component() looks at every one of them.
  return component(contract, functionsOf(exported) as Handlers<DescService>, options as ComponentOptions);
}

/** A class is made once in a container. */
function functionsOf(exported: unknown): object {
  if (typeof exported === "function") return new (exported as new () => object)();
  if (typeof exported === "object" && exported !== null) return exported;
  throw new Fault("invalid", `its default export is ${shownValue(exported)}, expected the functions of its contract`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (typeof value === "object" || typeof value === "function") && value !== null;
}

function isContract(value: unknown): value is DescService {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "service";
}
