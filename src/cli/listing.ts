// Contracts as text, close to how a .proto file says them.

import { type DescField, type DescMessage, type DescMethod, type FileRegistry, ScalarType } from "@bufbuild/protobuf";
import { modeName } from "../client/caller.ts";
import { routeOf } from "../messages/contract.ts";

/** `SYNC  OfFile(OfFileRequest) returns (FileDigest)`, names without the contract's own package. */
export function methodLine(method: DescMethod, width: number): string {
  const local = (message: DescMessage) => localName(message.typeName, method.parent.typeName);
  const stream = method.methodKind === "server_streaming" ? "stream " : "";
  return `${modeName(routeOf(method).mode).padEnd(width)}  ${method.name}(${local(method.input)}) returns (${stream}${local(method.output)})`;
}

/** The messages that methods take and give, and those inside them, each once, in the order they are met. */
export function messagesOf(methods: readonly DescMethod[]): readonly DescMessage[] {
  const met = new Set<DescMessage>();
  const meet = (message: DescMessage | undefined): void => {
    if (message === undefined || met.has(message) || message.typeName.startsWith("google.protobuf.")) return;
    met.add(message);
    for (const field of message.fields) meet(field.message);
  };
  for (const { input, output } of methods) {
    meet(input);
    meet(output);
  }
  return [...met];
}

export function messageLines(message: DescMessage): readonly string[] {
  const fields = message.fields.map((field) => `  ${typeOf(field)} ${field.name} = ${field.number};${noteOf(field)}`);
  if (fields.length === 0) return [`message ${message.typeName} {}`];
  return [`message ${message.typeName} {`, ...fields, "}"];
}

export interface FieldJson {
  readonly name: string;
  readonly json: string;
  readonly number: number;
  readonly type: string;
  readonly oneof?: string;
  readonly values?: readonly string[];
}

export function fieldJson(field: DescField): FieldJson {
  return {
    name: field.name,
    json: field.jsonName,
    number: field.number,
    type: typeOf(field),
    ...(field.oneof === undefined ? undefined : { oneof: field.oneof.name }),
    ...(field.enum === undefined ? undefined : { values: field.enum.values.map(({ name }) => name) }),
  };
}

/** As a .proto file writes it, with the full names of messages and enums. */
function typeOf(field: DescField): string {
  const single = field.message?.typeName ?? field.enum?.typeName ?? scalarName(field.scalar);
  if (field.fieldKind === "list") return `repeated ${single}`;
  if (field.fieldKind === "map") return `map<${scalarName(field.mapKey)}, ${single}>`;
  return single;
}

function noteOf(field: DescField): string {
  const notes = [
    ...(field.oneof === undefined ? [] : [`one of ${field.oneof.name}`]),
    ...(field.enum === undefined ? [] : [field.enum.values.map(({ name }) => name).join(" | ")]),
  ];
  return notes.length === 0 ? "" : `  // ${notes.join(", ")}`;
}

function scalarName(scalar: ScalarType | undefined): string {
  return scalar === undefined ? "?" : (ScalarType[scalar]?.toLowerCase() ?? String(scalar));
}

function localName(name: string, contract: string): string {
  const scope = contract.slice(0, contract.lastIndexOf(".") + 1);
  return scope !== "" && name.startsWith(scope) ? name.slice(scope.length) : name;
}

/** The contracts of `names` that a registry has. */
export function methodsOf(registry: FileRegistry, contract: string): readonly DescMethod[] {
  return registry.getService(contract)?.methods ?? [];
}
