// What went wrong, as it travels between a container and a cell.

import { ApplicationError, asError, Fault, isFaultCode } from "../../base/fault.ts";

const LONGEST_MESSAGE = 10_000;

export function toldError(thrown: unknown) {
  const error = asError(thrown);
  const code = error instanceof Fault ? error.code : undefined;
  const type = error instanceof ApplicationError ? error.type : error.name;
  return { code, type, message: error.message.slice(0, LONGEST_MESSAGE) };
}

/** What the other side said: whatever it is. */
export function errorTold(told: unknown): Fault | ApplicationError {
  const { code, type, message } = Object(told);
  if (typeof code === "string" && isFaultCode(code)) return new Fault(code, String(message));
  return new ApplicationError(String(type), String(message));
}
