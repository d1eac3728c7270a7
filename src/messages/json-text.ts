// JSON text that people type: parsed by the engine, and where it is broken, told at which line and column.

import type { JsonValue } from "@bufbuild/protobuf";
import { asError, Fault } from "../base/fault.ts";

/** What the text says. Whole numbers that a double cannot hold are kept as they were written. */
export interface JsonText {
  readonly json: JsonValue;
  /** By object or list, then by key: the number's own text. Empty for almost every text. */
  readonly exact: ReadonlyMap<object, ReadonlyMap<string, string>>;
}

/** Throws the Fault `invalid` with line and column. */
export function parseJson(text: string): JsonText {
  const exact = new Map<object, Map<string, string>>();
  try {
    const json: JsonValue = JSON.parse(
      text,
      function keepExact(this: object, key, value, context?: { source?: string }) {
        if (typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")) {
          const numbers = exact.get(this) ?? new Map<string, string>();
          exact.set(this, numbers.set(key, context?.source ?? ""));
        }
        return value;
      },
    );
    return { json, exact };
  } catch (cause) {
    if (cause instanceof RangeError) throw new Fault("invalid", "the JSON is nested too deep", { cause });
    const broken = findBreak(text) ?? { at: 0, what: asError(cause).message };
    throw new Fault("invalid", `the JSON is broken at ${positionOf(text, broken.at)}: ${broken.what}`, { cause });
  }
}

interface Break {
  readonly at: number;
  readonly what: string;
}

/** Where RFC 8259 is first broken; undefined where it is not. Keeps its own stack, so that depth is no danger. */
export function findBreak(text: string): Break | undefined {
  /** What may come next. */
  let state: "value" | "value or ]" | "key" | "key or }" | "end of value" = "value";
  const open: ("{" | "[")[] = [];
  let at = skipSpace(text, 0);
  for (;;) {
    const next = text[at];
    if (state === "end of value") {
      const inside = open.at(-1);
      if (inside === undefined) return at === text.length ? undefined : { at, what: `${seen(next)} after the value` };
      if (next === ",") state = inside === "{" ? "key" : "value";
      else if (next === (inside === "{" ? "}" : "]")) open.pop();
      else return { at, what: `${seen(next)}, expected ',' or '${inside === "{" ? "}" : "]"}'` };
      at = skipSpace(text, at + 1);
    } else if ((state === "key or }" && next === "}") || (state === "value or ]" && next === "]")) {
      open.pop();
      state = "end of value";
      at = skipSpace(text, at + 1);
    } else if (state === "key" || state === "key or }") {
      if (next !== '"') return { at, what: `${seen(next)}, expected a field's name in double quotes` };
      const key = scanString(text, at);
      if (typeof key !== "number") return key;
      at = skipSpace(text, key);
      if (text[at] !== ":") return { at, what: `${seen(text[at])}, expected ':'` };
      at = skipSpace(text, at + 1);
      state = "value";
    } else if (next === "{" || next === "[") {
      open.push(next);
      state = next === "{" ? "key or }" : "value or ]";
      at = skipSpace(text, at + 1);
    } else {
      const end = scanScalar(text, at);
      if (typeof end !== "number") return end;
      at = skipSpace(text, end);
      state = "end of value";
    }
  }
}

function scanScalar(text: string, at: number): number | Break {
  if (text[at] === '"') return scanString(text, at);
  const scalar = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
  scalar.lastIndex = at;
  if (scalar.test(text)) return scalar.lastIndex;
  return { at, what: `${seen(text[at])}, expected a value` };
}

/** Answers the place after the closing quote. */
function scanString(text: string, from: number): number | Break {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) return { at, what: "a line break or control character inside a string; write it as \\n or \\u…" };
    if (code !== 0x5c) continue;
    const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
    escaped.lastIndex = at;
    if (!escaped.test(text)) return { at, what: `the unknown escape ${JSON.stringify(text.slice(at, at + 2))}` };
    at = escaped.lastIndex - 1;
  }
  return { at: from, what: "a string that does not end" };
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\n\r".includes(text.charAt(at))) at++;
  return at;
}

function seen(character: string | undefined): string {
  if (character === undefined) return "the end of the text";
  return character === "'" ? "a single quote" : `'${character}'`;
}

/** Columns count UTF-16 units from 1, as editors do. */
function positionOf(text: string, at: number): string {
  const before = text.slice(0, at).split("\n");
  return `line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
}
