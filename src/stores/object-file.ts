// One version of an object as a file: a line that says what follows, then the bytes.
//
//   unum-object 1 KIND WRITTEN_AT LENGTH SHA256\n BYTES          KIND: value, removed
//
// A file that was torn, cut, lengthened or changed is found out when it is read.

import { createHash } from "node:crypto";

export interface ObjectContent {
  readonly writtenAt: number;
  /** Undefined for a tombstone. */
  readonly bytes: Uint8Array | undefined;
}

/** More than the first line ever has. */
export const HEAD_LIMIT_BYTES = 160;

const HEAD = /^unum-object 1 (value|removed) (\d{1,16}) (\d{1,16}) ([0-9a-f]{64})$/;

export function encodeObject({ writtenAt, bytes }: ObjectContent): Uint8Array {
  const content = bytes ?? new Uint8Array();
  const kind = bytes === undefined ? "removed" : "value";
  const at = Math.max(0, Math.round(writtenAt));
  const head = `unum-object 1 ${kind} ${at} ${content.length} ${digestOf(kind, at, content)}\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), content]);
}

/** Undefined where the file is damaged. */
export function decodeObject(file: Uint8Array): ObjectContent | undefined {
  const end = file.subarray(0, HEAD_LIMIT_BYTES).indexOf(10);
  const head = HEAD.exec(Buffer.from(file.buffer, file.byteOffset, Math.max(0, end)).toString("latin1"));
  if (head === null) return undefined;
  const [, kind = "", at, length, digest] = head;
  const content = file.subarray(end + 1);
  if (content.length !== Number(length) || digestOf(kind, Number(at), content) !== digest) return undefined;
  return { writtenAt: Number(at), bytes: kind === "removed" ? undefined : content };
}

function digestOf(kind: string, at: number, content: Uint8Array): string {
  return createHash("sha256").update(`${kind} ${at}\n`).update(content).digest("hex");
}
