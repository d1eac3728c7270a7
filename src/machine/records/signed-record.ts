// Records as they are signed, sent and kept.

import { createHash } from "node:crypto";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Fault } from "../../base/fault.ts";
import {
  type Record,
  RecordSchema,
  type SignedRecord,
  SignedRecordSchema,
} from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { isSignedBy, type PublicKey, publicKeyOf, type SigningKey } from "../keys/signing-key.ts";

/** A record that was read, and whose signature fits. */
export interface KnownRecord {
  readonly record: Record;
  readonly signer: PublicKey;
  /** SHA-256 of the record's bytes, hexadecimal. */
  readonly digest: string;
  readonly signed: SignedRecord;
}

/** What tells a record's signature from one made for something else. */
const PURPOSE = Buffer.from("unum machine record 1\n");
export const RECORD_LIMIT_BYTES = 64 * 1024;
const RECORD_NAME = /^(?:program|variable|grant|token|revoked|parent|child|owner)\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

export function signRecord(record: MessageInitShape<typeof RecordSchema>, key: SigningKey): SignedRecord {
  const bytes = toBinary(RecordSchema, create(RecordSchema, record));
  const signature = key.sign(Buffer.concat([PURPOSE, bytes]));
  return create(SignedRecordSchema, { record: bytes, key: key.raw, signature });
}

/** Throws the Fault `denied` where the signature does not fit, `invalid` where the record is none. */
export function readRecord(signed: SignedRecord): KnownRecord {
  const { record: bytes, key, signature } = signed;
  if (bytes.length > RECORD_LIMIT_BYTES) {
    throw new Fault("invalid", `a record of ${bytes.length} bytes; the limit is ${RECORD_LIMIT_BYTES}`);
  }
  const signer = publicKeyOf(key);
  if (!isSignedBy(signer, Buffer.concat([PURPOSE, bytes]), signature)) {
    throw new Fault("denied", `a record that key ${signer.id} has not signed`);
  }
  let record: Record;
  try {
    record = fromBinary(RecordSchema, bytes);
  } catch (cause) {
    throw new Fault("invalid", "a record that cannot be read", { cause });
  }
  if (!RECORD_NAME.test(record.name))
    throw new Fault("invalid", `'${record.name.slice(0, 100)}' is no name of a record`);
  const kind = record.name.slice(0, record.name.indexOf("/"));
  if (record.body.case !== kind && record.body.case !== "removed") {
    throw new Fault(
      "invalid",
      `record '${record.name}' says something of a ${record.body.case ?? "kind nobody knows"}`,
    );
  }
  return { record, signer, digest: createHash("sha256").update(bytes).digest("hex"), signed };
}

export function recordBytes(signed: SignedRecord): Uint8Array {
  return toBinary(SignedRecordSchema, signed);
}

/** Throws as `readRecord`. */
export function recordOf(bytes: Uint8Array): KnownRecord {
  return readRecord(fromBinary(SignedRecordSchema, bytes));
}
