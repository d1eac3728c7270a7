// Two versions of a message, and of all it contains, compared in the direction in which it travels.

import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { type Element, elementsOf, nameOf, readingOf, shapeOf } from "./compatible-values.ts";
import type { ContractChange, Findings } from "./contract-change.ts";

/** A request is written by the old version and read by the new one; a reply the other way round. */
export type Use = "request" | "reply";

const REQUIRED = FeatureSet_FieldPresence.LEGACY_REQUIRED;

export class MessageComparison {
  readonly #found: Findings;
  readonly #seen = new Set<string>();

  constructor(found: Findings) {
    this.#found = found;
  }

  compare(before: DescMessage, after: DescMessage, use: Use): void {
    const key = `${use} ${before.typeName} ${after.typeName}`;
    if (this.#seen.has(key)) return; // messages may contain themselves
    this.#seen.add(key);
    const numbered = new Map(after.fields.map((field) => [field.number, field]));
    for (const field of before.fields) {
      const next = numbered.get(field.number);
      if (next === undefined) this.#removed(field, after, use);
      else this.#changed(field, next, use);
    }
    for (const field of after.fields) {
      if (!before.fields.some(({ number }) => number === field.number)) this.#added(field, before, use);
    }
    this.#together(before, after, use);
  }

  #add(rule: string, field: DescField, breaks: ContractChange["breaks"], what: string, message = field.parent): void {
    const { typeName } = message;
    const { name, number } = field;
    this.#found.add(rule, { message: typeName, field: name, what: `${typeName}.${name} (${number}) ${what}`, breaks });
  }

  #removed(field: DescField, after: DescMessage, use: Use): void {
    if (use === "reply" && field.presence === REQUIRED) {
      this.#add("required", field, "wire", "is gone, and running callers refuse an answer without it");
    }
    const moved = after.fields.find(({ name }) => name === field.name);
    if (moved !== undefined) {
      return this.#add(
        "gone",
        field,
        "wire",
        `has the number ${moved.number} now: neither side finds what the other wrote`,
      );
    }
    const numberKept = after.proto.reservedRange.some(({ start, end }) => field.number >= start && field.number < end);
    const nameKept = after.proto.reservedName.includes(field.name);
    if (!numberKept) {
      const lost = use === "request" ? "what running callers send in it is lost" : "running callers find it empty";
      this.#add("gone", field, "wire", `is gone and its number is not reserved: ${lost}, and another field may get it`);
    } else if (nameKept) this.#add("gone", field, "nothing", "is gone, its number and name are reserved");
    else this.#add("gone", field, "json", "is gone, its number is reserved but not its name");
  }

  #added(field: DescField, before: DescMessage, use: Use): void {
    if (before.proto.reservedRange.some(({ start, end }) => field.number >= start && field.number < end)) {
      this.#add("new", field, "wire", "is new and has a number that was reserved for a field that is gone", before);
    } else if (field.presence === REQUIRED && use === "request") {
      this.#add("new", field, "wire", "is new and required: no running caller sends it", before);
    } else if (!before.fields.some(({ name }) => name === field.name)) {
      this.#add("new", field, "nothing", "is new", before);
    }
  }

  #changed(before: DescField, after: DescField, use: Use): void {
    if (before.jsonName !== after.jsonName) {
      this.#add("name", before, "json", `is named ${after.name} now (${after.jsonName} in JSON)`);
    }
    const [writer, reader] = use === "request" ? [before, after] : [after, before];
    if (shapeOf(writer) !== shapeOf(reader)) {
      // A list takes single values, encoded as they are; nothing else takes another's.
      const readable = shapeOf(writer) === "single" && shapeOf(reader) === "list";
      const what = `is ${SHAPES[shapeOf(after)]} now, before ${SHAPES[shapeOf(before)]}`;
      this.#add("shape", before, readable ? "json" : "wire", what);
      if (!readable) return;
    }
    this.#presence(before, after, use);
    const [written, read] = [elementsOf(writer), elementsOf(reader)];
    for (const [i, element] of written.entries()) {
      const other = read[i];
      if (other !== undefined) this.#element(before, element, other, use);
    }
  }

  #presence(before: DescField, after: DescField, use: Use): void {
    const [writer, reader] = use === "request" ? [before, after] : [after, before];
    if (reader.presence === REQUIRED && writer.presence !== REQUIRED) {
      const what =
        use === "request"
          ? "is required now, and running callers may leave it out"
          : "is no longer required, and running callers refuse an answer without it";
      this.#add("required", before, "wire", what);
    }
    const [old, now] = [defaultOf(before), defaultOf(after)];
    if (old !== now) {
      this.#add("default", before, "wire", `is ${now} where it is not set, before ${old}: each side reads its own`);
    }
  }

  #element(field: DescField, writer: Element, reader: Element, use: Use): void {
    const [before, after] = use === "request" ? [writer, reader] : [reader, writer];
    const what = `is ${nameOf(after)} now, before ${nameOf(before)}`;
    const reading = readingOf(writer, reader);
    if (reading === "nothing") this.#add("type", field, "wire", `${what}: its bytes cannot be read as that`);
    else if (reading === "other-values") this.#add("type", field, "wire", `${what}: some values arrive as others`);
    else if (reading === "all-values") this.#add("type", field, "json", what);
    if (before.kind === "message" && after.kind === "message") this.compare(before.message, after.message, use);
    if (before.kind === "enum" && after.kind === "enum") this.#enums(before.enum, after.enum);
  }

  #enums(before: DescEnum, after: DescEnum): void {
    const { typeName } = before;
    const add = (rule: string, name: string, breaks: ContractChange["breaks"], what: string) =>
      this.#found.add(rule, { message: typeName, field: name, what: `${typeName}.${name} ${what}`, breaks });
    for (const { name, number } of before.values) {
      const next = after.values.filter((value) => value.number === number);
      const moved = after.values.find((value) => value.name === name);
      if (next.some((value) => value.name === name)) continue;
      if (moved !== undefined) add("value", name, "wire", `(${number}) has the number ${moved.number} now`);
      else if (next[0] !== undefined) add("value", name, "json", `(${number}) is named ${next[0].name} now`);
      else {
        // Of an enum the end of a range belongs to it.
        const numberKept = after.proto.reservedRange.some(({ start, end }) => number >= start && number <= end);
        const nameKept = after.proto.reservedName.includes(name);
        if (!numberKept) add("value", name, "wire", `(${number}) is gone and its number is not reserved`);
        else if (nameKept) add("value", name, "nothing", `(${number}) is gone, its number and name are reserved`);
        else add("value", name, "json", `(${number}) is gone, its number is reserved but not its name`);
      }
    }
    for (const { name, number } of after.values) {
      if (before.values.some((value) => value.number === number || value.name === name)) continue;
      if (before.proto.reservedRange.some(({ start, end }) => number >= start && number <= end)) {
        add("value", name, "wire", `(${number}) is new and has a number that was reserved for a value that is gone`);
      } else
        add("value", name, "nothing", `(${number}) is new${before.open ? "" : "; running callers read it as not set"}`);
    }
  }

  /** Fields of which the reader keeps only the last, where the writer may set several. */
  #together(before: DescMessage, after: DescMessage, use: Use): void {
    const [writer, reader] = use === "request" ? [before, after] : [after, before];
    for (const oneof of reader.oneofs) {
      const written = writer.fields.filter(({ number }) => oneof.fields.some((field) => field.number === number));
      const homes = new Set(written.map((field) => field.oneof ?? field));
      if (homes.size < 2) continue;
      const names = written.map(({ name }) => name).join(", ");
      const who =
        use === "request"
          ? "the component keeps only the last that running callers set"
          : "running callers keep only the last";
      const what = `${before.typeName}: of ${names} only one may be set in the oneof ${oneof.name}; ${who}`;
      this.#found.add("oneof", { message: before.typeName, field: oneof.name, what, breaks: "wire" });
    }
  }
}

const SHAPES = { single: "a single value", list: "repeated", map: "a map" } as const;

/** What is read where nothing was written, as text; the same for all that have none of their own. */
function defaultOf(field: DescField): string {
  if (field.fieldKind === "scalar") return text(field.getDefaultValue());
  if (field.fieldKind !== "enum") return "empty";
  const number = field.getDefaultValue() ?? field.enum.values[0]?.number;
  return text(number === 0 ? undefined : number);
}

function text(value: unknown): string {
  if (value === undefined || value === 0 || value === 0n || value === false || value === "") return "empty";
  return value instanceof Uint8Array
    ? value.length === 0
      ? "empty"
      : Buffer.from(value).toString("hex")
    : String(value);
}
