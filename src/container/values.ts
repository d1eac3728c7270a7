// What goes into a component's function and what comes out of it, held against the contract.

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { ApplicationError, asError, Fault } from "../base/fault.ts";
import { type Body, bodyBytes, bodyMessage } from "../messages/body.ts";
import { bodyOf } from "../messages/contract.ts";
import type { Envelope } from "../messages/envelope.ts";
import type { ServedMethod } from "./frame.ts";

/** A request that cannot be read, told from what a component throws. */
export class Undecodable extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** Throws Undecodable. */
export function inputOf({ method }: ServedMethod, request: Envelope): unknown {
  if (request.value === undefined) {
    throw new Undecodable(new Fault("invalid", `${request.to} carries no value; it takes a ${method.input.typeName}`));
  }
  try {
    return bodyMessage(request.value, method.input);
  } catch (error) {
    const why = `the value of ${request.to} is no ${method.input.typeName}: ${asError(error).message}`;
    throw new Undecodable(new Fault("invalid", why, { cause: error }));
  }
}

/**
 * Bytes where the caller is in another process, so that what cannot be encoded shows here, beside the component.
 * Throws the Fault `internal` where the value is none of the contract's.
 */
export function outputOf({ method, path }: ServedMethod, request: Envelope, value: unknown): Body {
  const { output } = method;
  if (typeof value !== "object" || value === null) {
    throw new Fault("internal", `${path} must return a ${output.typeName}; it returned ${nameOf(value)}`);
  }
  try {
    // Whatever the component returned is tried as the message it should be; what does not fit throws.
    const body = bodyOf(output, value as MessageInitShape<DescMessage>);
    return request.value instanceof Uint8Array ? bodyBytes(body) : body;
  } catch (error) {
    const why = `${path} returned what is no ${output.typeName}: ${asError(error).message}`;
    throw new Fault("internal", why, { cause: error });
  }
}

/** What a component threw. A Fault of a call it made is its own error too: its caller's call was started. */
export function failureOf(thrown: unknown): Fault | ApplicationError {
  if (thrown instanceof Fault) {
    return thrown.code === "internal" ? thrown : new ApplicationError(`Fault.${thrown.code}`, thrown.message);
  }
  if (thrown instanceof ApplicationError) return new ApplicationError(thrown.type, thrown.message);
  const error = asError(thrown);
  return new ApplicationError(error.constructor.name === "Error" ? error.name : error.constructor.name, error.message);
}

/** What the control plane threw: its Faults are what the caller is told. */
export function controlFailureOf(thrown: unknown): Fault | ApplicationError {
  return thrown instanceof Fault ? thrown : failureOf(thrown);
}

/** For people: what kind of value it is. */
export function nameOf(value: unknown): string {
  return value === null ? "null" : typeof value === "object" ? value.constructor.name : typeof value;
}
