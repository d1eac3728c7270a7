// A message on its way: bytes where it crossed a process, the message itself where it did not.
//
// Who makes a body hands over a message of its own (see bodyOf), and a body that is a message has one reader, who owns
// what it reads. So caller and component never share a message, in one process or in two.

import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import { decodeMessage } from "./decode.ts";
import { encodeMessage } from "./encode.ts";

export interface Unencoded {
  readonly schema: DescMessage;
  readonly message: Message;
}

export type Body = Uint8Array | Unencoded;

export function bodyBytes(body: Body): Uint8Array {
  return body instanceof Uint8Array ? body : encodeMessage(body.schema, body.message);
}

/** To be read once where the body is a message. Throws what protobuf throws where the bytes are not of that schema. */
export function bodyMessage<S extends DescMessage>(body: Body, schema: S): MessageShape<S> {
  if (body instanceof Uint8Array) return decodeMessage(schema, body);
  // The same type name is the same contract; where two generated copies differ, the wire form is what they share.
  if (body.schema === schema) return body.message as MessageShape<S>;
  return decodeMessage(schema, bodyBytes(body));
}
