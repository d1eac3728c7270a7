// How callers communicate with a method, as its contract says or as its shape implies.

import { type DescMethod, getOption } from "@bufbuild/protobuf";
import { Fault } from "../base/fault.ts";
import { Mode, ModeSchema, mode as modeOption } from "./gen/unum/v1/options_pb.ts";

/**
 * SYNC for a unary method that says nothing, STREAM for a server-streaming one.
 * Throws the Fault `invalid`, with method and file, where the option contradicts the shape.
 * Works for descriptors from generated code and from a FileDescriptorSet alike.
 */
export function modeOf(method: DescMethod): Mode {
  // An option of a descriptor set stays among its unknown fields, and getOption reads it from there.
  const said = getOption(method, modeOption);
  const { methodKind } = method;
  if (methodKind === "server_streaming") {
    if (said === Mode.UNSPECIFIED || said === Mode.STREAM) return Mode.STREAM;
    throw contradiction(method, `has mode ${nameOf(said)} and streams its answer; say STREAM, or drop 'stream'`);
  }
  if (methodKind !== "unary") {
    throw contradiction(method, "streams its request, which no mode serves; take one message, or several calls");
  }
  if (said === Mode.UNSPECIFIED) return Mode.SYNC;
  if (said === Mode.SYNC || said === Mode.ASYNC || said === Mode.BROADCAST) return said;
  if (said === Mode.STREAM) throw contradiction(method, "has mode STREAM and one answer; say 'returns (stream …)'");
  throw contradiction(method, `has mode ${nameOf(said)}, which this version does not know`);
}

function nameOf(mode: Mode): string {
  return ModeSchema.value[mode]?.name ?? String(mode);
}

function contradiction(method: DescMethod, what: string): Fault {
  return new Fault("invalid", `${method.parent.typeName}/${method.name} in ${method.parent.file.name}.proto ${what}`);
}
