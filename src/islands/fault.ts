// Faults, and any thrown value as an Error.

export { Fault } from "unum";
export { asError } from "../base/fault.ts";
