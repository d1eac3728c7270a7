// Who a program's one owner is: a record that a controller signs with the key with which it lets others in, so that the root
// vouches for it.
//
// Invariants
//   O1. No record of an owner is taken but from who proves to be a controller by the machine's root.
//   O2. Of two the higher epoch counts: it is the record's counter.

import { X509Certificate } from "node:crypto";
import { asError, Fault } from "../../base/fault.ts";
import type { Ownership, SignedRecord } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { publicKeyOf, readSigningKey } from "../keys/signing-key.ts";
import type { RecordSet } from "../records/record-set.ts";
import { type KnownRecord, signRecord } from "../records/signed-record.ts";

/** What a controller signs with. */
export interface ControllerSeal {
  /** PKCS #8 PEM. */
  readonly key: string;
  /** PEM: that the root made it a controller. */
  readonly cert: string;
}

export interface Owner {
  readonly node: string;
  readonly epoch: number;
  readonly home: string;
}

const PREFIX = "owner/";
/** Of an Ed25519 key in SPKI; the key's 32 bytes follow. */
const SPKI_HEAD_BYTES = 12;
const LONGEST_CERTIFICATE_BYTES = 10_000;

/** Undefined before anybody was. */
export function ownerIn(records: RecordSet, program: string): Owner | undefined {
  const body = records.get(`${PREFIX}${program}`)?.record.body;
  return body?.case === "owner" ? ownerOf(body.value) : undefined;
}

/** Of every program that ever had one. */
export function ownersIn(records: RecordSet): readonly (Owner & { readonly program: string })[] {
  return records.all.flatMap(({ record: { name, body } }) =>
    body.case === "owner" ? [{ program: name.slice(PREFIX.length), ...ownerOf(body.value) }] : [],
  );
}

export function ownerOf({ node, epoch, home }: Ownership): Owner {
  return { node, epoch: Number(epoch), home };
}

export function signOwnership(
  { machine, program, history }: { machine: string; program: string; history: readonly string[] },
  { node, epoch, home }: Owner,
  { key, cert }: ControllerSeal,
): SignedRecord {
  const value = { node, epoch: BigInt(epoch), home, certificate: cert };
  const name = `${PREFIX}${program}`;
  const body = { case: "owner", value } as const;
  return signRecord({ machine, name, counter: BigInt(epoch), history: [...history], body }, readSigningKey(key));
}

/** Throws the Fault `denied` or `invalid`. `root`: PEM, the machine's; `isRevoked`: of a node. */
export function checkOwnership(
  { record, signer }: KnownRecord,
  { root, isRevoked }: { readonly root: string | undefined; readonly isRevoked: (node: string) => boolean },
): void {
  const { name, body, counter } = record;
  if (body.case !== "owner")
    throw new Fault("denied", `${name}: epochs only go up; 'unum unload' ends the program, and leaves it its last one`);
  if (root === undefined) throw new Fault("denied", `${name}: this machine has no certificates, and no owners`);
  const { certificate, epoch, node } = body.value;
  const { controller, key } = sealOf(certificate, root);
  if (key !== signer.id) throw new Fault("denied", `${name}: controller ${controller} has not signed it`);
  if (isRevoked(controller)) throw new Fault("denied", `${name}: controller ${controller} was revoked`);
  if (epoch !== counter || epoch === 0n || epoch > BigInt(Number.MAX_SAFE_INTEGER) || node === "")
    throw new Fault("invalid", `${name}: epoch ${epoch} with counter ${counter} is none`);
}

function sealOf(certificate: string, root: string): { readonly controller: string; readonly key: string } {
  try {
    if (certificate.length > LONGEST_CERTIFICATE_BYTES) throw new Error("it is too long");
    const [own, top] = [new X509Certificate(certificate), new X509Certificate(root)];
    if (!own.ca || !own.verify(top.publicKey)) throw new Error("it does not lead to the machine's root");
    const [, controller] = /^CN=controller ([a-z0-9]{1,32})$/m.exec(own.subject) ?? [];
    if (controller === undefined) throw new Error("it names no controller");
    const spki = own.publicKey.export({ format: "der", type: "spki" });
    return { controller, key: publicKeyOf(new Uint8Array(spki.subarray(SPKI_HEAD_BYTES))).id };
  } catch (cause) {
    throw new Fault("denied", `a controller's certificate proves nothing: ${asError(cause).message}`, { cause });
  }
}
