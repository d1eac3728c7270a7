import assert from "node:assert/strict";
import { it } from "node:test";
import { ApplicationError, FAULT_CODES, Fault } from "../base/fault.ts";
import { EXIT, EXIT_CODES, exitCodeOf } from "./exit-code.ts";
import { UsageError } from "./usage.ts";

it("gives every way to end badly an exit code that the help explains", () => {
  const ends = [...FAULT_CODES.map((code) => new Fault(code, "")), new ApplicationError("E", ""), new UsageError("")];
  for (const error of ends) {
    const code = exitCodeOf(error);
    assert.notEqual(code, EXIT.ok);
    assert.match(EXIT_CODES, new RegExp(`^ {2}${code} `, "m"), error.message);
  }
});
