// What nearly every component takes of "unum", the same things as index.ts has: a file that takes no more is given this, and its
// process does not load what makes containers and clients (own-packages.ts).

export { ApplicationError, FAULT_CODES, FAULTS, Fault } from "../base/fault.ts";
export { component } from "../container/component.ts";
export { Mode } from "../messages/envelope.ts";
